"""How many pasted texts a process explains at once. Explaining computes, so more at once would only slow pages down."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from guides.limits.counters import RateLimited
from guides.limits.local_semaphore import LocalSemaphore

AT_ONCE = 2
ADMITTED = 32  # with those that wait; each occupies a thread that could answer with a page
WAIT_SECONDS = 5.0
RETRY_SECONDS = 10

_admitted = LocalSemaphore()
_computing = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def explaining() -> Iterator[None]:
    """For the part of a request that explains. Raises RateLimited when there is no room, or none within the wait."""
    if not _admitted.acquire(ADMITTED):
        raise RateLimited("texts", RETRY_SECONDS)
    try:
        if not _computing.acquire(timeout=WAIT_SECONDS):
            raise RateLimited("texts", RETRY_SECONDS)
        try:
            yield
        finally:
            _computing.release()
    finally:
        _admitted.release()
