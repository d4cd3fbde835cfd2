"""Asking all sources concurrently within one deadline; each finding is reported as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from guides.mail.discovery.autodiscover import autodiscover
from guides.mail.discovery.existing import with_existing_hosts
from guides.mail.discovery.files import autoconfig, well_known
from guides.mail.discovery.findings import ConfigSource, Finding
from guides.mail.discovery.guess import guess
from guides.mail.discovery.mx import mx
from guides.mail.discovery.pacc import pacc
from guides.mail.discovery.query import Query
from guides.mail.discovery.srv import srv

Ask = Callable[[Query], Awaitable[Finding]]


def _checked(ask: Ask) -> Ask:
    """The source, without servers whose hosts do not exist."""

    async def asked(query: Query) -> Finding:
        return await with_existing_hosts(query, await ask(query))

    return asked


SOURCES: Mapping[ConfigSource, Ask] = {
    ConfigSource.PACC: _checked(pacc),
    ConfigSource.AUTOCONFIG: _checked(autoconfig),
    ConfigSource.WELL_KNOWN: _checked(well_known),
    ConfigSource.MX: _checked(mx),
    ConfigSource.SRV: _checked(srv),
    ConfigSource.AUTODISCOVER: _checked(autodiscover),
    ConfigSource.GUESS: guess,  # it has connected to its servers
}
NOT_WAITED_FOR, DEADLINE = "not_waited_for", "deadline"  # errors of sources that were cancelled
ORDER = {source: position for position, source in enumerate(ConfigSource)}


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `deadline`: for the whole search. `grace`: for less trusted sources once `settles` is true of one."""

    deadline: float = 8.0
    grace: float = 0.05


THOROUGH = Timeouts(grace=8.0)
_DEFAULT = Timeouts()


async def search(
    query: Query,
    known: Finding | None = None,
    timeouts: Timeouts = _DEFAULT,
    sources: Mapping[ConfigSource, Ask] = SOURCES,
) -> AsyncGenerator[Finding, None]:
    """Yield each source's finding as it comes. `known` is the finding of a source that needs no network.

    A source is awaited until a more trusted one has complete settings, then for `grace`. A cancelled source has a
    finding with an error, too. Closing the generator cancels all.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + timeouts.deadline
    tasks = {asyncio.create_task(_safely(ask, query, source)): source for source, ask in sources.items()}
    settled_by = known if known is not None and settles(known) else None
    in_grace = False
    running = set(tasks)
    try:
        if known is not None:
            yield known
        while running and (left := until - loop.time()) > 0:
            done, running = await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda task: ORDER[tasks[task]]):
                finding = task.result()
                if settles(finding) and (settled_by is None or finding.rank < settled_by.rank):
                    settled_by = finding
                yield finding
            if settled_by is None or in_grace:
                continue
            if all(ORDER[tasks[task]] > settled_by.rank for task in running):
                in_grace = True
                until = min(until, loop.time() + timeouts.grace)
        late = NOT_WAITED_FOR if in_grace else DEADLINE
        for source in sorted((tasks[task] for task in running), key=ORDER.__getitem__):
            yield Finding(source, error=late)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def settles(finding: Finding) -> bool:
    """Whether less trusted sources are not needed: the settings are complete, or of a known provider."""
    return finding.is_whole or (finding.account is not None and finding.account.provider is not None)


async def _safely(ask: Ask, query: Query, source: ConfigSource) -> Finding:
    """Ask a source; an unexpected error becomes a finding, which the caller logs, so that the others go on."""
    try:
        return await ask(query)
    except Exception as error:
        return Finding(source, error=f"broken:{type(error).__name__}")
