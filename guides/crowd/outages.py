"""Whether a known provider's servers fail for everybody: from visitors' tests and the operator's own checks.

Kept in the cache, by server: when it last answered, and how many different visitors it has failed since. Visitors are
told apart by keyed hashes that last ten minutes; no address is kept, neither of a visitor nor of a mailbox.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.core.cache import cache

from guides import ledger as ledgers
from guides.ledger import Window, hashed
from guides.mail.accounts import Security, Server

logger = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600
WINDOW_SECONDS = 600
REFRESH_SECONDS = 30  # a server that goes on answering is written down so often, not with each test
INDEX = "crowd:outages"
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


def note(server: ServerName, visitor: str, cause: str | None) -> None:
    """A test, or a check, of a listed server has ended: `cause` says why it failed, None that it answered.

    Without the cache nothing is noted: a banner that only one process knows of would come and go.
    """
    try:
        _note(server, visitor, cause)
    except Exception as error:
        logger.warning("The cache does not answer (%s): nothing is noted about outages", type(error).__name__)


def failing_now() -> dict[ServerName, float]:
    """Servers that fail for everybody, and since when. Empty without the cache: pages go on without a banner."""
    try:
        index: dict[ServerName, tuple[float, float]] = cache.get(INDEX) or {}
    except Exception as error:
        logger.warning("The cache does not answer (%s): no outage is shown", type(error).__name__)
        return {}
    oldest = time.time() - WINDOW_SECONDS
    return {server: since for server, (since, last) in index.items() if last >= oldest}


def seen(servers: Iterable[ServerName]) -> Mapping[ServerName, Seen]:
    """What was last seen of each of `servers` within a day."""
    keys = {_key(server): server for server in servers}
    try:
        found = cache.get_many(keys)
    except Exception as error:
        logger.warning("The cache does not answer (%s): no check is shown", type(error).__name__)
        return {}
    return {keys[key]: value for key, value in found.items()}


def _note(server: ServerName, visitor: str, cause: str | None) -> None:
    now = time.time()
    before: Seen | None = cache.get(_key(server))
    if cause is None:
        if before is None or not before.works or now - before.at >= REFRESH_SECONDS:
            cache.set(_key(server), Seen(now, True, answered_at=now), timeout=KEPT_SECONDS)
        if before is not None and not before.works:
            _index(server, None)
        return
    if before is None or before.works or now - before.at > WINDOW_SECONDS:  # a failure long ago began nothing
        after = Seen(now, False, cause, before.answered_at if before else 0.0, now)
    else:
        after = replace(before, at=now, cause=cause)
    cache.set(_key(server), after, timeout=KEPT_SECONDS)
    # Whoever gets through makes a new beginning, and with it a new subject to count under.
    subject = f"{hashed('server', repr(server))}:{after.answered_at}"
    window = Window("outage", settings.LIMIT_OUTAGE_VISITORS, WINDOW_SECONDS)
    if ledgers.shared.once("outage", f"{subject}:{visitor}", WINDOW_SECONDS):
        ledgers.shared.count(window, subject)
    if ledgers.shared.is_full(window, subject):
        _index(server, (after.failing_since, now))


def _index(server: ServerName, times: tuple[float, float] | None) -> None:
    """Write one server into, or out of, the list of those that fail. Two who write at once repair it the next time."""
    index: dict[ServerName, tuple[float, float]] = cache.get(INDEX) or {}
    oldest = time.time() - WINDOW_SECONDS
    index = {other: kept for other, kept in index.items() if kept[1] >= oldest and other != server}
    if times is not None:
        index[server] = times
    cache.set(INDEX, index, timeout=WINDOW_SECONDS)


def _key(server: ServerName) -> str:
    return f"crowd:seen:{hashed('server', repr(server))}"
