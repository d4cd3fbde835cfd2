"""Rate limits of the connection test: per visitor, per account, per mail server, per process.

Mail servers lock an account after three wrong passwords and ban an address after five; every test of this portal
comes from one address, and a stranger may name any account. Counts are kept under keyed hashes: neither a visitor's
address nor a mail address can be read from the cache.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from django.conf import settings

from guides.limits.counters import (
    SLOT_SECONDS,
    RateLimited,
    Slot,
    Window,
    acquire_slots,
    check,
    count,
    release_slots,
    uncount,
    used,
)
from guides.limits.local_semaphore import LocalSemaphore
from guides.limits.shared_cache import cache_optional, keyed_hash
from guides.mail.accounts import Address

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
BUSY_RETRY_SECONDS = 5

# Failures that running tests may yet cause. One that was never taken back expires when its test must be over.
_RESERVED = Window("reserved", 0, SLOT_SECONDS)

_tests = LocalSemaphore()
_lookups = LocalSemaphore()


class RateLimitHold:
    """What one test has counted and holds. Leaving the context, or `release`, frees what it holds."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self._accounts = tuple(accounts)
        self._is_released = False
        self._visitor_slots: tuple[Slot, ...] = ()
        self._counted: list[str] = []
        self._reserved: dict[str, str] = {}  # subject -> key of the failure that is reserved for it

    def acquire(self, visitor: str, hosts: Iterable[str], *, proven: bool) -> None:
        """Count this test against every limit. Raises RateLimited or SharedCacheDown, and then holds nothing."""
        try:
            check([*self._failures(hosts)])
            self._visitor_slots = acquire_slots("visitor", visitor, settings.LIMIT_VISITOR_AT_ONCE)
            if not self._visitor_slots:
                raise RateLimited("visitor_at_once", BUSY_RETRY_SECONDS)
            tests = [(window, visitor) for window in _visitor_windows(proven=proven)]
            self._counted += [count(window, subject) for window, subject in tests]
            check(tests, own=1)
        except BaseException:
            self.refund()  # what was refused does not put off the time when there is room again
            raise

    def reserve_failures(self, hosts: Iterable[str]) -> str:
        """Reserve a failure of the account and of each host where a login may be refused; "" when that was done.

        A failure is reserved before the login, so that tests at the same time do not use up more of them than are left.
        Raises RateLimited when there is none left. Else the name of a limit of which other tests have reserved what is
        left; most will give it back soon. To be called when the test has its permits for the hosts: tests that wait for
        theirs must not use up others' failures.
        """
        hosts = list(hosts)
        for subject in (*self._accounts, *_host_subjects(hosts)):
            self._reserved[subject] = count(_RESERVED, subject)
        limits = list(self._failures(hosts))
        numbers = used([*limits, *((_RESERVED, subject) for _window, subject in limits)])
        failed, reserved = numbers[: len(limits)], numbers[len(limits) :]
        for (window, _subject), *events in zip(limits, failed, reserved, strict=True):
            if sum(events) > window.limit:
                self._free_reservations()
                check(limits)
                return window.name
        return ""

    def record_failed_login(self, host: str) -> None:
        """A server refused user name and password: it counts against the account and the host."""
        with cache_optional("a refused login is not counted"):
            for window, subject in self._failures([host]):
                count(window, subject)
                key = self._reserved.pop(subject, None)
                if key is not None:
                    uncount(key)  # it has become a failure

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
            self._free_reservations()

    def _free_reservations(self) -> None:
        reserved, self._reserved = self._reserved, {}
        for key in reserved.values():
            uncount(key)

    def _failures(self, hosts: Iterable[str]) -> Iterator[tuple[Window, str]]:
        """The windows of refused logins, each with its subject."""
        yield from ((window, subject) for subject in self._accounts for window in _account_windows())
        window = Window("host", settings.LIMIT_HOST_10_MINUTES, 10 * _MINUTE)
        yield from ((window, subject) for subject in _host_subjects(hosts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire_test(
    visitor_ip: str, address: Address, hosts: Iterable[str], usernames: Iterable[str] = (), *, proven: bool = False
) -> RateLimitHold:
    """Count a visitor's test of a password of `address` at `hosts`. Raises RateLimited with the limit, SharedCacheDown.

    `usernames` are the names that will be sent: a stranger could guess at one account under many invented addresses.
    `proven`: the visitor's browser has solved a proof of work, for which there are some more tests.
    """
    hosts = [host.lower() for host in hosts]
    accounts = {keyed_hash("account", f"{address.local_part}@{address.domain}".casefold())}
    accounts |= {keyed_hash("username", f"{name.casefold()}\0{host}") for name in usernames for host in hosts}
    if not _tests.acquire(settings.LIMIT_TESTS_PER_PROCESS):
        raise RateLimited("busy", BUSY_RETRY_SECONDS)
    hold = RateLimitHold(accounts)
    hold.acquire(visitor_name(visitor_ip), hosts, proven=proven)
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


def _account_windows() -> tuple[Window, ...]:
    return (
        Window("account", settings.LIMIT_ACCOUNT_10_MINUTES, 10 * _MINUTE),
        Window("account", settings.LIMIT_ACCOUNT_HOUR, _HOUR),
        Window("account", settings.LIMIT_ACCOUNT_DAY, _DAY),
    )


def _host_subjects(hosts: Iterable[str]) -> list[str]:
    names = {host.lower() for host in hosts} - settings.LIMIT_HOST_EXEMPT
    return [keyed_hash("host", name) for name in sorted(names)]


def _network_of(visitor_ip: str) -> str:
    """What counts as one visitor: an IPv4 address, or an IPv6 /64, from which one household can choose freely."""
    address = ipaddress.ip_address(visitor_ip)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
