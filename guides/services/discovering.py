"""A domain's settings: from the provider table without any network, else from the cache, else by asking all sources.

What the sources said is kept in the shared cache, an hour when settings were found and a minute when not. The table is
asked anew each time, so what staff change there counts at once. Only one process looks for a domain at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import cast

from django.db import close_old_connections

from guides import runtime
from guides.limits.rate_limits import lookup_permit
from guides.limits.shared_cache import cache_optional, shared_cache
from guides.mail.accounts import Address
from guides.mail.discovery.existing import with_existing_hosts
from guides.mail.discovery.files import autoconfig, well_known
from guides.mail.discovery.findings import ConfigSource, Discovery, Finding, Trust
from guides.mail.discovery.merge import merge
from guides.mail.discovery.mx import exchangers
from guides.mail.discovery.query import Query
from guides.mail.discovery.search import DEADLINE, NOT_WAITED_FOR, Timeouts, search, settles
from guides.mail.discovery.servers import Skipped, SkipReason
from guides.models import IspdbEntry, Provider, SuffixRule

logger = logging.getLogger(__name__)

SUCCESS_SECONDS = 3600
FAILURE_SECONDS = 60
FLIGHT_SECONDS = 12  # a search ends after 8 s; the mark of one whose process died is gone after this
PERSONAL_SECONDS = 3.0  # for the second question, with the address, to a server that has answered the first
HEARTBEAT_SECONDS = 0.25
POLL_SECONDS = 0.1

# The sources that are told the visitor's address: files of the domain itself.
_PERSONAL = {ConfigSource.AUTOCONFIG: autoconfig, ConfigSource.WELL_KNOWN: well_known}
_TRUST = {"high": Trust.HIGH, "medium": Trust.MEDIUM, "low": Trust.LOW}


def from_table(domain: str) -> Discovery | None:
    """What the provider table says, or None."""
    provider = Provider.objects.find(domain)
    if provider is None:
        return None
    finding = Finding(ConfigSource.TABLE, provider.account(domain), _TRUST[provider.confidence])
    return Discovery(domain, provider.account(domain), finding, (finding,))


def from_snapshot(domain: str, mailbox_domain: str) -> Finding | None:
    """What public tables and the operator's snapshot say of `domain`, for mailboxes at `mailbox_domain`."""
    entry = IspdbEntry.objects.find(domain)
    if entry is None:
        return None
    account = entry.account(mailbox_domain)
    finding = Finding(
        ConfigSource.ISPDB,
        trust=Trust.LOW if entry.is_doubtful else Trust.MEDIUM,
        origin="; ".join(entry.sources.splitlines()),
        doubts=tuple(entry.doubts.splitlines()),
    )
    if account.servers:
        return replace(finding, account=account)
    clear = tuple(Skipped(doubt, SkipReason.CLEAR_TEXT, doubt) for doubt in finding.doubts)
    return replace(finding, error="no_server", skipped=clear, doubts=())


def kept(domain: str) -> Discovery | None:
    """What was found lately of a domain that is not in the table. None: look it up."""
    findings = _Kept(domain).read()
    return None if findings is None else _merged(domain, findings)


def at_hand(domain: str) -> Discovery | None:
    """What is known without the network: the table, or what was found lately."""
    return from_table(domain) or kept(domain)


def look_up(domain: str, timeouts: Timeouts | None = None) -> Discovery:
    """What is at hand, else what all sources say. Blocks for the deadline at most."""
    *_, last = watch(domain, timeouts)
    assert isinstance(last, Discovery)  # noqa: S101
    return last


def watch(domain: str, timeouts: Timeouts | None = None) -> Iterator[Finding | Discovery | None]:
    """Each source as it ends, None while nothing happens, and the whole last. Closing it cancels the search.

    Raises RateLimited when this process searches for as many domains as it may.
    """
    known = at_hand(domain)
    if known is not None:
        yield known
        return
    close_old_connections()  # a pooled connection is not held while other servers are asked
    stored = _Kept(domain)
    until = time.monotonic() + FLIGHT_SECONDS
    while not stored.lead():
        # Another visitor's search for the same domain is under way.
        yield None
        time.sleep(POLL_SECONDS)
        findings = stored.read()
        if findings is not None:
            yield _merged(domain, findings)
            return
        if time.monotonic() > until:
            break
    try:
        with lookup_permit():
            findings = yield from _search(domain, timeouts or Timeouts())
        stored.keep(findings)
    finally:
        stored.end()
    yield _merged(domain, findings)


def thoroughly(domain: str) -> Discovery:
    """For staff on a terminal: the table, else every source, waited for and not from the cache."""
    known = from_table(domain)
    if known is not None:
        return known
    timeouts = Timeouts()
    search_all = _search(domain, replace(timeouts, grace=timeouts.deadline))
    while True:
        try:
            next(search_all)
        except StopIteration as end:
            return _merged(domain, end.value)


def with_address(discovery: Discovery, address: Address) -> Discovery:
    """Ask the domain's own files that did not answer without the address once more, with it. Answers are not kept."""
    if not discovery.needs_address:
        return discovery
    query = Query(discovery.domain, runtime.egress(), address)
    close_old_connections()  # a pooled connection is not held while other servers are asked
    sources = [
        finding.source for finding in discovery.findings if finding.needs_address and finding.source in _PERSONAL
    ]
    asked = runtime.background_loop().run(_ask_with_address(query, sources))
    found = {finding.source: finding for finding in asked if finding.found}
    if not found:
        return discovery
    return merge(discovery.domain, [found.get(finding.source, finding) for finding in discovery.findings])


