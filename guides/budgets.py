"""Abuse budgets of the connection test: per visitor, per account, per mail server, per process.

Mail servers lock an account after three wrong passwords and ban an address after five; every test of this portal
comes from one address, and a stranger may name any account. Counts live in the cache, shared between processes, under
keyed hashes: neither a visitor's address nor a mail address can be read from it. When the cache is down, each process
counts for itself and grants a share, so that an outage never lifts a limit.

Windows slide in ten steps: two failures just before the turn of a window and two just after it are four failures.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self, TypeVar
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.utils.crypto import salted_hmac

from guides.mail.accounts import Address

logger = logging.getLogger(__name__)

T = TypeVar("T")
Budget = Literal["visitor_hour", "visitor_day", "visitor_at_once", "account", "host", "busy", "lookups", "looks"]

STEPS = 10
HELD_SECONDS = 90  # a test ends after 60 s; a slot that nobody gave back is free again after this
SHARE_WITHOUT_CACHE = 4  # each process grants a quarter

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Refused(Exception):  # noqa: N818
    """A budget is used up. `retry_after` is in seconds."""

    def __init__(self, budget: Budget, retry_after: int) -> None:
        super().__init__(budget)
        self.budget: Budget = budget
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Window:
    """At most `limit` events of one subject in `seconds`."""

    budget: Budget
    limit: int
    seconds: int

    @property
    def step(self) -> int:
        return self.seconds // STEPS


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place that somebody holds."""

    key: str
    owner: str


