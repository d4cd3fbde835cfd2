"""A look at a server without credentials: its public stages, from DNS to capabilities, and a goodbye."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from guides.mail.accounts import Address, Server
from guides.mail.connection.channel import Limits
from guides.mail.connection.context import TestContext
from guides.mail.connection.gate import LoginGate
from guides.mail.connection.legs import LegRun
from guides.mail.connection.plan import TestPlan, before_login
from guides.mail.connection.redact import Redactor
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Door
from guides.mail.outcomes import Outcome, Stage, StageResult
from guides.mail.secret import Secret

_DEFAULT_LIMITS = Limits()


async def check_server(server: Server, door: Door, limits: Limits = _DEFAULT_LIMITS) -> tuple[StageResult, ...]:
    """The results of the server's public stages, up to the first that failed. Never raises for what a server does."""
    results: list[StageResult] = []

    def report(result: StageResult | None) -> None:
        if result is not None and result.outcome is not Outcome.BLOCKED:
            results.append(result)

    nobody, nothing = Address("nobody", server.host), Secret("")
    plan = TestPlan(nobody, (server,))
    context = TestContext(
        plan=plan,
        secret=nothing,
        door=door,
        patterns=PatternSet(()),
        limits=limits,
        redactor=Redactor(nobody, (), nothing),
        gate=LoginGate(()),
        until=asyncio.get_running_loop().time() + limits.test,
        report=report,
    )
    stages = tuple(stage for stage in before_login(server) if stage is not Stage.INPUT)
    await LegRun(server, context, stages).run()
    return tuple(results)


async def check_servers(servers: Sequence[Server], door: Door) -> list[tuple[StageResult, ...]]:
    """A look at each of `servers`, side by side, but only a few at a time."""
    few = asyncio.Semaphore(10)

    async def one(server: Server) -> tuple[StageResult, ...]:
        async with few:
            return await check_server(server, door)

    return await asyncio.gather(*(one(server) for server in servers))
