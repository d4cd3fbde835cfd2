"""The cache that all processes share: counters, slots and known failures are kept in it.

It is the one that CACHE_URL names, else this process's memory. While it does not answer, tests are refused (503): a
limit that cannot be counted must not be lifted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.utils.crypto import salted_hmac
from redis import RedisError

from guides import metrics

logger = logging.getLogger(__name__)


RETRY_SECONDS = 30  # when the cache may be back
HUNG_SECONDS = 2.0

_hung_until = 0.0


class Refused(Exception):  # noqa: N818
    """A limit refuses a test or a search. `limit` names it; a new attempt makes sense after `retry_after` seconds."""

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(limit)
        metrics.REFUSALS.labels(limit).inc()
        self.limit = limit
        self.retry_after = retry_after


class SharedCacheDown(Refused):
    """The shared cache does not answer, so no limit can be counted. `reason` is the kind of fault."""

    def __init__(self, reason: str) -> None:
        super().__init__("cache", RETRY_SECONDS)
        self.reason = reason


@contextmanager
def shared_cache() -> Iterator[BaseCache]:
    """The shared cache. Raises SharedCacheDown when it does not answer.

    After it has hung, it is not asked again for HUNG_SECONDS: a page asks several times, and each would take a second.
    """
    global _hung_until
    if time.monotonic() < _hung_until:
        raise SharedCacheDown("TimeoutError")
    try:
        yield cache
    except (RedisError, OSError) as error:
        if isinstance(error, (redis.TimeoutError, TimeoutError)):
            _hung_until = time.monotonic() + HUNG_SECONDS
        raise SharedCacheDown(type(error).__name__) from error


@contextmanager
def cache_optional(consequence: str) -> Iterator[None]:
    """For work that a page or a running test can do without: log a cache that is down, with the consequence."""
    try:
        yield
    except SharedCacheDown as error:
        logger.warning("The cache does not answer (%s): %s", error.reason, consequence)


def keyed_hash(kind: str, text: str) -> str:
    """A name for use in the cache, from which neither a visitor nor a mail address can be read."""
    return salted_hmac(f"guides.limits.{kind}", text, algorithm="sha256").hexdigest()[:32]
