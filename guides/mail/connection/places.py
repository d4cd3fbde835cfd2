"""How many connections this process opens to one address at a time: mail servers ban who comes too often.

An address is what is connected to: IP address and port. Belongs to one asyncio loop, like `shared.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable

from guides.mail.connection.limits import ChannelFault
from guides.mail.vetting import IPAddress

ADDRESS_CONNECTIONS = 2
QUEUE_SECONDS = 5.0

BUSY = "limit.busy"


class Reservation:
    """Leave to connect to some addresses on one port."""

    def __init__(self, places: AddressPlaces, addresses: Iterable[str], port: int) -> None:
        self._places = places
        self._addresses = set(addresses)
        self._port = port

    def __contains__(self, address: object) -> bool:
        return address in self._addresses

    def keep_only(self, address: str) -> None:
        """The connection goes to `address`: others may have the rest."""
        self._give_back(self._addresses - {address})

    def release(self) -> None:
        """The connection is closed. Doing it twice does no harm."""
        self._give_back(set(self._addresses))

    def _give_back(self, addresses: set[str]) -> None:
        self._addresses -= addresses
        self._places._give_back((address, self._port) for address in addresses)


class AddressPlaces:
    """Counts the connections of this process by address and port."""

    def __init__(self, each: int = ADDRESS_CONNECTIONS, seconds: float = QUEUE_SECONDS) -> None:
        self._each = each
        self._seconds = seconds
        self._taken: Counter[tuple[str, int]] = Counter()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def reserve(self, addresses: Iterable[IPAddress], port: int) -> Reservation:
        """Reserve every one of `addresses` that has room, at least one. Raises ChannelFault `limit.busy` after a while.

        All of them, because it is not known beforehand which will answer; `keep_only` gives back what is not needed.
        """
        wanted = [str(address) for address in addresses]
        try:
            async with asyncio.timeout(self._seconds):
                while not (free := [one for one in wanted if self._taken[one, port] < self._each]):
                    turn = asyncio.get_running_loop().create_future()
                    self._waiting.append(turn)
                    try:
                        await turn
                    finally:
                        if turn in self._waiting:
                            self._waiting.remove(turn)
        except TimeoutError:
            raise ChannelFault(BUSY) from None
        self._taken.update((one, port) for one in free)
        return Reservation(self, free, port)

    def taken(self, address: str, port: int) -> int:
        """How many connections to an address there are or may be at this moment."""
        return self._taken[address, port]

    def _give_back(self, ends: Iterable[tuple[str, int]]) -> None:
        for end in ends:
            self._taken[end] -= 1
            if not self._taken[end]:
                del self._taken[end]
        waiting, self._waiting = self._waiting, deque()
        for turn in waiting:  # each looks for itself, in the order in which they came
            if not turn.done():
                turn.set_result(None)
