"""The order of logins in a test: one leg at a time, IMAP first, and none after one was refused.

Servers lock accounts after three wrong passwords; a test must not use up more than one of them. Once a server has
accepted the pair, it is no guess any more, and the other legs sign in side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from guides.mail.outcomes import Leg


class LoginLock:
    """Each leg holds it while it signs in."""

    def __init__(self, legs: Iterable[Leg]) -> None:
        self._lock = asyncio.Lock()
        self._first_is_done = asyncio.Event()
        self._first = Leg.IMAP if Leg.IMAP in set(legs) else None
        if self._first is None:
            self._first_is_done.set()
        self._refused = False
        self._accepted = False

    @asynccontextmanager
    async def hold(self, leg: Leg) -> AsyncIterator[bool]:
        """Wait until this leg may sign in. Yields whether it may still try the password."""
        if leg is not self._first:
            await self._first_is_done.wait()
        async with self._lock:
            if not self._accepted:
                yield not self._refused
                return
        yield not self._refused

    def accept(self) -> None:
        """A server has accepted the pair: no leg needs to wait for another's login."""
        self._accepted = True

    def refuse(self) -> None:
        """The pair of user name and password was refused: it is not tried elsewhere."""
        self._refused = True

    def release_others(self, leg: Leg) -> None:
        """This leg has logged in, or never will: the others need not wait for it."""
        if leg is self._first:
            self._first_is_done.set()