def lacks_exchangers(discovery: Discovery) -> bool:
    """Whether a search had what it looked for before the domain's mail exchangers were known."""
    return any(_was_cut_off(finding) for finding in discovery.findings)


def with_exchangers(discovery: Discovery) -> Discovery:
    """Ask for the mail exchangers that a search did not wait for: one question. The answer is kept with the rest."""
    if not lacks_exchangers(discovery):
        return discovery
    close_old_connections()  # a pooled connection is not held while other servers are asked
    hosts = runtime.background_loop().run(_ask_exchangers(Query(discovery.domain, runtime.egress())))
    if hosts is None:
        return discovery
    stored = _Kept(discovery.domain)
    findings = [
        replace(finding, error=finding.error if hosts else "no_record", exchangers=hosts)
        if _was_cut_off(finding)
        else finding
        for finding in stored.read() or discovery.findings
    ]
    stored.keep(findings)
    return _merged(discovery.domain, findings)


def _was_cut_off(finding: Finding) -> bool:
    is_cut_off = finding.source is ConfigSource.MX and finding.error in (NOT_WAITED_FOR, DEADLINE)
    return is_cut_off and not finding.exchangers


async def _ask_exchangers(query: Query) -> tuple[str, ...] | None:
    try:
        async with asyncio.timeout(PERSONAL_SECONDS):
            return await exchangers(query)
    except TimeoutError:
        return None


async def _ask_with_address(query: Query, sources: list[ConfigSource]) -> list[Finding]:
    return await asyncio.gather(*(_ask(query, source) for source in sources))


async def _ask(query: Query, source: ConfigSource) -> Finding:
    try:
        async with asyncio.timeout(PERSONAL_SECONDS):
            return await with_existing_hosts(query, await _PERSONAL[source](query))
    except TimeoutError:
        return Finding(source, error=DEADLINE)


def _search(domain: str, timeouts: Timeouts) -> Generator[Finding | None, None, list[Finding]]:
    """Yield each finding; return all."""
    rules = SuffixRule.objects.filter(kind=SuffixRule.Kind.MX).values_list("suffix", "provider__slug")
    query = Query(domain, runtime.egress(), mx_suffixes=dict(rules))
    known = from_snapshot(domain, domain)
    findings: list[Finding] = []
    close_old_connections()  # a pooled connection is not held while other servers are asked
    stream = runtime.background_loop().stream(lambda: search(query, known, timeouts), HEARTBEAT_SECONDS)
    with closing(stream):
        for batch in stream:
            for finding in batch:
                if finding.error.startswith("broken:"):
                    logger.error("the source %s broke off: %s", finding.source, finding.error)
            findings += batch
            if not batch:
                yield None
            yield from batch
    return findings


def _merged(domain: str, findings: list[Finding]) -> Discovery:
    return merge(domain, [_filled(domain, finding) for finding in findings])


def _filled(domain: str, finding: Finding) -> Finding:
    """A finding that names only who knows more, with what the table or the snapshot knows."""
    slug = finding.account.provider if finding.account else None
    if finding.account is not None and slug is not None:
        provider = Provider.objects.filter(slug=slug).with_settings().first()
        if provider is None:  # it was deleted since
            return replace(finding, account=None, error="not_there")
        return replace(finding, account=provider.account(domain))
    for hint in () if finding.account else finding.hints:
        # A provider of the table whose rules do not name this exchanger serves business domains elsewhere, if at all:
        # the private servers of qq.com refuse a mailbox whose exchanger is mxbiz1.qq.com.
        known = None if Provider.objects.id_for(hint) else from_snapshot(hint, domain)
        if known is not None and known.found:
            return replace(finding, account=known.account, error="", origin=hint, doubts=known.doubts)
    return finding


_CONSEQUENCE = "discovery goes on without it"


@dataclass(frozen=True)
class _Kept:
    """What the shared cache holds of a domain; nothing while it is down."""

    domain: str

    def read(self) -> list[Finding] | None:
        with cache_optional(_CONSEQUENCE), shared_cache() as cache:
            return cast("list[Finding] | None", cache.get(self._key("found")))
        return None

    def keep(self, findings: list[Finding]) -> None:
        seconds = SUCCESS_SECONDS if any(settles(finding) or finding.found for finding in findings) else FAILURE_SECONDS
        with cache_optional(_CONSEQUENCE), shared_cache() as cache:
            cache.set(self._key("found"), findings, timeout=seconds)

    def lead(self) -> bool:
        """Whether this process may search for the domain; while another one does, it may not."""
        with cache_optional(_CONSEQUENCE), shared_cache() as cache:
            return cache.add(self._key("flight"), 1, timeout=FLIGHT_SECONDS)
        return True

    def end(self) -> None:
        """The search is over."""
        with cache_optional(_CONSEQUENCE), shared_cache() as cache:
            cache.delete(self._key("flight"))

    def _key(self, what: str) -> str:
        """A name may be longer than a cache's keys; hashed, the cache does not show who looked for what."""
        return f"discovery:1:{what}:{hashlib.sha256(self.domain.encode()).hexdigest()[:32]}"