class _Ledger:
    """Counts in one cache. Every change is one atomic operation of the cache."""

    def __init__(self, store: BaseCache, share: int = 1) -> None:
        self._store = store
        self._share = share

    def limit(self, full: int) -> int:
        """How much of a limit this ledger may grant."""
        return max(1, full // self._share)

    def check(self, window: _Window, subject: str, *, own: int = 0) -> None:
        """Raise Refused when the window has no room for one more; `own` of its events are the caller's."""
        now = time.time()
        current = int(now // window.step)
        steps = range(current - STEPS, current + 1)  # the oldest counts in part, so it counts
        keys = {self._key(window, subject, step): step for step in steps}
        counts = {keys[key]: count for key, count in self._store.get_many(keys).items()}
        room = self.limit(window.limit) - sum(counts.values()) + own
        if room > 0:
            return
        free_at = now
        for step in sorted(counts):  # the oldest steps fall out first, until one more fits
            room += counts[step]
            if room > 0:
                free_at = (step + STEPS + 1) * window.step
                break
        raise Refused(window.budget, max(1, round(free_at - now)))

    def count(self, window: _Window, subject: str) -> str:
        """Count one event now. Returns what `take_back` wants."""
        key = self._key(window, subject, int(time.time() // window.step))
        while True:
            self._store.add(key, 0, timeout=window.seconds + window.step)
            try:
                self._store.incr(key)
            except ValueError:  # it expired between the two
                continue
            return key

    def take_back(self, key: str) -> None:
        """Uncount an event."""
        with suppress(ValueError):  # it has expired
            self._store.decr(key)

    def hold(self, budget: Budget, limit: int, subject: str) -> _Slot:
        """Take one of `limit` slots. Raises Refused when all are taken."""
        owner = uuid4().hex
        for slot in range(self.limit(limit)):
            key = f"budget:{budget}:{subject}:{slot}"
            if self._store.add(key, owner, timeout=HELD_SECONDS):
                return _Slot(key, owner)
        raise Refused(budget, 5)

    def let_go(self, slot: _Slot) -> None:
        """Give a slot back, unless it has expired and is another's by now."""
        if self._store.get(slot.key) == slot.owner:
            self._store.delete(slot.key)

    @staticmethod
    def _key(window: _Window, subject: str, step: int) -> str:
        return f"budget:{window.budget}:{window.seconds}:{subject}:{step}"


_shared = _Ledger(cache)
_own = _Ledger(LocMemCache("budgets", {"OPTIONS": {"MAX_ENTRIES": 100_000}}), SHARE_WITHOUT_CACHE)


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


class Admission:
    """Leave to run one test. Leaving the context, or `release`, frees what it holds."""

    def __init__(self, ledger: _Ledger, accounts: Iterable[str], process_slot: object) -> None:
        self._ledger = ledger
        self._accounts = tuple(accounts)
        self._process_slot = process_slot
        self._visitor_slot: _Slot | None = None
        self._reserved: list[str] = []
        self._has_failed = False

    def claim(self, visitor: str, hosts: Iterable[str]) -> None:
        """Count this test against every budget. Raises Refused, and then holds nothing."""
        counted: list[str] = []
        try:
            for subject in _host_subjects(hosts):
                for window in _host_windows():
                    self._ledger.check(window, subject)
            self._visitor_slot = self._ledger.hold("visitor_at_once", settings.LIMIT_VISITOR_AT_ONCE, visitor)
            for window in _visitor_windows():
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

    def failed_login(self, host: str) -> None:
        """A server refused user name and password: it counts against the account and the host."""
        events = [(window, subject) for window in _host_windows() for subject in _host_subjects([host])]
        if self._has_failed:  # the first failure has been counted beforehand
            events += self._account_events()
        self._has_failed = True

        def count(ledger: _Ledger) -> None:
            for window, subject in events:
                ledger.count(window, subject)

        _with_fallback(self._ledger, count)

    def release(self) -> None:
        """Free what is held. Doing it twice does no harm."""
        _process.let_go(self._process_slot)
        _with_fallback(self._ledger, self._free)

    def _free(self, ledger: _Ledger) -> None:
        if ledger is not self._ledger:
            return  # the cache went away with what was held in it; there it expires by itself
        slot, self._visitor_slot = self._visitor_slot, None
        if slot is not None:
            ledger.let_go(slot)
        reserved, self._reserved = self._reserved, []
        if not self._has_failed:
            for key in reserved:
                ledger.take_back(key)

    def _account_events(self) -> list[tuple[_Window, str]]:
        return [(window, subject) for subject in self._accounts for window in _account_windows()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def admit(visitor_ip: str, address: Address, hosts: Iterable[str], usernames: Iterable[str] = ()) -> Admission:
    """Let a visitor test a password of `address` at `hosts`, or raise Refused with the budget that is used up.

    `usernames` are the names that will be sent: a stranger could guess at one account under many invented addresses.
    """
    hosts = [host.lower() for host in hosts]
    visitor = _hashed("visitor", _network_of(visitor_ip))
    accounts = {_hashed("account", f"{address.local_part}@{address.domain}".casefold())}
    accounts |= {_hashed("username", f"{name.casefold()}\0{host}") for name in usernames for host in hosts}
    process_slot = _process.hold(settings.LIMIT_TESTS_PER_PROCESS)

    def claim(ledger: _Ledger) -> Admission:
        admission = Admission(ledger, accounts, process_slot)
        admission.claim(visitor, hosts)
        return admission

    try:
        return _with_fallback(_shared, claim)
    except BaseException:
        _process.let_go(process_slot)
        raise


def admit_look(visitor_ip: str) -> None:
    """Let an operator have a live look at a domain, or raise Refused: it asks two dozen questions at once."""
    visitor = _hashed("visitor", _network_of(visitor_ip))
    window = _Window("looks", settings.LIMIT_OPERATOR_LOOKS_HOUR, _HOUR)

    def claim(ledger: _Ledger) -> None:
        ledger.check(window, visitor)
        ledger.count(window, visitor)

    _with_fallback(_shared, claim)


def admit_lookup(visitor_ip: str) -> None:
    """Let a visitor have an unknown domain looked up, or raise Refused: it makes the portal ask strangers' servers."""
    visitor = _hashed("visitor", _network_of(visitor_ip))
    window = _Window("lookups", settings.LIMIT_VISITOR_LOOKUPS_HOUR, _HOUR)

    def claim(ledger: _Ledger) -> None:
        ledger.check(window, visitor)
        ledger.count(window, visitor)

    _with_fallback(_shared, claim)


@contextmanager
def lookup_place() -> Iterator[None]:
    """One of the places for searches in this process; each holds a thread for seconds. Raises Refused."""
    place = _lookups.hold(settings.LIMIT_LOOKUPS_PER_PROCESS)
    try:
        yield
    finally:
        _lookups.let_go(place)


def _visitor_windows() -> tuple[_Window, ...]:
    return (
        _Window("visitor_hour", settings.LIMIT_VISITOR_HOUR, _HOUR),
        _Window("visitor_day", settings.LIMIT_VISITOR_DAY, _DAY),
    )


def _account_windows() -> tuple[_Window, ...]:
    return (
        _Window("account", settings.LIMIT_ACCOUNT_10_MINUTES, 10 * _MINUTE),
        _Window("account", settings.LIMIT_ACCOUNT_HOUR, _HOUR),
        _Window("account", settings.LIMIT_ACCOUNT_DAY, _DAY),
    )


def _host_windows() -> tuple[_Window, ...]:
    return (_Window("host", settings.LIMIT_HOST_10_MINUTES, 10 * _MINUTE),)


def _host_subjects(hosts: Iterable[str]) -> list[str]:
    names = {host.lower() for host in hosts} - settings.LIMIT_HOST_EXEMPT
    return [_hashed("host", name) for name in sorted(names)]


def _network_of(visitor_ip: str) -> str:
    """Whom an address stands for: itself, or with IPv6 its /64, which one household can choose from freely."""
    address = ipaddress.ip_address(visitor_ip)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


def _hashed(kind: str, text: str) -> str:
    return salted_hmac(f"guides.budgets.{kind}", text, algorithm="sha256").hexdigest()[:32]


def _with_fallback(ledger: _Ledger, work: Callable[[_Ledger], T]) -> T:
    """Do `work` with a ledger, and when its cache fails, with this process's own."""
    try:
        return work(ledger)
    except Refused:
        raise
    except Exception as error:
        if ledger is _own:
            raise
        logger.warning("The cache does not answer (%s): budgets are counted in this process", type(error).__name__)
        return work(_own)
