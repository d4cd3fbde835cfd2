"""Checking servers without credentials: the stages from DNS to capabilities, then QUIT or LOGOUT."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from guides.mail.accounts import Address, Server
from guides.mail.connection.channel import Limits
from guides.mail.connection.context import TestContext
from guides.mail.connection.legs import LegRun
from guides.mail.connection.login_lock import LoginLock
from guides.mail.connection.plan import TestPlan, before_login
from guides.mail.connection.redact import Redactor
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress
from guides.mail.outcomes import Outcome, Stage, StageResult
from guides.mail.secret import Secret

_DEFAULT_LIMITS = Limits()


async def check_server(server: Server, egress: Egress, limits: Limits = _DEFAULT_LIMITS) -> tuple[StageResult, ...]:
    """The results of a server's stages before the login, up to the first failure. A server's faults never raise."""
    results: list[StageResult] = []

    def report(result: StageResult | None) -> None:
        if result is not None and result.outcome is not Outcome.BLOCKED:
            results.append(result)

    address, empty = Address("nobody", server.host), Secret("")  # neither is sent
    plan = TestPlan(address, (server,))
    context = TestContext(
        plan=plan,
        secret=empty,
        egress=egress,
        patterns=PatternSet(()),
        limits=limits,
        redactor=Redactor(address, (), empty),
        login_lock=LoginLock(()),
        until=asyncio.get_running_loop().time() + limits.test,
        report=report,
    )
    stages = tuple(stage for stage in before_login(server) if stage is not Stage.INPUT)
    await LegRun(server, context, stages).run()
    return tuple(results)


async def check_servers(servers: Sequence[Server], egress: Egress) -> list[tuple[StageResult, ...]]:
    """The results of each of `servers`; ten are checked at a time."""
    limit = asyncio.Semaphore(10)

    async def one(server: Server) -> tuple[StageResult, ...]:
        async with limit:
            return await check_server(server, egress)

    return await asyncio.gather(*(one(server) for server in servers))
