"""The connection test: legs side by side, their stages streamed as they end, the verdict last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from guides.mail.accounts import Server
from guides.mail.connection import alternatives
from guides.mail.connection.channel import Limits
from guides.mail.connection.context import TestContext
from guides.mail.connection.delivery import DeliveryRun
from guides.mail.connection.legs import LegRun
from guides.mail.connection.login_lock import LoginLock
from guides.mail.connection.plan import LEG_OF_PROTOCOL, TestPlan, before_login, stages_of
from guides.mail.connection.probes import SEEN_AT, UNREACHABLE, Endpoint, SharedState
from guides.mail.connection.redact import Redactor
from guides.mail.connection.session import GOODBYE_SECONDS
from guides.mail.connection.session_loan import SessionLoan
from guides.mail.connection.verdict import verdict
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress
from guides.mail.outcomes import Alternative, Leg, StageResult, Verdict
from guides.mail.secret import Secret

__all__ = ["TestPlan", "run_test", "stages_of"]

_DEFAULT_LIMITS = Limits()


async def run_test(
    plan: TestPlan,
    secret: Secret,
    egress: Egress,
    patterns: PatternSet,
    limits: Limits = _DEFAULT_LIMITS,
    shared: SharedState | None = None,
) -> AsyncGenerator[StageResult | Verdict, None]:
    """Yield each stage of each leg as soon as it has ended, blocked ones included, and the verdict last.

    `shared` is what the test shares with other tests; without it, as on a terminal, it probes by itself.
    Never raises for what a server does. Closing the generator, or cancelling its consumer, closes all sockets.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    reports: asyncio.Queue[StageResult | None] = asyncio.Queue()
    context = TestContext(
        plan=plan,
        secret=secret,
        egress=egress,
        patterns=patterns,
        limits=limits,
        redactor=Redactor(plan.address, plan.usernames(), secret),
        login_lock=LoginLock(LEG_OF_PROTOCOL[server.protocol] for server in plan.servers),
        until=started + limits.test,
        report=reports.put_nowait,
        shared=shared,
        session_loan=SessionLoan() if plan.deliver else None,
    )
    legs = {
        LEG_OF_PROTOCOL[server.protocol]: asyncio.create_task(LegRun(server, context).run()) for server in plan.servers
    }
    runs: list[asyncio.Task[Any]] = [*legs.values()]
    if plan.deliver:
        runs.append(asyncio.create_task(DeliveryRun(context).run()))
    results: list[StageResult] = []
    search = _Search(context, legs)
    try:
        running = len(runs)
        while running:
            result = await reports.get()
            if result is None:
                running -= 1
            else:
                results.append(result)
                search.consider(result)
                yield result
        found = await search.end()
        judged = verdict(results, round((loop.time() - started) * 1000))
        yield replace(judged, alternatives=found)
        await asyncio.wait(runs, timeout=GOODBYE_SECONDS)  # the goodbyes: the verdict is out already
    finally:
        runs += search.tasks
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)


def is_spared(result: StageResult, server: Server, context: TestContext) -> bool:
    """Whether no other settings are tried on a server: it does not answer, and other tests have found that out.

    A server that answers, only not to such settings, is tried for each visitor: it is the settings that are wrong.
    """
    endpoint = Endpoint.of(server, context.plan.hidden_hosts)
    is_known_outage = SEEN_AT in result.details and result.cause in UNREACHABLE
    return is_known_outage or (context.shared is not None and endpoint in context.shared.half_open)


class _Search:
    """Looks for other settings as soon as a leg has failed before its login, while the other legs go on."""

    def __init__(self, context: TestContext, legs: Mapping[Leg, asyncio.Task[None]]) -> None:
        self._context = context
        self._legs = legs
        self._servers = {LEG_OF_PROTOCOL[server.protocol]: server for server in context.plan.servers}
        self.tasks: list[asyncio.Task[Alternative | None]] = []

    def consider(self, result: StageResult) -> None:
        """A stage has ended."""
        server = self._servers.get(result.leg)
        if server is None or result.cause is None or result.stage not in before_login(server):
            return
        if is_spared(result, server, self._context):
            return
        if alternatives.may_be_mended(result):
            self.tasks.append(asyncio.create_task(self._find(server, result.cause)))

    async def _find(self, server: Server, cause: str) -> Alternative | None:
        """The search takes the place of the leg: it begins when that one's connection is closed."""
        await asyncio.wait({self._legs[LEG_OF_PROTOCOL[server.protocol]]})
        return await alternatives.find_alternative(server, cause, self._context)

    async def end(self) -> tuple[Alternative, ...]:
        """What was found, in the order of the legs, once all searches are over. A fault of ours finds nothing."""
        found = await asyncio.gather(*self.tasks, return_exceptions=True)
        order = list(Leg)
        return tuple(
            sorted((one for one in found if isinstance(one, Alternative)), key=lambda one: order.index(one.leg))
        )
