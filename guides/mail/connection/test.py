"""The connection test: legs side by side, their stages streamed as they end, the verdict last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from guides.mail.connection.channel import Limits
from guides.mail.connection.context import TestContext
from guides.mail.connection.delivery import DeliveryRun
from guides.mail.connection.gate import LoginGate
from guides.mail.connection.handover import Handover
from guides.mail.connection.legs import LegRun
from guides.mail.connection.plan import LEG_OF_PROTOCOL, TestPlan, stages_of
from guides.mail.connection.redact import Redactor
from guides.mail.connection.session import GOODBYE_SECONDS
from guides.mail.connection.shared import Crowd
from guides.mail.connection.verdict import verdict
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Door
from guides.mail.outcomes import StageResult, Verdict
from guides.mail.secret import Secret

__all__ = ["TestPlan", "run_test", "stages_of"]

_DEFAULT_LIMITS = Limits()


async def run_test(
    plan: TestPlan,
    secret: Secret,
    door: Door,
    patterns: PatternSet,
    limits: Limits = _DEFAULT_LIMITS,
    crowd: Crowd | None = None,
) -> AsyncGenerator[StageResult | Verdict, None]:
    """Yield each stage of each leg as soon as it has ended, blocked ones included, and the verdict last.

    `crowd` is what the test shares with those of others; without it, as on a terminal, it looks for itself.
    Never raises for what a server does. Closing the generator, or cancelling its consumer, closes all sockets.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    reports: asyncio.Queue[StageResult | None] = asyncio.Queue()
    context = TestContext(
        plan=plan,
        secret=secret,
        door=door,
        patterns=patterns,
        limits=limits,
        redactor=Redactor(plan.address, plan.usernames(), secret),
        gate=LoginGate(LEG_OF_PROTOCOL[server.protocol] for server in plan.servers),
        until=started + limits.test,
        report=reports.put_nowait,
        crowd=crowd,
        handover=Handover() if plan.deliver else None,
    )
    legs = [LegRun(server, context) for server in plan.servers]
    if plan.deliver:
        legs.append(DeliveryRun(context))
    runs = [asyncio.create_task(leg.run()) for leg in legs]
    results: list[StageResult] = []
    try:
        running = len(runs)
        while running:
            result = await reports.get()
            if result is None:
                running -= 1
            else:
                results.append(result)
                yield result
        yield verdict(results, round((loop.time() - started) * 1000))
        await asyncio.wait(runs, timeout=GOODBYE_SECONDS)  # the goodbyes, for which nobody waits any more
    finally:
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
