"""Where the IMAP and the SMTP leg leave their open sessions for the delivery, and wait until it is over."""

from __future__ import annotations

import asyncio

from guides.mail.connection.session import Session
from guides.mail.outcomes import Leg

LENDERS = (Leg.IMAP, Leg.SMTP)


class SessionLoan:
    """Each lender either lends its session or withholds it; both end the wait for it."""

    def __init__(self) -> None:
        self._sessions: dict[Leg, Session] = {}
        self._settled = {leg: asyncio.Event() for leg in LENDERS}
        self._over = asyncio.Event()

    async def lend(self, leg: Leg, session: Session) -> None:
        """Leave a session in good order; returns when it is needed no more."""
        if leg in self._settled:
            self._sessions[leg] = session
            self._settled[leg].set()
            await self._over.wait()

    def withhold(self, leg: Leg) -> None:
        """This leg has nothing to lend, or has it no more."""
        if leg in self._settled:
            self._settled[leg].set()

    async def borrow(self) -> dict[Leg, Session]:
        """What was lent, once every lender has come: both sessions, or less when a leg failed."""
        for settled in self._settled.values():
            await settled.wait()
        return self._sessions

    def give_back(self) -> None:
        """The delivery is over."""
        self._over.set()
