"""Closed, filtered, forbidden: for a host that is not known to be the visitor's, one cannot be told from another.

The doors are real: a port without a listener, a listener whose queue is full (Linux then drops what comes), and a name
that leads to a private address.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest
from dnslib import A

from guides.mail.accounts import Server
from guides.mail.connection.input import USUAL_PORT
from guides.mail.connection.plan import LEG_OF_PROTOCOL
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress
from guides.mail.outcomes import StageResult, Verdict
from guides.mail.secret import Secret
from guides.services.articles import Articles
from guides.views.result_page import TestPage
from tests.factories import make_article
from tests.internet import Internet
from tests.scripted import ADDRESS, QUICK

TOTAL = 0.5
QUICKLY = replace(QUICK, connect_total=TOTAL, connect_each=TOTAL)
REFUSING, DROPPING, FORBIDDEN = "ref.doors.test", "dro.doors.test", "for.doors.test"
DOORS = (REFUSING, DROPPING, FORBIDDEN)
SERVERS = [Server(protocol, REFUSING, port, security) for (protocol, security), port in USUAL_PORT.items()]
IMAP = next(server for server in SERVERS if server.port == 993)


@pytest.fixture(scope="module")
def doors() -> Iterator[Internet]:
    made = Internet()
    made.records(REFUSING, A(f"{made.network}.77"))
    made.records(DROPPING, A(f"{made.network}.78"))
    made.records(FORBIDDEN, A("10.20.30.40"))
    with made, ExitStack() as stack:
        for port in USUAL_PORT.values():
            full = stack.enter_context(closing(socket.socket()))
            full.bind((f"{made.network}.78", port))
            full.listen(0)
            for _ in range(4):
                caller = stack.enter_context(closing(socket.socket()))
                caller.setblocking(False)
                caller.connect_ex(full.getsockname())
        yield made


async def one_test(world: Internet, server: Server, *, hidden: bool) -> tuple[list[StageResult], Verdict]:
    hosts = frozenset({server.host} if hidden else ())
    plan = TestPlan(ADDRESS, (server,), hidden_hosts=hosts)
    through = Egress(world.config(), QUICKLY)
    *results, verdict = [one async for one in run_test(plan, Secret("x"), through, PatternSet(), QUICKLY)]
    assert isinstance(verdict, Verdict)
    return [one for one in results if isinstance(one, StageResult)], verdict


def at_all(world: Internet, server: Server, *, hidden: bool) -> dict[str, tuple[list[StageResult], Verdict]]:
    async def run() -> list[tuple[list[StageResult], Verdict]]:
        return await asyncio.gather(*(one_test(world, replace(server, host=host), hidden=hidden) for host in DOORS))

    return dict(zip(DOORS, asyncio.run(run()), strict=True))


def told(result: StageResult) -> StageResult:
    """All of a record but what a clock or the visitor says."""
    return replace(result, host="", milliseconds=0, started=None)


def test_the_doors_are_three_different_ones(doors: Internet) -> None:
    """Without hiding they are told apart: the other tests here would be blind otherwise."""
    found = at_all(doors, IMAP, hidden=False)
    assert [verdict.cause for _, verdict in found.values()] == ["tcp.refused", "tcp.timeout", "dns.forbidden_address"]
    assert found[REFUSING][1].milliseconds < TOTAL * 1000 <= found[DROPPING][1].milliseconds


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: f"{server.protocol}-{server.security}")
def test_records_and_times_are_the_same(doors: Internet, server: Server) -> None:
    found = at_all(doors, server, hidden=True)
    (first, verdict), *others = found.values()
    assert verdict.cause == "tcp.timeout"
    for results, other in others:
        assert [told(one) for one in results] == [told(one) for one in first]
        assert replace(other, milliseconds=0) == replace(verdict, milliseconds=0)
    for results, other in found.values():
        assert {one.ip_address for one in results} == {""}
        connect = next(one for one in results if one.cause)
        assert connect.details == {}
        assert connect.evidence == ()
        # No sooner for one than for another; how much later depends only on this machine.
        assert TOTAL * 1000 - 5 <= connect.milliseconds < TOTAL * 1000 + 3000
        assert TOTAL * 1000 - 5 <= other.milliseconds < TOTAL * 1000 + 3000


# What took no millisecond is shown without its time.
CLOCKS = re.compile(
    r"(, | <span class=\"ms\">)?\d+ ms(</span>)?|\d+\.\d s(econds)?|\d{4}-\d\d-\d\d[T ][\d:.]+( UTC|Z|\+00:00)|&quot;ms&quot;: \d+"
)


@pytest.mark.django_db
def test_pages_and_reports_are_the_same(doors: Internet) -> None:
    make_article("silence", classes=("tcp.timeout",))
    pages = []
    for host, (results, verdict) in at_all(doors, IMAP, hidden=True).items():
        server = replace(IMAP, host=host)
        plan = TestPlan(ADDRESS, (server,), hidden_hosts=frozenset({host}))
        page = TestPage.prepare(plan, Articles(PatternSet(), {"tcp.timeout": "silence"}), "en")
        for result in results:
            page.fill_in(result)
        page.fill_in(verdict)
        assert {part.leg for part in page.legs} == {LEG_OF_PROTOCOL[server.protocol]}
        pages.append(CLOCKS.sub("", page.whole().replace(host, "")))
    assert "does not tell whether they refuse" in pages[0]
    assert pages[0].count("silence") > 2  # the report is in it
    assert pages[0] == pages[1] == pages[2]
