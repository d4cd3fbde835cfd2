"""A whole test of the lab at 50 ms each way, against the round trips it cannot do without, and the standard library."""

from __future__ import annotations

import asyncio
import imaplib
import poplib
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, aclosing
from dataclasses import replace
from ipaddress import ip_address, ip_network
from statistics import median
from unittest.mock import patch

from benchmarks.delay import DelayProxy
from benchmarks.figures import Ratio, milliseconds
from guides.mail.accounts import Address, Protocol, Security
from guides.mail.connection import imap as imap_leg
from guides.mail.connection import pop3 as pop3_leg
from guides.mail.connection import sasl
from guides.mail.connection import smtp as smtp_leg
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress, EgressConfig, Resolution
from guides.mail.outcomes import Outcome, Verdict
from guides.mail.secret import Secret
from tests.lab import Lab
from tests.lab.people import DOMAIN, PEOPLE

DELAY = 0.050
ROUND_TRIP = 2 * DELAY
ROUNDS = 5
ANNA = PEOPLE[0]

# What each leg cannot do without, in round trips: DNS, TCP, TLS 1.3, the greeting (it comes after the client's
# Finished), and one for each stage behind it that asks something. IMAP's capabilities come with the greeting. A login
# of POP3 or SMTP waits for IMAP's, because a wrong password must be sent once only.
BEFORE = 4
LOGIN = {"PLAIN": 1, "SCRAM-SHA-1": 3, "SCRAM-SHA-256": 3}  # RFC 4616 with an initial response; RFC 5802


Work = Callable[[], tuple[float, dict[str, str]]]


class FarEgress(Egress):
    """Every name leads to the proxy; the question is asked of the far DNS server all the same."""

    def __init__(self, config: EgressConfig, proxy: str) -> None:
        super().__init__(config)
        self._proxy = proxy

    async def resolve(self, host: str) -> Resolution:
        """As the real one, but to another address."""
        return replace(await super().resolve(host), addresses=(ip_address(self._proxy),))


def _ours(lab: Lab, far: tuple[str, int], address: str) -> tuple[float, dict[str, str]]:
    config = EgressConfig(
        dns_servers=(far,),
        allowed_networks=(ip_network("127.0.0.0/8"),),
        allowed_ports=frozenset(lab.ports.mail()),
        allowed_suffixes=frozenset({"test"}),
        extra_ca_file=lab.ca_file,
        ehlo_name="portal.lab.test",
    )
    egress = FarEgress(config, address)
    egress.tls_context()  # made once per process
    servers = tuple(lab.server(protocol) for protocol in Protocol)
    plan = TestPlan(Address(ANNA.name, DOMAIN), servers)

    async def run() -> tuple[float, dict[str, str]]:
        began = time.perf_counter()
        stages: dict[str, str] = {}
        async with aclosing(run_test(plan, Secret(ANNA.password), egress, PatternSet(()))) as results:
            async for result in results:
                if isinstance(result, Verdict):
                    assert result.outcome is Outcome.OK, result
                    return time.perf_counter() - began, stages
                stages[f"{result.leg} {result.stage}"] = result.details.get("mechanism", "")
        raise AssertionError("no verdict")

    return asyncio.run(run())


def _with_plain(work: Work) -> tuple[float, dict[str, str]]:
    """The standard library knows no SCRAM; for the comparison the portal does without it as well."""

    def choose(offered: Iterable[str], **options: object) -> object:
        return original([name for name in offered if not name.startswith("SCRAM")], **options)  # type: ignore[arg-type]

    original = sasl.choose
    with ExitStack() as patches:
        for leg in (imap_leg, pop3_leg, smtp_leg):
            patches.enter_context(patch.object(leg, "choose", choose))
        return work()


