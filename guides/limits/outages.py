"""Whether a known provider's servers fail for all visitors: from their tests and the operator's own checks.

Kept in the shared cache, by server: when it last answered, and how many different visitors it has failed since.
Visitors are told apart by keyed hashes that last ten minutes; no address is kept, neither of a visitor nor of a
mailbox. While the cache does not answer nothing is recorded, and pages are shown without a banner.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.conf import settings

from guides.limits.counters import Window, count, is_first, used
from guides.limits.shared_cache import cache_optional, keyed_hash, shared_cache
from guides.mail.accounts import Security, Server

KEPT_SECONDS = 24 * 3600
WINDOW_SECONDS = 600
REFRESH_SECONDS = 30  # a server that goes on answering is recorded so often, not with each test
INDEX = "outage:index"
CHECKER = "check"  # the operator's own check, in a visitor's place


@dataclass(frozen=True, slots=True, order=True)
class ServerName:
    """A server as it is listed."""

    host: str
    port: int
    security: Security

    @classmethod
    def of(cls, server: Server) -> ServerName:
        """A server's name."""
        return cls(server.host.lower(), server.port, server.security)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was last seen of a server. Times are in seconds since 1970; 0: never."""

    at: float
    works: bool
    cause: str = ""
    answered_at: float = 0.0
    failing_since: float = 0.0


def record_outcome(server: ServerName, visitor: str, cause: str | None) -> None:
    """A test, or a check, of a listed server has ended: `cause` says why it failed, None that it answered."""
    with cache_optional("nothing is recorded about outages"):
        if cause is None:
            _record_success(server)
        else:
            _record_failure(server, visitor, cause)


def failing_now() -> dict[ServerName, float]:
    """Servers that fail for all visitors, and since when (seconds since 1970)."""
    oldest = time.time() - WINDOW_SECONDS
    with cache_optional("no outage is shown"), shared_cache() as cache:
        index: dict[ServerName, tuple[float, float]] = cache.get(INDEX) or {}
        return {server: since for server, (since, last) in index.items() if last >= oldest}
    return {}


def seen(servers: Iterable[ServerName]) -> Mapping[ServerName, Seen]:
    """What was last seen of each of `servers` within a day."""
    keys = {_key(server): server for server in servers}
    if not keys:
        return {}
    with cache_optional("no check is shown"), shared_cache() as cache:
        return {keys[key]: value for key, value in cache.get_many(keys).items()}
    return {}


def _record_success(server: ServerName) -> None:
    now = time.time()
    with shared_cache() as cache:
        before: Seen | None = cache.get(_key(server))
        if before is None or not before.works or now - before.at >= REFRESH_SECONDS:
            cache.set(_key(server), Seen(now, True, answered_at=now), timeout=KEPT_SECONDS)
    if before is not None and not before.works:
        _index(server, None)


def _record_failure(server: ServerName, visitor: str, cause: str) -> None:
    now = time.time()
    with shared_cache() as cache:
        before: Seen | None = cache.get(_key(server))
        if before is None or before.works or now - before.at > WINDOW_SECONDS:  # a failure long ago began no series
            after = Seen(now, False, cause, before.answered_at if before else 0.0, now)
        else:
            after = replace(before, at=now, cause=cause)
        cache.set(_key(server), after, timeout=KEPT_SECONDS)
    # A success begins a new series of failures, which is counted under a new subject.
    subject = f"{keyed_hash('server', repr(server))}:{after.answered_at}"
    window = Window("outage", settings.LIMIT_OUTAGE_VISITORS, WINDOW_SECONDS)
    if is_first("outage", f"{subject}:{visitor}", WINDOW_SECONDS):
        count(window, subject)
    if used([(window, subject)])[0] >= window.limit:
        _index(server, (after.failing_since, now))


def _index(server: ServerName, times: tuple[float, float] | None) -> None:
    """Write a server into, or out of, the list of those that fail. The next record repairs a lost concurrent write."""
    oldest = time.time() - WINDOW_SECONDS
    with shared_cache() as cache:
        index: dict[ServerName, tuple[float, float]] = cache.get(INDEX) or {}
        index = {other: kept for other, kept in index.items() if kept[1] >= oldest and other != server}
        if times is not None:
            index[server] = times
        cache.set(INDEX, index, timeout=WINDOW_SECONDS)


def _key(server: ServerName) -> str:
    return f"outage:seen:{keyed_hash('server', repr(server))}"
