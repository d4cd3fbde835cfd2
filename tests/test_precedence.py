"""Which legs of a crowd go first."""

from __future__ import annotations

import asyncio

import pytest

from guides.mail.accounts import Protocol
from guides.mail.connection import precedence
from guides.mail.connection.gate import LoginGate
from guides.mail.connection.places import AddressPlaces
from guides.mail.connection.precedence import CROWD, Precedence
from guides.mail.connection.shared import Crowd, SharedLooks
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from tests.scripted import ADDRESS, PASSWORD, QUICK, Connection, Imap, Smtp, egress


async def waits(precedence: Precedence, go: asyncio.Event) -> bool:
    task = asyncio.create_task(precedence.stand_back(go))
    await asyncio.sleep(0.01)
    ended = task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return not ended


def test_in_the_calm_nobody_stands_back() -> None:
    async def main() -> None:
        arriving = 0
        first = Precedence(lambda: arriving)
        for _ in range(CROWD - 1):
            first.set_out()
        assert not await waits(first, asyncio.Event())
        arriving = 1  # who has not begun yet counts as well
        assert await waits(first, asyncio.Event())

    asyncio.run(main())


def test_in_a_crowd_they_wait_for_the_last_first_leg() -> None:
    async def main() -> None:
        first = Precedence()
        legs = [first.set_out() for _ in range(CROWD)]
        task = asyncio.create_task(first.stand_back(asyncio.Event()))
        await asyncio.sleep(0.01)
        assert not task.done()
        first.arrive(legs[0])
        first.arrive(legs[0])
        await asyncio.wait_for(task, 1)
        assert not first._waiting

    asyncio.run(main())


def test_they_wait_no_longer_than_a_while_or_for_their_own_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST", 0.05)

    async def main() -> None:
        first = Precedence(lambda: CROWD)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await first.stand_back(asyncio.Event())
        assert 0.05 <= loop.time() - began < 1
        gate = LoginGate([Leg.IMAP, Leg.SMTP])
        monkeypatch.setattr(precedence, "LONGEST", 60)
        own = asyncio.create_task(gate.others_begin(Leg.SMTP, first))
        await asyncio.sleep(0.01)
        assert not own.done()
        gate.through(Leg.IMAP)
        await asyncio.wait_for(own, 1)
        await asyncio.wait_for(gate.others_begin(Leg.POP3, first), 1)  # it is through already
        await asyncio.wait_for(LoginGate([Leg.POP3, Leg.SMTP]).others_begin(Leg.SMTP, first), 1)  # nobody is first

    asyncio.run(main())


@pytest.mark.parametrize("arriving", [0, CROWD])
def test_in_a_crowd_smtp_connects_when_imap_has_come_to_its_login(arriving: int) -> None:
    order: list[str] = []

    async def imap_talk(connection: Connection) -> None:
        order.append("imap")
        await Imap.speak(imap, connection)

    async def smtp_talk(connection: Connection) -> None:
        order.append("smtp")
        await Smtp.speak(smtp, connection)

    imap, smtp = Imap(talk=imap_talk), Smtp(talk=smtp_talk)
    shared = Precedence(lambda: arriving)
    seen: list[StageResult | Verdict] = []

    async def main() -> None:
        async with imap, smtp:
            # SMTP first, as a plan may have it: in the calm it is also the first to connect.
            plan = TestPlan(address=ADDRESS, servers=(smtp.server(), imap.server()))
            crowd = Crowd(SharedLooks(), AddressPlaces(), precedence=shared)
            async for result in run_test(plan, Secret(PASSWORD), egress(), PatternSet(()), QUICK, crowd):
                seen.append(result)
                if isinstance(result, StageResult) and result.stage is Stage.LOGIN:
                    order.append(f"{result.leg} login")

    asyncio.run(main())
    assert isinstance(seen[-1], Verdict)
    assert seen[-1].outcome in (Outcome.OK, Outcome.WARN)
    assert {server.protocol for server in (imap.server(), smtp.server())} == {Protocol.IMAP, Protocol.SMTP}
    if arriving:
        assert order == ["imap", "imap login", "smtp", "smtp login"]
    else:
        assert order.index("smtp") < order.index("imap login")
    assert not shared._on_their_way