def _standard_library(lab: Lab, proxy: DelayProxy) -> float:
    """The same steps with imaplib, poplib and smtplib, one after the other; they are spared the DNS."""
    context = ssl.create_default_context(cafile=str(lab.ca_file))
    port = {protocol: lab.port(protocol, Security.TLS) for protocol in Protocol}
    name = {protocol: lab.server(protocol).host for protocol in Protocol}
    began = time.perf_counter()
    with _leading_to(proxy.address):
        imap = imaplib.IMAP4_SSL(name[Protocol.IMAP], port[Protocol.IMAP], ssl_context=context)
        imap.login(ANNA.address, ANNA.password)
        imap.xatom("ID", "NIL")
        imap.select("INBOX", readonly=True)
        imap.getquotaroot("INBOX")
        imap.list()
        imap.logout()
        pop = poplib.POP3_SSL(name[Protocol.POP3], port[Protocol.POP3], context=context)
        pop.capa()
        pop.user(ANNA.address)
        pop.pass_(ANNA.password)
        pop.stat()
        pop.capa()
        pop.quit()
        smtp = smtplib.SMTP_SSL(
            name[Protocol.SMTP], port[Protocol.SMTP], local_hostname="portal.lab.test", context=context
        )
        smtp.ehlo()
        smtp.login(ANNA.address, ANNA.password)
        smtp.mail(ANNA.address)
        smtp.rcpt(ANNA.address)
        smtp.rset()
        smtp.quit()
    return time.perf_counter() - began


def _leading_to(address: str) -> AbstractContextManager[object]:
    """The standard library's clients connect to `address`, and expect the certificate of the name they were given."""
    original = socket.create_connection

    def create(where: tuple[str, int], *arguments: object, **options: object) -> socket.socket:
        return original((address, where[1]), *arguments, **options)  # type: ignore[arg-type]

    return patch.object(socket, "create_connection", create)


def _necessary(stages: dict[str, str]) -> tuple[int, str]:
    """Round trips of the slowest leg, from the stages that a test has and how it signed in."""
    imap_login = BEFORE + LOGIN[stages["imap login"]]
    legs = {
        # after the login: one for each stage of the mailbox
        "imap": imap_login + sum(f"imap {stage}" in stages for stage in ("identity", "mailbox", "quota", "folders")),
        # CAPA runs while IMAP logs in; then the login, where USER and PASS are two, STAT, and CAPA again (RFC 2449)
        "pop3": imap_login + LOGIN.get(stages["pop3 login"], 2) + 2,
        # EHLO runs while IMAP logs in; the login; MAIL, RCPT and RSET in one (RFC 2920)
        "smtp": imap_login + LOGIN[stages["smtp login"]] + 1,
    }
    slowest = max(legs, key=lambda leg: legs[leg])
    return legs[slowest], slowest


def run() -> list[Ratio]:
    """Ours and the standard library in turns."""
    with Lab() as lab:
        address = f"{lab.network}.201"
        with DelayProxy(address, f"{lab.network}.1", list(lab.ports.mail()), lab.dns_server, DELAY) as proxy:
            return _compare(
                lambda: _ours(lab, proxy.dns, address),
                lambda: _with_plain(lambda: _ours(lab, proxy.dns, address)),
                lambda: _standard_library(lab, proxy),
                lambda: _ours(lab, lab.dns_server, f"{lab.network}.1"),
            )


def _compare(ours: Work, ours_plain: Work, theirs: Callable[[], float], near: Work) -> list[Ratio]:
    ours()
    work = median(near()[0] for _ in range(ROUNDS))
    rounds = [(ours(), ours_plain(), theirs()) for _ in range(ROUNDS)]
    mine = median(one[0][0] for one in rounds)
    other = median(one[2] for one in rounds)
    plain = median(one[1][0] for one in rounds)
    trips, leg = _necessary(rounds[0][0][1])
    needed = trips * ROUND_TRIP
    note = f"{milliseconds(mine)}; {leg} needs {trips} round trips of {milliseconds(ROUND_TRIP)}"
    return [
        Ratio("whole test / the slowest leg's necessary round trips", mine / needed, 1.15, note=note),
        Ratio("of that, work of portal and lab (a whole test without delay)", work / needed, note=milliseconds(work)),
        Ratio(
            "whole test / imaplib, poplib, smtplib in turn",
            plain / other,
            0.4,
            note=f"{milliseconds(plain)} against {milliseconds(other)}, none with SCRAM",
        ),
    ]
