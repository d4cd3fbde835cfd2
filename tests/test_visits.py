"""One visitor's test in the crowd: what it tells others of what it found, and what it keeps to itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from guides.crowd import memory, outages
from guides.crowd.memory import Outlook
from guides.crowd.outages import ServerName
from guides.crowd.visits import Visit
from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection import alternatives
from guides.mail.connection.places import AddressPlaces
from guides.mail.connection.shared import SEEN_AT, SILENT_SINCE, Answer, Crowd, Place, SharedLooks
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import Evidence, Leg, Outcome, Stage, StageResult
from guides.mail.secret import Secret
from tests.scripted import ADDRESS, PASSWORD, QUICK, Imap, Scripted, egress, saying

PLACE = Place(Protocol.IMAP, "imap.example.net", 993, Security.TLS)
SERVER = ServerName("imap.example.net", 993, Security.TLS)
PLAN = TestPlan(ADDRESS, (Server(Protocol.IMAP, PLACE.host, PLACE.port, PLACE.security),))
DNS = StageResult(Leg.IMAP, Stage.DNS, Outcome.OK)


def failing(cause: str = "tcp.timeout", stage: Stage = Stage.CONNECT) -> tuple[StageResult, ...]:
    return (DNS, StageResult(Leg.IMAP, stage, Outcome.FAIL, cause, evidence=(Evidence("words"),)))


def told(found: tuple[StageResult, ...]) -> tuple[StageResult, ...]:
    return Answer(found, time.time()).replayed(Leg.IMAP)


def visit(visitor: str, results: tuple[StageResult, ...]) -> None:
    """A visitor's test of one listed server, which comes to these results."""
    made = Visit(PLAN, {Leg.IMAP: PLACE}, {Leg.IMAP: SERVER}, visitor, Outlook())
    for result in results:
        made.take(result)


async def come(visitor: str, server: Scripted, looks: SharedLooks) -> StageResult:
    """A visitor's whole test of one server, as the view has it run; returns how it failed."""
    plan = TestPlan(ADDRESS, (server.server(),))
    place = Place.of(plan.servers[0])
    outlook = memory.outlook([place])
    probes = memory.claim_probes(outlook)
    made = Visit(plan, {Leg.IMAP: place}, {}, visitor, outlook)
    crowd = Crowd(looks, AddressPlaces(), outlook.known, probes)
    failed = None
    async for result in run_test(plan, Secret(PASSWORD), egress(), PatternSet(()), QUICK, crowd):
        if isinstance(result, StageResult):
            made.take(result)
            failed = failed or (result if result.outcome is Outcome.FAIL else None)
    assert failed is not None
    return failed


# --- the breaker -----------------------------------------------------------------------------------------------


def test_the_fifth_visitor_of_a_dead_server_looks_again_and_the_sixth_is_told_since_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alternatives, "may_be_mended", lambda _result: False)

    async def run() -> None:
        async with Imap(security=Security.STARTTLS, talk=saying(hold=0)) as server:
            looks = SharedLooks()
            seen = []
            for visitor in "abcdefg":
                failed = await come(visitor, server, looks)
                seen.append((server.connections, SEEN_AT in failed.details, SILENT_SINCE in failed.details))
                assert failed.cause == "greet.closed"
            assert seen == [
                (1, False, False),
                (1, True, False),
                (1, True, False),
                (1, True, False),
                (2, False, False),
                (2, True, True),
                (2, True, True),
            ]

    asyncio.run(run())


# --- a login refused for the portal's sake ------------------------------------------------------------------------


def refused_at_login(words: str) -> tuple[StageResult, ...]:
    refusal = StageResult(
        Leg.IMAP,
        Stage.LOGIN,
        Outcome.OURS,
        "cross.portal_blocked",
        evidence=(Evidence(words),),
        details={"mechanism": words},
        article="staffs-own",
    )
    return (replace(DNS, details={"addresses": "192.0.2.1"}), refusal)


def test_a_portal_refused_at_login_is_told_to_others_when_two_visitors_have_met_it() -> None:
    for _ in range(3):  # one visitor may be called "blocked-by-spamhaus", and the server echo it
        visit("a", refused_at_login("NO blocked-by-spamhaus, who are you"))
        assert memory.outlook([PLACE]).known == {}
    visit("b", refused_at_login("NO your address is blocked, b"))
    known = memory.outlook([PLACE]).known[PLACE]
    assert known.failure is not None
    assert (known.failure.stage, known.failure.cause) == (Stage.LOGIN, "cross.portal_blocked")
    assert (known.failure.evidence, known.failure.details, known.failure.article) == ((), {}, None)
    assert known.results[0].details == {"addresses": "192.0.2.1"}
    visit("c", known.replayed(Leg.IMAP))  # who is told neither ends it nor makes it longer
    assert memory.outlook([PLACE]).known == {PLACE: known}


def test_one_who_gets_through_in_between_shows_that_it_was_not_the_portal() -> None:
    visit("a", refused_at_login("no"))
    visit("b", (DNS, StageResult(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, "auth.rejected")))
    visit("c", refused_at_login("no"))
    assert memory.outlook([PLACE]).known == {}
    visit("d", refused_at_login("no"))
    assert PLACE in memory.outlook([PLACE]).known


def test_a_portal_refused_at_login_has_an_answer_all_the_same() -> None:
    for _ in range(5):
        memory.learn_failure(PLACE, failing(), looked=True)
    visit("a", refused_at_login("no"))
    known = memory.outlook([PLACE]).known[PLACE]
    assert not known.is_open  # the silence has ended; the failure of the last minute is still told


def test_a_portal_refused_before_the_login_is_told_at_once() -> None:
    """Nothing of a visitor's has gone to the server then."""
    visit("a", (DNS, replace(failing("cross.portal_blocked", Stage.GREETING)[1], outcome=Outcome.OURS)))
    known = memory.outlook([PLACE]).known[PLACE]
    assert known.failure is not None
    assert known.failure.evidence == (Evidence("words"),)


# --- outages of known servers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("cause", "stage"), [("tcp.timeout", Stage.CONNECT), ("greet.421", Stage.GREETING)])
def test_visitors_who_were_only_told_make_no_outage(cause: str, stage: Stage) -> None:
    visit("a", failing(cause, stage))
    for visitor in "bcde":
        visit(visitor, told(failing(cause, stage)))
    assert outages.failing_now() == {}
    assert outages.seen([SERVER])[SERVER].cause == cause  # the one who looked is on the status page
    for visitor in "bc":
        visit(visitor, failing(cause, stage))
    assert list(outages.failing_now()) == [SERVER]


def test_what_was_told_does_not_begin_an_outage_that_has_ended() -> None:
    visit("a", failing())
    visit("b", (DNS, StageResult(Leg.IMAP, Stage.LOGIN, Outcome.OK)))
    visit("c", told(failing()))
    assert outages.seen([SERVER])[SERVER].works
