"""A loop whose clock stands while it works, so that a busy machine brings no test to the end of its time.

For tests in which the servers run on the same loop as the test of them: whatever one of them can do next is done
before anybody waits, so all that a deadline is about is the waiting. A flood of work is bounded by bytes and lines, and
real clocks are looked at in `test_hostile_servers.py`.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Waits(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """A selector that adds up the seconds waited for in vain."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the system's. What is ready was made ready by this loop, however long the system took to say so."""
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        if not ready and timeout is not None and timeout > 0:
            self.waited += timeout
        return ready


class UnhurriedLoop(asyncio.SelectorEventLoop):
    """Its time is what it has waited for in vain, in seconds."""

    def __init__(self) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)

    def time(self) -> float:
        """Seconds since the loop was made, those left out in which it worked."""
        return self._waits.waited


def run_unhurried(main: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` on such a loop."""
    with asyncio.Runner(loop_factory=UnhurriedLoop) as runner:
        return runner.run(main)
