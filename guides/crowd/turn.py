"""One turn, which one thread has at a time, and lines of those who wait for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

Token = int


def _bell() -> threading.Lock:
    bell = threading.Lock()
    bell.acquire()  # rung by being released
    return bell


@dataclass(eq=False)
class _Waiting:
    """A thread that sleeps until its bell rings, or something that is started then."""

    start: Callable[[Token], None] | None = None
    bell: threading.Lock = field(default_factory=_bell)
    token: Token = 0


class Turn:
    """Handed from one to the next: whoever gives it back wakes one thread, never all that wait.

    A lock of Python's wakes anybody, and an event everybody: two hundred threads that woke up at once would all be in
    the way of those who work. `longest` is in seconds: whoever has it longer, say for a database that does not answer,
    loses it to the next.
    """

    def __init__(self, lines: int, longest: float) -> None:
        self.longest = longest
        self._lock = threading.Lock()
        self._since: float | None = None
        self._token: Token = 0
        self._lines: tuple[deque[_Waiting], ...] = tuple(deque() for _ in range(lines))

    def take(self, line: int) -> Token:
        """Wait for the turn, behind those in this line and in all lines before it."""
        waiting = _Waiting()
        if self._is_mine(line, waiting):
            return waiting.token
        while not waiting.bell.acquire(timeout=self.longest):
            self.look_after()
        return waiting.token

    def take_later(self, line: int, start: Callable[[Token], None]) -> None:
        """Call `start` with the turn: now, or in the thread of whoever gives it back. It must not wait."""
        waiting = _Waiting(start)
        if self._is_mine(line, waiting):
            start(waiting.token)

    def give_back(self, token: Token) -> None:
        """Let the next one have it. Nothing happens when it has been lost meanwhile."""
        with self._lock:
            next_one = self._pass_on() if token == self._token else None
        _begin(next_one)

    def look_after(self) -> None:
        """Take the turn away from whoever has it for too long. To be called now and then while some wait."""
        with self._lock:
            is_over = self._since is not None and time.monotonic() - self._since >= self.longest
            next_one = self._pass_on() if is_over else None
        _begin(next_one)

    @property
    def is_taken(self) -> bool:
        """Whether somebody has it."""
        return self._since is not None

    def _is_mine(self, line: int, waiting: _Waiting) -> bool:
        with self._lock:
            if self._since is None:
                self._hand_to(waiting)
                return True
            self._lines[line].append(waiting)
            return False

    def _hand_to(self, waiting: _Waiting) -> None:
        self._token += 1
        self._since = time.monotonic()
        waiting.token = self._token

    def _pass_on(self) -> _Waiting | None:
        for line in self._lines:
            if line:
                next_one = line.popleft()
                self._hand_to(next_one)
                return next_one
        self._token += 1
        self._since = None
        return None


def _begin(waiting: _Waiting | None) -> None:
    if waiting is None:
        return
    if waiting.start is not None:
        waiting.start(waiting.token)
    else:
        waiting.bell.release()
