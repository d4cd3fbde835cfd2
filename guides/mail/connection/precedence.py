"""Which legs of a crowd's tests go first: those that sign in first, for everybody else's login waits for theirs.

A leg that signs in second needs its connection only then. Where two hundred tests begin at once, it begins when the
first legs of all of them have come to their login, or its own test's has signed in. Belongs to one asyncio loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

CROWD = 5  # first legs on their way to the login, those included that have not begun
LONGEST = 3.0  # seconds that a leg stands back
APART = 0.002  # seconds between two that go at last, so that the loop has time for others


class Precedence:
    """The first legs of all tests on one loop."""

    def __init__(self, arriving: Callable[[], int] = lambda: 0) -> None:
        self._arriving = arriving  # how many tests are about to begin
        self._on_their_way: set[object] = set()
        self._waiting: set[asyncio.Event] = set()

    def set_out(self) -> object:
        """A first leg begins. Returns what `arrive` wants."""
        leg = object()
        self._on_their_way.add(leg)
        return leg

    def arrive(self, leg: object) -> None:
        """A first leg has come to its login, or never will. Doing it twice does no harm."""
        self._on_their_way.discard(leg)
        if not self._is_crowded():
            waiting, self._waiting = self._waiting, set()
            for number, go in enumerate(waiting):
                asyncio.get_running_loop().call_later(number * APART, go.set)

    async def stand_back(self, go: asyncio.Event) -> None:
        """Wait while there is a crowd of first legs, until `go` is set, or for a while."""
        if not self._is_crowded():
            return
        self._waiting.add(go)
        try:
            async with asyncio.timeout(LONGEST):
                await go.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(go)

    def _is_crowded(self) -> bool:
        return len(self._on_their_way) + self._arriving() >= CROWD
