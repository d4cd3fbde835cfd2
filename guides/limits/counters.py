"""Sliding-window counters and slots in the shared cache: what rate limits and semaphores are made of.

Windows slide in ten steps: two events just before the end of a window and two just after it are four events. Every
change is one atomic operation of the cache. All functions raise SharedCacheDown.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

from guides.limits.shared_cache import Refused, shared_cache

STEPS = 10
SLOT_SECONDS = 90  # a test ends after 60 s; a slot of a process that died is free again after this


class RateLimited(Refused):
    """A limit is used up."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` events of one subject in `seconds`."""

    name: str
    limit: int
    seconds: int

    @property
    def step(self) -> int:
        """The length of one step, in seconds."""
        return self.seconds // STEPS


@dataclass(frozen=True, slots=True)
class Slot:
    """One of a limited number of slots, and its owner."""

    key: str
    owner: str


def count(window: Window, subject: str) -> str:
    """Count one event now. Returns the key that `uncount` takes."""
    key = _key(window, subject, int(time.time() // window.step))
    with shared_cache() as cache:
        while not cache.add(key, 1, timeout=window.seconds + window.step):
            with suppress(ValueError):  # it expired between the two operations
                cache.incr(key)
                break
    return key


def uncount(key: str) -> None:
    """Take an event back."""
    with shared_cache() as cache, suppress(ValueError):  # it has expired
        cache.decr(key)


def check(counted: Sequence[tuple[Window, str]], *, own: int = 0) -> None:
    """Raise RateLimited when one of the windows has no room for one more event of its subject: one read of the cache.

    `own` of the events in each are the caller's.
    """
    now = time.time()
    found = _read(counted, now)
    for window, subject in counted:
        counts = {step: found.get(_key(window, subject, step), 0) for step in _steps(window, now)}
        room = window.limit - sum(counts.values()) + own
        if room > 0:
            continue
        free_at = now
        for step, number in counts.items():  # the oldest steps leave the window first, until one more event fits
            room += number
            if room > 0:
                free_at = (step + STEPS + 1) * window.step
                break
        raise RateLimited(window.name, max(1, round(free_at - now)))


def used(counted: Sequence[tuple[Window, str]]) -> list[int]:
    """How many events each of these windows holds for its subject: one read of the cache."""
    now = time.time()
    found = _read(counted, now)
    return [
        sum(found.get(_key(window, subject, step), 0) for step in _steps(window, now)) for window, subject in counted
    ]


def is_first(kind: str, subject: str, seconds: int) -> bool:
    """Whether `subject` was not seen within `seconds`; now it is."""
    with shared_cache() as cache:
        return bool(cache.add(f"once:{kind}:{subject}", 1, timeout=seconds))


def acquire_slots(name: str, subject: str, limit: int, wanted: int = 1) -> tuple[Slot, ...]:
    """Take `wanted` of `limit` slots, or none: the result is empty when there are not enough."""
    keys = [f"slot:{name}:{subject}:{number}" for number in range(limit)]
    owner, slots = uuid4().hex, []
    taken: Mapping[str, str] = {}
    with shared_cache() as cache:
        for key in keys:
            if key in taken:
                continue
            if cache.add(key, owner, timeout=SLOT_SECONDS):
                slots.append(Slot(key, owner))
                if len(slots) == wanted:
                    return tuple(slots)
            elif not taken:  # only now, since most find the first slots free
                taken = cache.get_many(keys)
    release_slots(slots)
    return ()


def release_slots(slots: Sequence[Slot]) -> None:
    """Free slots, but for those that have expired and have another owner by now."""
    if not slots:
        return
    with shared_cache() as cache:
        owners = cache.get_many([slot.key for slot in slots])
        cache.delete_many([slot.key for slot in slots if owners.get(slot.key) == slot.owner])


def _read(counted: Sequence[tuple[Window, str]], now: float) -> dict[str, int]:
    """The counts of every step of these windows, by key."""
    if not counted:
        return {}
    with shared_cache() as cache:
        return cache.get_many(
            [_key(window, subject, step) for window, subject in counted for step in _steps(window, now)]
        )


def _key(window: Window, subject: str, step: int) -> str:
    return f"count:{window.name}:{window.seconds}:{subject}:{step}"


def _steps(window: Window, now: float) -> range:
    current = int(now // window.step)
    return range(current - STEPS, current + 1)  # the oldest counts in part, so it counts
