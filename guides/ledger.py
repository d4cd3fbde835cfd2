"""Counts and places in the cache, shared between processes: what budgets and queues are made of.

When the cache is down, each process counts for itself and grants a share, so that an outage never lifts a limit.
Windows slide in ten steps: two events just before the turn of a window and two just after it are four events.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.utils.crypto import salted_hmac

logger = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")

STEPS = 10
HELD_SECONDS = 90  # a test ends after 60 s; a slot that nobody gave back is free again after this
SHARE_WITHOUT_CACHE = 4  # each process grants a quarter


class Refused(Exception):  # noqa: N818
    """A budget is used up. `retry_after` is in seconds."""

    def __init__(self, budget: str, retry_after: int) -> None:
        super().__init__(budget)
        self.budget = budget
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` events of one subject in `seconds`."""

    budget: str
    limit: int
    seconds: int

    @property
    def step(self) -> int:
        """The length of one step, in seconds."""
        return self.seconds // STEPS


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that somebody holds."""

    key: str
    owner: str


class Ledger:
    """Counts in one cache. Every change is one atomic operation of the cache."""

    def __init__(self, store: BaseCache, share: int = 1) -> None:
        self._store = store
        self._share = share

    def limit(self, full: int) -> int:
        """How much of a limit this ledger may grant."""
        return max(1, full // self._share)

    def check(self, window: Window, subject: str, *, own: int = 0) -> None:
        """Raise Refused when the window has no room for one more; `own` of its events are the caller's."""
        now = time.time()
        counts = self._counts(window, subject, now)
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

    def is_full(self, window: Window, subject: str) -> bool:
        """Whether as many events were counted as the window's limit. A limit of harm is never shared out."""
        return sum(self._counts(window, subject, time.time()).values()) >= window.limit

    def used(self, counted: Sequence[tuple[Window, str]]) -> list[int]:
        """How many events each of these windows holds for its subject: one read of the cache."""
        now = time.time()
        keys = [[self._key(window, subject, step) for step in _steps(window, now)] for window, subject in counted]
        found = self._store.get_many([key for some in keys for key in some])
        return [sum(found.get(key, 0) for key in some) for some in keys]

    def count(self, window: Window, subject: str) -> str:
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

    def hold(self, budget: str, limit: int, subject: str) -> Slot:
        """Take one of `limit` slots. Raises Refused when all are taken."""
        return self.hold_within(budget, self.limit(limit), subject)

    def hold_within(self, budget: str, slots: int, subject: str) -> Slot:
        """Take one of exactly `slots` slots. Raises Refused when all are taken."""
        owner = uuid4().hex
        for slot in range(slots):
            key = f"budget:{budget}:{subject}:{slot}"
            if self._store.add(key, owner, timeout=HELD_SECONDS):
                return Slot(key, owner)
        raise Refused(budget, 5)

    def let_go(self, slot: Slot) -> None:
        """Give a slot back, unless it has expired and is another's by now."""
        if self._store.get(slot.key) == slot.owner:
            self._store.delete(slot.key)

    def once(self, kind: str, subject: str, seconds: int) -> bool:
        """Whether this is the first time within `seconds` that `subject` is seen."""
        return bool(self._store.add(f"once:{kind}:{subject}", 1, timeout=seconds))

    def _counts(self, window: Window, subject: str, now: float) -> dict[int, int]:
        keys = {self._key(window, subject, step): step for step in _steps(window, now)}
        return {keys[key]: count for key, count in self._store.get_many(keys).items()}

    @staticmethod
    def _key(window: Window, subject: str, step: int) -> str:
        return f"budget:{window.budget}:{window.seconds}:{subject}:{step}"


def _steps(window: Window, now: float) -> range:
    current = int(now // window.step)
    return range(current - STEPS, current + 1)  # the oldest counts in part, so it counts


shared = Ledger(cache)
own = Ledger(LocMemCache("budgets", {"OPTIONS": {"MAX_ENTRIES": 100_000}}), SHARE_WITHOUT_CACHE)


def hashed(kind: str, text: str) -> str:
    """A subject's name in the cache, from which neither a visitor nor a mail address can be read."""
    return salted_hmac(f"guides.budgets.{kind}", text, algorithm="sha256").hexdigest()[:32]


def with_fallback(ledger: Ledger, work: Callable[[Ledger], T]) -> T:
    """Do `work` with a ledger, and when its cache fails, with this process's own."""
    return either(ledger, own, work)


class _Patience:
    """A cache that takes long to fail is left alone for a while: a visitor must not wait for it at every step."""

    slow_seconds = 0.5
    pause_seconds = 5.0

    def __init__(self) -> None:
        self._until = 0.0

    def is_over(self) -> bool:
        return time.monotonic() < self._until

    def note(self, seconds: float) -> None:
        if seconds >= self.slow_seconds:
            self._until = time.monotonic() + self.pause_seconds


_patience = _Patience()


def either(shared_one: S, own_one: S, work: Callable[[S], T]) -> T:
    """Do `work` with what is shared between processes, and when the cache fails, with what is this process's own."""
    if shared_one is own_one or _patience.is_over():
        return work(own_one)
    began = time.monotonic()
    try:
        return work(shared_one)
    except Refused:
        raise
    except Exception as error:
        _patience.note(time.monotonic() - began)
        logger.warning("The cache does not answer (%s): budgets are counted in this process", type(error).__name__)
        return work(own_one)
