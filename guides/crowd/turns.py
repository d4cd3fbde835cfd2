"""Requests for tests are worked on one at a time, readers first.

A process of threads runs Python in one of them at a time. Two hundred tests that all worked at once would stand in a
reader's way two hundred times; one after another they end as soon, for each works for moments and waits for seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from guides import budgets
from guides.crowd.readers import Courtesy, reading
from guides.crowd.turn import Token, Turn

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CROWD = 5  # tests that arrive or are under way in this process, from which on it is a crowd

LONGEST_TURN = 3.0  # seconds

TEST_PATH = "/test/"
LONGEST_FORM = 64 * 1024  # bytes of a form that is taken in before its turn; the test's is a few hundred long

_turn = Turn(lines=2, longest=LONGEST_TURN)
_ARRIVALS, _FRAGMENTS = 0, 1  # the lines; of those who arrive, no test has begun
_mine = threading.local()  # `token`: this thread works in its turn
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
        with _arrival(), _whole_turn():
            return self._application(environ, start_response)


def _take_in(environ: WSGIEnvironment) -> bool:
    """Read a form, so that nobody whose connection is slow is waited for within a turn. False: it is too long."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length) > LONGEST_FORM:
        return False
    environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(length)))
    return True


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


def at_the_door(begin: Callable[[Token], None]) -> None:
    """Call `begin` when it is the turn of somebody who has asked for a test; it starts a thread that calls `admitted`.

    A thread for each of two hundred, most of them waiting for their turn, would be in the way of who comes to read.
    """
    me = object()
    _arriving.add(me)

    def start(token: Token) -> None:
        _arriving.discard(me)  # the thread is one of them itself
        begin(token)

    _turn.take_later(_ARRIVALS, start)


@contextmanager
def admitted(token: Token) -> Iterator[None]:
    """Work with a turn that this thread was started with."""
    _mine.token = token
    try:
        yield
    finally:
        _give_back()


def look_after() -> None:
    """For the process's own loop, now and then: nobody at the door waits long for somebody who hangs in their turn."""
    _turn.look_after()


@contextmanager
def _whole_turn() -> Iterator[None]:
    """Take a turn, unless this thread was started with one, and give it back."""
    if _has_turn():
        give_way()
    else:
        _take(_ARRIVALS)
    try:
        yield
    finally:
        _give_back()


def _has_turn() -> bool:
    return getattr(_mine, "token", None) is not None


@contextmanager
def page_work(line: int = _ARRIVALS) -> Iterator[None]:
    """Take a turn, after readers, unless this thread has it. A courtesy: who has waited long enough goes ahead."""
    if _has_turn():
        give_way()
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
    had_turn = _has_turn()
    _give_back()
    try:
        yield
    finally:
        if had_turn:
            _take(_ARRIVALS)


def _take(line: int) -> None:
    _mine.token = _turn.take(line)
    # Whoever has the turn waits, and only they: two hundred threads that woke up at once would all be in the way.
    _courtesy()


def _give_back() -> None:
    token: Token | None = getattr(_mine, "token", None)
    if token is not None:
        _mine.token = None
        _turn.give_back(token)


def give_way() -> None:
    """For whoever has the turn, before a piece of work: let readers go first."""
    if _has_turn():
        _courtesy()


def tests_at_once() -> int:
    """How many tests arrive or are under way in this process, about."""
    return budgets.tests_under_way() + arriving()


def is_crowded() -> bool:
    """Whether there are so many tests at once that each has to give way to others."""
    return tests_at_once() >= CROWD


def let_readers_go_first() -> None:
    """For the loop of the tests, at each of its turns: in a crowd, wait a little while somebody reads."""
    if is_crowded():
        _loops_courtesy()
