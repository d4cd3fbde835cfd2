"""One test's page is worked on at a time, and what all tests need is loaded once for those who come together.

A process of threads runs Python in one of them at a time. Two hundred tests that all rendered at once would stand in a
reader's way two hundred times; one after another they end as soon, for each works for moments and waits for seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from guides import budgets

T = TypeVar("T")

CROWD = 5  # tests that arrive or are under way in this process, from which on it is a crowd
MOMENT = 1.0  # seconds
MOST_KEPT = 1000

LONGEST_TURN = 3.0  # seconds; somebody who takes longer, say for a database that does not answer, is not waited for
LONGEST_READER = 0.1  # seconds; so long a test's page lets a reader's page go first

_turn = threading.RLock()
_arriving: set[object] = set()
_readers: set[object] = set()
_nobody_reads = threading.Event()
_nobody_reads.set()


def readers_first(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """A middleware: while a page is being made for a reader, tests' pages wait a little."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST":
            return get_response(request)
        me = object()
        _readers.add(me)
        _nobody_reads.clear()
        try:
            return get_response(request)
        finally:
            _readers.discard(me)
            if not _readers:
                _nobody_reads.set()

    return middleware


_kept: dict[Hashable, tuple[float, object]] = {}


@contextmanager
def arriving() -> Iterator[None]:
    """Be counted among those who come together."""
    me = object()
    _arriving.add(me)
    try:
        yield
    finally:
        _arriving.discard(me)


@contextmanager
def page_work() -> Iterator[None]:
    """Take a turn, after readers. A courtesy, not a right: who has waited long enough goes ahead."""
    _nobody_reads.wait(LONGEST_READER)
    has_turn = _turn.acquire(timeout=LONGEST_TURN)
    try:
        yield
    finally:
        if has_turn:
            _turn.release()


def is_crowded() -> bool:
    """Whether there are so many tests at once that each has to give way to others."""
    return budgets.tests_under_way() + len(_arriving) >= CROWD


def once_a_moment(key: Hashable, load: Callable[[], T]) -> T:
    """What `load` returns: loaded now, or in a crowd, by somebody within the last second.

    `key` names what is loaded, and decides its type.
    """
    with page_work():
        until, value = _kept.get(key, (0.0, None))
        now = time.monotonic()
        if len(_kept) > MOST_KEPT:
            _kept.clear()
        if now >= until or not is_crowded():
            value = load()
            _kept[key] = now + MOMENT, value
        return value  # type: ignore[return-value]
