"""At most so many connections to one mail server's host at a time, over all processes, and so many of this process.

A test takes all its permits at once, before it starts: a leg that holds a connection may wait for its test's IMAP leg,
and if that one had to wait for a permit in turn, two tests could block each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from django.conf import settings

from guides.limits.counters import RateLimited, Slot, acquire_slots, release_slots
from guides.limits.local_semaphore import LocalSemaphore
from guides.limits.shared_cache import SharedCacheDown, keyed_hash

POLL_SECONDS = 0.25
RETRY_SECONDS = 10

_process_connections = LocalSemaphore()


class HostPermit:
    """Permits for the connections of one test."""

    def __init__(self, connections: int, slots: tuple[Slot, ...]) -> None:
        self._connections = connections
        self._slots = slots

    def release(self) -> None:
        """Give the permits back. May be called twice."""
        connections, self._connections = self._connections, 0
        slots, self._slots = self._slots, ()
        _process_connections.release(connections)
        with suppress(SharedCacheDown):  # there the slots expire by themselves
            release_slots(slots)


def acquire(hosts: Mapping[str, int], is_needless: Callable[[], bool] = lambda: False) -> HostPermit | None:
    """Wait LIMIT_QUEUE_SECONDS at most for permits for the connections to `hosts` (host: how many).

    None: `is_needless`, asked while waiting, said that no connection is needed any more. Raises RateLimited("queue"),
    SharedCacheDown.
    """
    until = time.monotonic() + settings.LIMIT_QUEUE_SECONDS
    while (permit := _try(hosts)) is None:
        if is_needless():
            return None
        if time.monotonic() >= until:
            raise RateLimited("queue", RETRY_SECONDS)
        time.sleep(POLL_SECONDS)
    return permit


def _try(hosts: Mapping[str, int]) -> HostPermit | None:
    connections = sum(hosts.values())
    if not _process_connections.acquire(settings.LIMIT_PROCESS_CONNECTIONS, connections):
        return None
    held: tuple[Slot, ...] = ()
    try:
        for host, wanted in hosts.items():
            limit = max(settings.LIMIT_HOST_CONNECTIONS, wanted)
            slots = acquire_slots("host_connections", keyed_hash("connections", host), limit, wanted)
            if not slots:
                HostPermit(connections, held).release()
                return None
            held += slots
    except BaseException:
        HostPermit(connections, held).release()
        raise
    return HostPermit(connections, held)
