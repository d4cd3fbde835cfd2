"""The test of a plan whose servers have all failed others: told without a loop, as one that ran would have told it."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from guides.mail.accounts import Address, PasswordKind, Protocol, Security, Server
from guides.mail.connection import input as check
from guides.mail.connection.places import AddressPlaces
from guides.mail.connection.shared import Answer, Crowd, Place, SharedLooks
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.connection.told import tell
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Door, DoorConfig
from guides.mail.outcomes import Evidence, Leg, Outcome, Stage, StageResult, Verdict
from guides.mail.secret import Secret

NOBODY = Door(DoorConfig(allowed_networks=(ip_network("127.0.0.0/8"),)))
HOST = "mail.example.net"
SERVERS = (
    Server(Protocol.IMAP, HOST, 993, Security.TLS),
    Server(Protocol.SMTP, HOST, 587, Security.STARTTLS),
    Server(Protocol.POP3, "pop.example.net", 995, Security.TLS),
)
PLAN = TestPlan(Address.parse("anna@example.net"), SERVERS)
CONNECTED = (
    StageResult(Leg.IMAP, Stage.DNS, Outcome.OK, milliseconds=3),
    StageResult(Leg.IMAP, Stage.CONNECT, Outcome.OK),
)
REFUSED = (CONNECTED[0], StageResult(Leg.IMAP, Stage.CONNECT, Outcome.FAIL, "tcp.refused", milliseconds=4))
BUSY = (
    *CONNECTED,
    StageResult(
        Leg.IMAP, Stage.GREETING, Outcome.OURS, "cross.portal_blocked", evidence=(Evidence("421 go away", True),)
    ),
)


def known(plan: TestPlan, *answers: Answer) -> dict[Place, Answer]:
    return {Place.of(server, plan.hidden_hosts): answer for server, answer in zip(plan.servers, answers, strict=True)}


def ran(plan: TestPlan, secret: Secret, answers: dict[Place, Answer]) -> list[StageResult | Verdict]:
    """What the test itself says, with the same knowledge of others."""

    async def collect() -> list[StageResult | Verdict]:
        crowd = Crowd(SharedLooks(), AddressPlaces(2, 1.0), answers)
        return [item async for item in run_test(plan, secret, NOBODY, PatternSet(()), crowd=crowd)]

    return asyncio.run(collect())


def by_leg(items: list[StageResult | Verdict]) -> dict[object, list[Any]]:
    """Legs run side by side, so only the order within each is compared; and not when a stage of our own was timed."""
    found: dict[object, list[Any]] = {}
    for item in items:
        if isinstance(item, Verdict):
            found["verdict"] = [replace(item, milliseconds=0)]
        else:
            found.setdefault(item.leg, []).append(replace(item, milliseconds=0, started=None))
    return found


OPEN = Answer(REFUSED, 1_800_000_000.0, since=1_799_999_000.0, is_open=True)
CLOSED = Answer(REFUSED, 1_800_000_000.0)
BLOCKED = Answer(BUSY, 1_800_000_000.0)


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, deliver=True),
        replace(PLAN, hidden_hosts=frozenset({HOST})),
        replace(PLAN, password=PasswordKind.BRIDGE),
        replace(PLAN, username="anna\0", servers=SERVERS[:1]),
        replace(PLAN, servers=(replace(SERVERS[0], port=143), replace(SERVERS[1], security=Security.NONE), SERVERS[2])),
    ],
    ids=["three", "delivery", "hidden", "bridge", "username", "ports"],
)
@pytest.mark.parametrize("secret", ["correct horse", " with spaces ", "пароль"])
def test_it_says_what_a_test_would_say(plan: TestPlan, secret: str) -> None:
    answers = known(plan, *(OPEN, BLOCKED, CLOSED)[: len(plan.servers)])
    told = tell(plan, Secret(secret), NOBODY, PatternSet(()), answers)
    assert by_leg(told) == by_leg(ran(plan, Secret(secret), answers))
    assert isinstance(told[-1], Verdict)


def test_a_fault_of_ours_keeps_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(pattern: str, secret: Secret) -> bool:
        held = secret.utf8()
        raise RuntimeError(len(held))

    monkeypatch.setattr(check, "has_shape", broken)
    with pytest.raises(RuntimeError) as raised:
        tell(PLAN, Secret("correct horse"), NOBODY, PatternSet(()), known(PLAN, OPEN, BLOCKED, CLOSED))
    frames = [frame for frame, _line in traceback.walk_tb(raised.value.__traceback__)]
    assert [frame.f_code.co_name for frame in frames][-2:] == ["_warnings", "broken"]
    assert "correct horse" not in repr([frame.f_locals for frame in frames[1:]])
    assert dict(frames[-1].f_locals) == dict(frames[-2].f_locals) == {}


def test_what_others_found_is_marked_as_theirs_and_what_lies_behind_it_is_blocked() -> None:
    told = tell(PLAN, Secret("x"), NOBODY, PatternSet(()), known(PLAN, OPEN, BLOCKED, CLOSED))
    imap = [item for item in told if isinstance(item, StageResult) and item.leg is Leg.IMAP]
    assert [item.outcome for item in imap[:4]] == [Outcome.OK, Outcome.OK, Outcome.FAIL, Outcome.BLOCKED]
    assert imap[2].details["silent_since"] == "2027-01-15T07:43:20+00:00"
    assert {item.outcome for item in imap[3:]} == {Outcome.BLOCKED}
