"""Who may try the password, and when: one leg at a time, IMAP first, and nobody after it was refused.

Servers lock accounts after three wrong passwords; a test must not use up more than one of them. Once a server has
accepted the pair, it is no guess any more, and the other legs sign in side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from guides.mail.outcomes import Leg


class LoginGate:
    """Legs come here before they log in."""

    def __init__(self, legs: Iterable[Leg]) -> None:
        self._turn = asyncio.Lock()
        self._first_is_through = asyncio.Event()
        self._first = Leg.IMAP if Leg.IMAP in set(legs) else None
        if self._first is None:
            self._first_is_through.set()
        self._refused = False
        self._accepted = False

    @asynccontextmanager
    async def turn(self, leg: Leg) -> AsyncIterator[bool]:
        """Wait for this leg's turn. Yields whether it may still try the password."""
        if leg is not self._first:
            await self._first_is_through.wait()
        async with self._turn:
            if not self._accepted:
                yield not self._refused
                return
        yield not self._refused

    def accept(self) -> None:
        """A server has accepted the pair: nobody needs to wait for another leg's login."""
        self._accepted = True

    def refuse(self) -> None:
        """The pair of user name and password was refused: it is not tried elsewhere."""
        self._refused = True

    def through(self, leg: Leg) -> None:
        """This leg has logged in, or never will: the others need not wait for it."""
        if leg is self._first:
            self._first_is_through.set()
