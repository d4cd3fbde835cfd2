"""Readers go first: while a page is being made for somebody who reads, tests of a crowd wait a little."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 0.1  # seconds that a test waits at a time
LONGEST_PAGE = 0.5  # seconds; a page that takes longer waits for something itself, perhaps for the tests' own loop

_readers: dict[object, float] = {}  # since when they wait
_nobody_reads = threading.Event()
_nobody_reads.set()


@contextmanager
def reading() -> Iterator[None]:
    """Be one of those who go first."""
    me = object()
    _readers[me] = time.monotonic()
    _nobody_reads.clear()
    try:
        yield
    finally:
        del _readers[me]
        if not _readers:
            _nobody_reads.set()


class Courtesy:
    """Lets readers go first, for half of the time at most: where readers never end, tests go on at half their speed."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def __call__(self) -> None:
        """Wait a little while somebody reads."""
        began = time.monotonic()
        if _nobody_reads.is_set() or began < self._not_before or began - _last_came() > LONGEST_PAGE:
            return
        _nobody_reads.wait(LONGEST)
        ended = time.monotonic()
        self._not_before = ended + (ended - began)


def _last_came() -> float:
    return max(list(_readers.values()), default=0.0)
