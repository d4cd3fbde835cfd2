"""Rate limits of the connection test: per visitor and per process; those of refused logins are asked here first.

Counts are kept under keyed hashes: neither a visitor's address nor a mail address can be read from the cache.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from django.conf import settings

from guides.limits import refused_logins
from guides.limits.counters import RateLimited, Slot, Window, acquire_slots, check, count, release_slots, uncount
from guides.limits.local_semaphore import LocalSemaphore
from guides.limits.shared_cache import cache_optional, keyed_hash

_HOUR, _DAY = 3600, 86400
BUSY_RETRY_SECONDS = 5

_tests = LocalSemaphore()
_lookups = LocalSemaphore()


class RateLimitHold:
    """What one test has counted and holds. Leaving the context, or `release`, frees what it holds."""

    def __init__(self) -> None:
        self._is_released = False
        self._visitor_slots: tuple[Slot, ...] = ()
        self._counted: list[str] = []

    def acquire(self, visitor: str, logins: Iterable[tuple[str, str]], *, proven: bool) -> None:
        """Count this test against every limit. Raises RateLimited or SharedCacheDown, and then holds nothing."""
        try:
            refused_logins.check(logins)
            self._visitor_slots = acquire_slots("visitor", visitor, settings.LIMIT_VISITOR_AT_ONCE)
            if not self._visitor_slots:
                raise RateLimited("visitor_at_once", BUSY_RETRY_SECONDS)
            tests = [(window, visitor) for window in _visitor_windows(proven=proven)]
            self._counted += [count(window, subject) for window, subject in tests]
            check(tests, own=1)
        except BaseException:
            self.refund()  # what was refused does not put off the time when there is room again
            raise

    def refund(self) -> None:
        """The test is not made after all: it does not count, and nothing is held."""
        counted, self._counted = self._counted, []
        with cache_optional("a test that was not made counts"):
            for key in counted:
                uncount(key)
        self.release()

    def release(self) -> None:
        """Free what is held. May be called twice."""
        if not self._is_released:
            self._is_released = True
            _tests.release()
        slots, self._visitor_slots = self._visitor_slots, ()
        with cache_optional("what a test held expires by itself"):
            release_slots(slots)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire_test(visitor_ip: str, logins: Iterable[tuple[str, str]], *, proven: bool = False) -> RateLimitHold:
    """Count a visitor's test. Raises RateLimited with the limit, SharedCacheDown.

    `logins`: the user names that will be sent, each with its host. `proven`: the visitor's browser has solved a proof
    of work, for which there are some more tests.
    """
    if not _tests.acquire(settings.LIMIT_TESTS_PER_PROCESS):
        raise RateLimited("busy", BUSY_RETRY_SECONDS)
    hold = RateLimitHold()
    hold.acquire(visitor_name(visitor_ip), logins, proven=proven)
    return hold


def count_operator_look(visitor_ip: str) -> None:
    """Count an operator's live look at a domain: it asks two dozen questions at once. Raises RateLimited."""
    _count_hourly(Window("looks", settings.LIMIT_OPERATOR_LOOKS_HOUR, _HOUR), visitor_ip)


def count_lookup(visitor_ip: str) -> None:
    """Count a visitor's search for an unknown domain: the portal asks strangers' servers for it. Raises RateLimited."""
    _count_hourly(Window("lookups", settings.LIMIT_VISITOR_LOOKUPS_HOUR, _HOUR), visitor_ip)


def _count_hourly(window: Window, visitor_ip: str) -> None:
    visitor = visitor_name(visitor_ip)
    check([(window, visitor)])
    count(window, visitor)


@contextmanager
def lookup_permit() -> Iterator[None]:
    """One of this process's permits for searches; each holds a thread for seconds. Raises RateLimited."""
    if not _lookups.acquire(settings.LIMIT_LOOKUPS_PER_PROCESS):
        raise RateLimited("busy", BUSY_RETRY_SECONDS)
    try:
        yield
    finally:
        _lookups.release()


def visitor_name(visitor_ip: str) -> str:
    """A visitor's name in the cache: a keyed hash of their network."""
    return keyed_hash("visitor", _network_of(visitor_ip))


def _visitor_windows(*, proven: bool) -> tuple[Window, ...]:
    hour, day = settings.LIMIT_VISITOR_HOUR, settings.LIMIT_VISITOR_DAY
    if proven:
        hour, day = hour + settings.LIMIT_PROOF_HOUR, day + settings.LIMIT_PROOF_DAY
    return (Window("visitor_hour", hour, _HOUR), Window("visitor_day", day, _DAY))


def _network_of(visitor_ip: str) -> str:
    """What counts as one visitor: an IPv4 address, or an IPv6 /64, from which one household can choose freely."""
    address = ipaddress.ip_address(visitor_ip)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
