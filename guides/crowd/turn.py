"""One turn, which one thread has at a time, and two lines of those who wait for it."""

from __future__ import annotations

import threading
from collections import deque


class Turn:
    """Handed from one to the next: whoever gives it back wakes one thread, never all that wait.

    A lock of Python's wakes anybody, and an event everybody: two hundred threads that woke up at once would all be in
    the way of those who work.
    """

    def __init__(self, lines: int) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._lines: tuple[deque[threading.Lock], ...] = tuple(deque() for _ in range(lines))

    def take(self, line: int, seconds: float) -> bool:
        """Wait for the turn, behind those in this line and in all lines before it. False: `seconds` were over."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            bell = threading.Lock()
            bell.acquire()  # rung by being released
            self._lines[line].append(bell)
        if bell.acquire(timeout=seconds):
            return True
        with self._lock:
            if bell not in self._lines[line]:  # it was rung this very moment
                return True
            self._lines[line].remove(bell)
        return False

    def give_back(self) -> None:
        """Let the next one have it."""
        with self._lock:
            for line in self._lines:
                if line:
                    line.popleft().release()
                    return
            self._is_taken = False

    @property
    def is_taken(self) -> bool:
        """Whether somebody has it."""
        return self._is_taken
