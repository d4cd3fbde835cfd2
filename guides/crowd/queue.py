"""The queue before a mail server: so many connections to one host at a time, and so many of this process.

A test takes all its places at once, before it starts: a leg that holds a connection may wait for its test's IMAP leg,
and if that one could wait for a place in turn, two tests could wait for each other.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping

from django.conf import settings

from guides import ledger as ledgers
from guides.crowd.turns import resting
from guides.ledger import HELD_SECONDS, Ledger, Refused, Slot, hashed, with_fallback

BUDGET = "queue"
LOOK_SECONDS = 0.5  # how often one who waits asks whether waiting still makes sense
ACROSS_SECONDS = 0.1  # how often one who is first in this process asks for a place among all of them
RETRY_SECONDS = 10


class Entry:
    """Places at some hosts."""

    def __init__(self, queue: HostQueue, waiting: _Waiting) -> None:
        self._queue = queue
        self._waiting = waiting
        self._slots: list[tuple[Ledger, Slot]] = []

    def release(self) -> None:
        """Give the places back. Doing it twice does no harm."""
        self.let_go_of_slots()
        self._queue._leave(self._waiting)

    def hold_slots(self) -> bool:
        """Take the places among all processes; whether all were free."""
        for host, count in self._waiting.hosts.items():
            subject = hashed("connections", host)

            def take(ledger: Ledger, subject: str = subject, count: int = count) -> None:
                slots = max(ledger.limit(settings.LIMIT_HOST_CONNECTIONS), count)
                self._slots.append((ledger, ledger.hold_within("host_connections", slots, subject)))

            try:
                for _ in range(count):
                    with_fallback(ledgers.shared, take)
            except Refused:
                self.let_go_of_slots()
                return False
        return True

    def let_go_of_slots(self) -> None:
        """Free what is held among all processes."""
        slots, self._slots = self._slots, []
        for ledger, slot in slots:

            def let_go(other: Ledger, ledger: Ledger = ledger, slot: Slot = slot) -> None:
                if other is ledger:  # else the cache has gone away; there it expires by itself
                    ledger.let_go(slot)

            with_fallback(ledger, let_go)


class _Waiting:
    """One test in the queue, or behind it."""

    def __init__(self, hosts: Mapping[str, int]) -> None:
        self.hosts = hosts
        self.let_in = threading.Event()
        self.until = 0.0  # when its places are free again, whatever became of it


class HostQueue:
    """First come, first served; one whose hosts nobody waits for does not wait for others' hosts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: dict[_Waiting, None] = {}  # in the order in which they were let in
        self._held: Counter[str] = Counter()  # their places, counted as they come and go
        self._waiting: deque[_Waiting] = deque()

    def enter(self, hosts: Mapping[str, int], give_up: Callable[[], bool] = lambda: False) -> Entry | None:
        """Take a place for each of the connections to `hosts` (host: how many). Waits LIMIT_QUEUE_SECONDS at most.

        Raises Refused("queue"). None: `give_up` said that waiting makes no sense any more.
        """
        until = time.monotonic() + settings.LIMIT_QUEUE_SECONDS
        waiting = _Waiting(hosts)
        with self._lock:
            self._waiting.append(waiting)
            self._let_in()
        try:
            if not waiting.let_in.is_set():
                with resting():
                    self._wait(waiting, until, give_up)
            if not waiting.let_in.is_set():
                self._withdraw(waiting)
                return None
        except BaseException:
            self._withdraw(waiting)
            raise
        entry = Entry(self, waiting)
        try:
            while not entry.hold_slots():
                if time.monotonic() >= until:
                    raise Refused(BUDGET, RETRY_SECONDS)
                with resting():
                    time.sleep(ACROSS_SECONDS)
        except BaseException:
            entry.release()
            raise
        return entry

    @staticmethod
    def _wait(waiting: _Waiting, until: float, give_up: Callable[[], bool]) -> None:
        """Until it is let in, or `give_up` says so. Raises Refused."""
        while not waiting.let_in.wait(max(0.0, min(LOOK_SECONDS, until - time.monotonic()))):
            if time.monotonic() >= until:
                raise Refused(BUDGET, RETRY_SECONDS)
            if give_up():
                return

    def held(self, host: str) -> int:
        """How many places at a host are taken in this process."""
        return self._held[host]

    def _withdraw(self, waiting: _Waiting) -> None:
        """Leave the queue; who was let in this very moment gives the places back."""
        with self._lock:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
        self._leave(waiting)

    def _leave(self, waiting: _Waiting) -> None:
        with self._lock:
            self._free(waiting)
            self._let_in()

    def _let_in(self) -> None:
        """Let those in whose places are free, in their order: nobody overtakes one who waits for the same host."""
        now = time.monotonic()
        while self._inside and (first := next(iter(self._inside))).until <= now:
            self._free(first)
        awaited: set[str] = set()
        still: deque[_Waiting] = deque()
        while self._waiting:
            waiting = self._waiting.popleft()
            if not awaited.isdisjoint(waiting.hosts) or not self._are_free(waiting.hosts):
                awaited.update(waiting.hosts)
                still.append(waiting)
            elif not self._has_room(waiting.hosts):  # the process is full: all who come later wait as well
                still.append(waiting)
                break
            else:
                self._held.update(waiting.hosts)
                waiting.until = now + HELD_SECONDS
                self._inside[waiting] = None
                waiting.let_in.set()
        still.extend(self._waiting)
        self._waiting = still

    def _free(self, waiting: _Waiting) -> None:
        if waiting in self._inside:
            del self._inside[waiting]
            for host, count in waiting.hosts.items():
                self._held[host] -= count
                if not self._held[host]:
                    del self._held[host]

    def _has_room(self, hosts: Mapping[str, int]) -> bool:
        total = self._held.total()
        return not total or total + sum(hosts.values()) <= settings.LIMIT_PROCESS_CONNECTIONS

    def _are_free(self, hosts: Mapping[str, int]) -> bool:
        held = self._held
        return all(
            not held[host] or held[host] + count <= settings.LIMIT_HOST_CONNECTIONS for host, count in hosts.items()
        )
