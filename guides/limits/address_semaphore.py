"""At most so many connections of this process to one address at a time: mail servers ban clients that open more.

An address is what is connected to: IP address and port. Belongs to one asyncio loop.
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


class AddressPermit:
    """Leave to connect to some addresses on one port."""

    def __init__(self, semaphore: AddressSemaphore, addresses: Iterable[str], port: int) -> None:
        self._semaphore = semaphore
        self._addresses = set(addresses)
        self._port = port

    def __contains__(self, address: object) -> bool:
        return address in self._addresses

    def keep_only(self, address: str) -> None:
        """The connection goes to `address`; the other addresses are free again."""
        self._release(self._addresses - {address})

    def release(self) -> None:
        """The connection is closed. May be called twice."""
        self._release(set(self._addresses))

    def _release(self, addresses: set[str]) -> None:
        self._addresses -= addresses
        self._semaphore._release((address, self._port) for address in addresses)


class AddressSemaphore:
    """Counts the connections of this process by address and port."""

    def __init__(self, each: int = ADDRESS_CONNECTIONS, seconds: float = QUEUE_SECONDS) -> None:
        self._each = each
        self._seconds = seconds
        self._held: Counter[tuple[str, int]] = Counter()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self, addresses: Iterable[IPAddress], port: int) -> AddressPermit:
        """Acquire every one of `addresses` that has room, at least one. Raises ChannelFault `limit.busy` on timeout.

        All of them, because it is not known beforehand which will answer; `keep_only` releases the rest.
        """
        wanted = [str(address) for address in addresses]
        try:
            async with asyncio.timeout(self._seconds):
                while not (free := [one for one in wanted if self._held[one, port] < self._each]):
                    released = asyncio.get_running_loop().create_future()
                    self._waiting.append(released)
                    try:
                        await released
                    finally:
                        if released in self._waiting:
                            self._waiting.remove(released)
        except TimeoutError:
            raise ChannelFault(BUSY) from None
        self._held.update((one, port) for one in free)
        return AddressPermit(self, free, port)

    def held(self, address: str, port: int) -> int:
        """How many connections to an address are open or being opened."""
        return self._held[address, port]

    def _release(self, ends: Iterable[tuple[str, int]]) -> None:
        for end in ends:
            self._held[end] -= 1
            if not self._held[end]:
                del self._held[end]
        waiting, self._waiting = self._waiting, deque()
        for released in waiting:  # each checks by itself, in the order in which they came
            if not released.done():
                released.set_result(None)
