"""Requests for tests are worked on one at a time, readers first, and what all tests need is loaded once for a crowd.

A process of threads runs Python in one of them at a time. Two hundred tests that all worked at once would stand in a
reader's way two hundred times; one after another they end as soon, for each works for moments and waits for seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

from guides import budgets
from guides.crowd.readers import Courtesy, reading
from guides.crowd.turn import Turn

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

T = TypeVar("T")

CROWD = 5  # tests that arrive or are under way in this process, from which on it is a crowd
MOMENT = 3.0  # seconds
MOST_KEPT = 1000

LONGEST_TURN = 3.0  # seconds; somebody who takes longer, say for a database that does not answer, is not waited for

TEST_PATH = "/test/"
LONGEST_FORM = 64 * 1024  # bytes of a form that is taken in before its turn; the test's is a few hundred long

_turn = Turn(lines=2)
_ARRIVALS, _FRAGMENTS = 0, 1  # the lines; of those who arrive, no test has begun
_mine = threading.local()  # `held`: whether this thread works in its turn; `is_turn`: and has it, or could not wait
_arriving: set[object] = set()
_courtesy = Courtesy()
_loops_courtesy = Courtesy()


class Turns:
    """A WSGI wrapper: lets whoever reads go first, and takes in those who test one by one.

    It stands before Django, since two hundred requests are in a reader's way on their way through that, too.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        if environ["REQUEST_METHOD"] != "POST":
            with reading():
                return self._application(environ, start_response)
        if not environ["PATH_INFO"].endswith(TEST_PATH) or not _take_in(environ):
            return self._application(environ, start_response)
        with _arrival(), page_work():
            return self._application(environ, start_response)


def _take_in(environ: WSGIEnvironment) -> bool:
    """Read a form, so that nobody whose connection is slow is waited for within a turn. False: it is too long."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length) > LONGEST_FORM:
        return False
    environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(length)))
    return True


_kept: dict[Hashable, tuple[float, object]] = {}


@contextmanager
def _arrival() -> Iterator[None]:
    """Be counted among those who come together."""
    me = object()
    _arriving.add(me)
    try:
        yield
    finally:
        _arriving.discard(me)


def arriving() -> int:
    """How many requests for a test have come and are not under way yet."""
    return len(_arriving)


@contextmanager
def page_work(line: int = _ARRIVALS) -> Iterator[None]:
    """Take a turn, after readers, unless this thread has it. A courtesy: who has waited long enough goes ahead."""
    if getattr(_mine, "held", False):
        _courtesy()
        yield
        return
    _take(line)
    try:
        yield
    finally:
        _give_back()


def fragment_work() -> AbstractContextManager[None]:
    """The same, after those who arrive: their tests have not begun, and this one's has."""
    return page_work(_FRAGMENTS)


@contextmanager
def resting() -> Iterator[None]:
    """Let others have the turn while this thread waits for something."""
    was_held = getattr(_mine, "held", False)
    if was_held:
        _give_back()
    try:
        yield
    finally:
        if was_held:
            _take(_ARRIVALS)


def _take(line: int) -> None:
    _mine.is_turn = _turn.take(line, LONGEST_TURN)
    _mine.held = True
    # Whoever has the turn waits, and only they: two hundred threads that woke up at once would all be in the way.
    _courtesy()


def _give_back() -> None:
    _mine.held = False
    if _mine.is_turn:
        _turn.give_back()


def tests_at_once() -> int:
    """How many tests arrive or are under way in this process, about."""
    return budgets.tests_under_way() + len(_arriving)


def is_crowded() -> bool:
    """Whether there are so many tests at once that each has to give way to others."""
    return tests_at_once() >= CROWD


def once_a_moment(key: Hashable, load: Callable[[], T]) -> T:
    """What `load` returns: loaded now, or in a crowd, by somebody within the last moments.

    `key` names what is loaded, and decides its type. Nobody changes what they get: others have it, too.
    """
    if getattr(_mine, "held", False):
        _courtesy()
    until, value = _kept.get(key, (0.0, None))
    now = time.monotonic()
    if now < until and is_crowded():
        return value  # type: ignore[return-value]
    loaded = load()
    if len(_kept) > MOST_KEPT:
        _kept.clear()
    _kept[key] = now + MOMENT, loaded
    return loaded


def let_readers_go_first() -> None:
    """For the loop of the tests, at each of its turns: in a crowd, wait a little while somebody reads."""
    if is_crowded():
        _loops_courtesy()
