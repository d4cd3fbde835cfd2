"""One visitor's test in the crowd: what it tells others of what it found, and what it keeps to itself."""

from __future__ import annotations

import time

import pytest

from guides.crowd import outages
from guides.crowd.memory import Outlook
from guides.crowd.outages import ServerName
from guides.crowd.visits import Visit
from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.shared import Answer, Place
from guides.mail.connection.test import TestPlan
from guides.mail.outcomes import Evidence, Leg, Outcome, Stage, StageResult
from tests.scripted import ADDRESS

PLACE = Place("imap.example.net", 993, Security.TLS)
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
