"""Abuse budgets of the connection test: per visitor, per account, per mail server, per process.

Mail servers lock an account after three wrong passwords and ban an address after five; every test of this portal
comes from one address, and a stranger may name any account. Counts live in a ledger (`guides/ledger.py`) under keyed
hashes: neither a visitor's address nor a mail address can be read from it.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, Self

from django.conf import settings

from guides import ledger as ledgers
from guides.ledger import HELD_SECONDS, Ledger, Refused, Slot, Window, hashed, with_fallback
from guides.mail.accounts import Address

__all__ = ["HELD_SECONDS", "Admission", "Budget", "Refused", "admit"]

Budget = Literal[
    "visitor_hour", "visitor_day", "visitor_at_once", "account", "host", "busy", "queue", "lookups", "looks"
]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_shared = ledgers.shared
_own = ledgers.own


class _Process:
    """The tests, or the searches, that run in this process.

    A slot expires, as one of a view that never ran would stay for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[object, float] = {}

    def hold(self, limit: int) -> object:
        """Take a slot. Raises Refused when all are taken."""
        slot = object()
        now = time.monotonic()
        with self._lock:
            self._held = {held: until for held, until in self._held.items() if until > now}
            if len(self._held) >= limit:
                raise Refused("busy", 5)
            self._held[slot] = now + HELD_SECONDS
        return slot

    def let_go(self, slot: object) -> None:
        """Give a slot back."""
        with self._lock:
            self._held.pop(slot, None)


_process = _Process()
_lookups = _Process()


def tests_under_way() -> int:
    """How many tests run in this process, about."""
    return len(_process._held)


