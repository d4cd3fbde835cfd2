"""Lending the IMAP and SMTP legs' open sessions to the delivery leg."""

from __future__ import annotations

import asyncio

from guides.mail.connection.session import Session
from guides.mail.outcomes import Leg

LENDERS = (Leg.IMAP, Leg.SMTP)


class SessionLoan:
    """Each of LENDERS calls `lend` or `withhold`; `borrow` waits for both of them."""

    def __init__(self) -> None:
        self._sessions: dict[Leg, Session] = {}
        self._settled = {leg: asyncio.Event() for leg in LENDERS}
        self._over = asyncio.Event()

    async def lend(self, leg: Leg, session: Session) -> None:
        """Lend a working session; returns after `give_back`."""
        if leg in self._settled:
            self._sessions[leg] = session
            self._settled[leg].set()
            await self._over.wait()

    def withhold(self, leg: Leg) -> None:
        """This leg has no session to lend, or has lost it."""
        if leg in self._settled:
            self._settled[leg].set()

    async def borrow(self) -> dict[Leg, Session]:
        """The lent sessions, when both legs have decided; fewer than two when a leg failed."""
        for settled in self._settled.values():
            await settled.wait()
        return self._sessions

    def give_back(self) -> None:
        """End the loan: the delivery is over."""
        self._over.set()
