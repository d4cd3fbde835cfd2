"""All sources at once: who is waited for, what the deadline cuts off, what a broken source does to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from guides.mail.accounts import Account, Protocol, Security, Server
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.query import Query
from guides.mail.discovery.search import Timeouts, search
from guides.mail.network import Egress, EgressConfig

QUERY = Query("example.com", Egress(EgressConfig()))
WHOLE = (
    Server(Protocol.IMAP, "imap.example.com", 993, Security.TLS),
    Server(Protocol.SMTP, "smtp.example.com", 465, Security.TLS),
)


def after(
    seconds: float, source: ConfigSource, servers: tuple[Server, ...] = (), provider: str | None = None
) -> Callable[[Query], Awaitable[Finding]]:
    async def ask(query: Query) -> Finding:
        await asyncio.sleep(seconds)
        account = Account("example.com", provider=provider, servers=servers) if servers or provider else None
        return Finding(source, account, Trust.HIGH, error="" if account else "not_there")

    return ask


def run(
    sources: dict[ConfigSource, Callable[[Query], Awaitable[Finding]]], known: Finding | None = None, **timeouts: float
) -> tuple[dict[str, str], float]:
    async def gather() -> list[Finding]:
        return [f async for f in search(QUERY, known, Timeouts(**timeouts), sources)]

    began = monotonic()
    findings = asyncio.run(gather())
    return {f.source.value: "found" if f.account else f.error for f in findings}, monotonic() - began


def test_less_trusted_sources_are_not_waited_for() -> None:
    said, seconds = run(
        {
            ConfigSource.AUTOCONFIG: after(0.05, ConfigSource.AUTOCONFIG, WHOLE),
            ConfigSource.MX: after(0.08, ConfigSource.MX, provider="x"),
            ConfigSource.GUESS: after(30, ConfigSource.GUESS),
        },
        grace=0.1,
    )
    assert said == {"autoconfig": "found", "mx": "found", "guess": "not_waited_for"}
    assert seconds < 10


def test_more_trusted_sources_are_waited_for() -> None:
    said, _seconds = run(
        {
            ConfigSource.PACC: after(0.2, ConfigSource.PACC, WHOLE),
            ConfigSource.GUESS: after(0, ConfigSource.GUESS, WHOLE),
        },
        grace=0.05,
    )
    assert said == {"guess": "found", "pacc": "found"}
    known = Finding(ConfigSource.ISPDB, Account("example.com", servers=WHOLE), Trust.MEDIUM)
    said, _seconds = run(
        {ConfigSource.AUTOCONFIG: after(0.2, ConfigSource.AUTOCONFIG), ConfigSource.SRV: after(5, ConfigSource.SRV)},
        known,
        grace=0.05,
    )
    assert said == {"ispdb": "found", "autoconfig": "not_there", "srv": "not_waited_for"}


def test_half_settings_settle_nothing() -> None:
    said, _seconds = run(
        {
            ConfigSource.AUTOCONFIG: after(0, ConfigSource.AUTOCONFIG, WHOLE[:1]),
            ConfigSource.SRV: after(0.2, ConfigSource.SRV, WHOLE),
        },
        grace=0.01,
    )
    assert said == {"autoconfig": "found", "srv": "found"}


def test_the_deadline_holds_for_all_together() -> None:
    said, seconds = run({source: after(30, source) for source in (ConfigSource.PACC, ConfigSource.SRV)}, deadline=0.1)
    assert said == {"pacc": "deadline", "srv": "deadline"}
    assert seconds < 10


def test_a_broken_source_is_told_and_harms_no_other() -> None:
    async def broken(query: Query) -> Finding:
        raise KeyError(query.domain)

    said, _seconds = run({ConfigSource.PACC: broken, ConfigSource.SRV: after(0, ConfigSource.SRV, WHOLE)})
    assert said == {"pacc": "broken:KeyError", "srv": "found"}


def test_leaving_cancels_all() -> None:
    cancelled = []

    async def hanging(query: Query) -> Finding:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(query.domain)
            raise
        raise AssertionError

    async def leave() -> None:
        found = search(
            QUERY, None, Timeouts(), {ConfigSource.PACC: hanging, ConfigSource.SRV: after(0, ConfigSource.SRV)}
        )
        assert (await anext(found)).source is ConfigSource.SRV
        await found.aclose()

    asyncio.run(leave())
    assert cancelled == ["example.com"]