class Admission:
    """Leave to run one test. Leaving the context, or `release`, frees what it holds."""

    def __init__(self, ledger: Ledger, accounts: Iterable[str], process_slot: object) -> None:
        self._ledger = ledger
        self._accounts = tuple(accounts)
        self._process_slot = process_slot
        self._visitor_slot: Slot | None = None
        self._reserved: list[str] = []
        self._reserved_at: dict[str, str] = {}  # by the host's name in the cache
        self._counted: list[str] = []
        self._has_failed = False

    def claim(self, visitor: str, hosts: Iterable[str], *, proven: bool) -> None:
        """Count this test against every budget. Raises Refused, and then holds nothing."""
        counted = self._counted
        try:
            for subject in _host_subjects(hosts):
                self._ledger.check(_host_window(), subject)
            self._visitor_slot = self._ledger.hold("visitor_at_once", settings.LIMIT_VISITOR_AT_ONCE, visitor)
            for window in _visitor_windows(proven=proven):
                counted.append(self._ledger.count(window, visitor))
                self._ledger.check(window, visitor, own=1)
            # A failure is counted before the login and taken back when there was none: tests at the same time
            # must not use up more failures than the account has left.
            for window, subject in self._account_events():
                self._reserved.append(self._ledger.count(window, subject))
                self._ledger.check(window, subject, own=1)
        except Refused:
            for key in counted:  # what was refused does not put off the time when there is room again
                self._ledger.take_back(key)
            self._free(self._ledger)
            raise

    def reserve_failures(self, hosts: Iterable[str]) -> bool:
        """Reserve a failure at each host where a login may be refused. Raises Refused when a host has none left.

        False: others have reserved what is left, and most will give it back soon. To be done when the test has its
        place in the queue: those who wait there must not use up others' failures.
        """
        subjects = _host_subjects(hosts)
        failures, reserved = _host_window(), _host_reservations()

        def reserve(ledger: Ledger) -> bool:
            if ledger is not self._ledger:
                return True  # the cache has gone away: a refused login is counted here when it happens
            for subject in subjects:
                self._reserved_at[subject] = ledger.count(reserved, subject)
            used = ledger.used([(window, subject) for subject in subjects for window in (failures, reserved)])
            limit = ledger.limit(failures.limit)
            if all(failed + held <= limit for failed, held in zip(used[::2], used[1::2], strict=True)):
                return True
            self._take_back_hosts()
            for subject in subjects:
                ledger.check(failures, subject)
            return False

        return with_fallback(self._ledger, reserve)

    def failed_login(self, host: str) -> None:
        """A server refused user name and password: it counts against the account and the host."""
        has_failed, self._has_failed = self._has_failed, True

        def count(ledger: Ledger) -> None:
            if has_failed:  # the first failure has been counted beforehand
                for window, subject in self._account_events():
                    ledger.count(window, subject)
            for subject in _host_subjects([host]):
                ledger.count(_host_window(), subject)
                key = self._reserved_at.pop(subject, None)
                if key is not None and ledger is self._ledger:
                    ledger.take_back(key)  # it has become a failure

        with_fallback(self._ledger, count)

    def never_mind(self) -> None:
        """The test is not made after all: it does not count, and nothing is held."""

        def take_back(ledger: Ledger) -> None:
            if ledger is self._ledger:
                for key in self._counted:
                    ledger.take_back(key)

        with_fallback(self._ledger, take_back)
        self._counted = []
        self.release()

    def release(self) -> None:
        """Free what is held. Doing it twice does no harm."""
        _process.let_go(self._process_slot)
        with_fallback(self._ledger, self._free)

    def _free(self, ledger: Ledger) -> None:
        if ledger is not self._ledger:
            return  # the cache went away with what was held in it; there it expires by itself
        slot, self._visitor_slot = self._visitor_slot, None
        if slot is not None:
            ledger.let_go(slot)
        reserved, self._reserved = self._reserved, []
        if not self._has_failed:
            for key in reserved:
                ledger.take_back(key)
        self._take_back_hosts()

    def _take_back_hosts(self) -> None:
        """No login was refused at the hosts for which this is still reserved."""
        reserved, self._reserved_at = self._reserved_at, {}
        for key in reserved.values():
            self._ledger.take_back(key)

    def _account_events(self) -> list[tuple[Window, str]]:
        return [(window, subject) for subject in self._accounts for window in _account_windows()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def admit(
    visitor_ip: str,
    address: Address,
    hosts: Iterable[str],
    usernames: Iterable[str] = (),
    *,
    proven: bool = False,
) -> Admission:
    """Let a visitor test a password of `address` at `hosts`, or raise Refused with the budget that is used up.

    `usernames` are the names that will be sent: a stranger could guess at one account under many invented addresses.
    `proven`: the visitor's browser has solved a proof of work, for which there are some more tests.
    """
    hosts = [host.lower() for host in hosts]
    visitor = visitor_name(visitor_ip)
    accounts = {hashed("account", f"{address.local_part}@{address.domain}".casefold())}
    accounts |= {hashed("username", f"{name.casefold()}\0{host}") for name in usernames for host in hosts}
    process_slot = _process.hold(settings.LIMIT_TESTS_PER_PROCESS)

    def claim(ledger: Ledger) -> Admission:
        admission = Admission(ledger, accounts, process_slot)
        admission.claim(visitor, hosts, proven=proven)
        return admission

    try:
        return with_fallback(_shared, claim)
    except BaseException:
        _process.let_go(process_slot)
        raise


def admit_look(visitor_ip: str) -> None:
    """Let an operator have a live look at a domain, or raise Refused: it asks two dozen questions at once."""
    _admit_hourly(Window("looks", settings.LIMIT_OPERATOR_LOOKS_HOUR, _HOUR), visitor_ip)


def admit_lookup(visitor_ip: str) -> None:
    """Let a visitor have an unknown domain looked up, or raise Refused: it makes the portal ask strangers' servers."""
    _admit_hourly(Window("lookups", settings.LIMIT_VISITOR_LOOKUPS_HOUR, _HOUR), visitor_ip)


def _admit_hourly(window: Window, visitor_ip: str) -> None:
    visitor = visitor_name(visitor_ip)

    def claim(ledger: Ledger) -> None:
        ledger.check(window, visitor)
        ledger.count(window, visitor)

    with_fallback(_shared, claim)


@contextmanager
def lookup_place() -> Iterator[None]:
    """One of the places for searches in this process; each holds a thread for seconds. Raises Refused."""
    place = _lookups.hold(settings.LIMIT_LOOKUPS_PER_PROCESS)
    try:
        yield
    finally:
        _lookups.let_go(place)


def visitor_name(visitor_ip: str) -> str:
    """A visitor's name in the cache: a keyed hash of their network."""
    return hashed("visitor", _network_of(visitor_ip))


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


def _host_window() -> Window:
    return Window("host", settings.LIMIT_HOST_10_MINUTES, 10 * _MINUTE)


def _host_reservations() -> Window:
    """Failures that tests under way may yet cause. What nobody took back is forgotten when its test must be over."""
    return Window("host_reserved", settings.LIMIT_HOST_10_MINUTES, HELD_SECONDS)


def _host_subjects(hosts: Iterable[str]) -> list[str]:
    names = {host.lower() for host in hosts} - settings.LIMIT_HOST_EXEMPT
    return [hashed("host", name) for name in sorted(names)]


def _network_of(visitor_ip: str) -> str:
    """Whom an address stands for: itself, or with IPv6 its /64, which one household can choose from freely."""
    address = ipaddress.ip_address(visitor_ip)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
