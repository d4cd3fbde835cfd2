"""Connects to one of a host's addresses: several are tried, the first to answer wins (after RFC 8305).

Part of `guides.mail.network`, which checks the addresses first and alone imports this module.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from time import monotonic

from guides.mail.connection.channel import Channel, Wire
from guides.mail.connection.limits import Attempt, ChannelFault, Limits
from guides.mail.net_own import family_of
from guides.mail.vetting import IPAddress

REACHES_SECONDS = 600.0  # how long one connection counts as proof that this machine's IPv4 or IPv6 works

# When two attempts fail differently, the earlier in the list says more about the host.
_TCP_CAUSES = ("tcp.refused", "tcp.reset", "tcp.timeout", "tcp.unreachable")


@dataclass(slots=True)
class _Race:
    """Attempts at several addresses, of which the first to connect wins."""

    attempts: list[Attempt] = field(default_factory=list)
    running: set[asyncio.Task[Wire | None]] = field(default_factory=set)
    winner: tuple[Wire, str] | None = None


class Connector:
    """Connects, and remembers when each address family last answered."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._connected: dict[socket.AddressFamily, float] = {}  # when an address of the family last answered

    def reaches(self, family: socket.AddressFamily) -> bool:
        """Whether an address of this family answered within REACHES_SECONDS. If not, a timeout may be our own fault."""
        connected = self._connected.get(family)
        return connected is not None and monotonic() - connected < REACHES_SECONDS

    async def connect(self, addresses: Sequence[IPAddress], port: int, *, compare_families: bool) -> Channel:
        """A channel to the first address that answers. Raises ChannelFault, `tcp.*`."""
        waiting = deque(self._candidates(addresses))
        until = monotonic() + self.limits.connect_total
        race = _Race()
        try:
            while race.winner is None and (waiting or race.running) and (left := until - monotonic()) > 0:
                if waiting:
                    address = str(waiting.popleft())
                    race.running.add(asyncio.create_task(self._attempt(address, port, race.attempts), name=address))
                await self._next(race, min(left, self.limits.connect_apart) if waiting else left)
            if race.winner is not None and compare_families:
                await self._try_other_family(race, waiting, port)
        except BaseException:
            if race.winner is not None:
                race.winner[0].close()
            raise
        finally:
            await _give_up(race.running)
        attempts = tuple(race.attempts)
        if race.winner is None:
            causes = {attempt.outcome for attempt in attempts}
            cause = next((cause for cause in _TCP_CAUSES if cause in causes), "tcp.timeout")
            raise ChannelFault(cause, attempts=attempts)
        wire, ip_address = race.winner
        return Channel(wire, ip_address, attempts)

    async def _try_other_family(self, race: _Race, waiting: Iterable[IPAddress], port: int) -> None:
        """Await one attempt at an address of the other family, for at most `connect_other_family` seconds."""
        assert race.winner is not None  # noqa: S101
        won = family_of(race.winner[1])
        if any(family_of(attempt.ip) is not won for attempt in race.attempts):
            return
        running = [task for task in race.running if family_of(task.get_name()) is not won]
        if not running:
            address = next((str(address) for address in waiting if family_of(str(address)) is not won), None)
            if address is None:
                return
            running = [asyncio.create_task(self._attempt(address, port, race.attempts), name=address)]
            race.running.update(running)
        until = monotonic() + self.limits.connect_other_family
        while race.running & set(running) and (left := until - monotonic()) > 0:
            await self._next(race, left)
        late = race.running & set(running)
        waited = round(self.limits.connect_other_family * 1000)
        race.attempts += [Attempt(task.get_name(), "tcp.timeout", waited) for task in late]

    def _candidates(self, addresses: Sequence[IPAddress]) -> list[IPAddress]:
        """The addresses to try: a few of each family, alternating, in the DNS answer's order."""
        families = [
            [address for address in addresses if address.version == version][: self.limits.connect_per_family]
            for version in (6, 4)
        ]
        return [address for address in chain.from_iterable(zip_longest(*families)) if address is not None]

    async def _attempt(self, address: str, port: int, attempts: list[Attempt]) -> Wire | None:
        """Try one address and add the result to `attempts`."""
        loop = asyncio.get_running_loop()
        began = monotonic()
        wire: Wire | None = None
        cause = None
        try:
            async with asyncio.timeout(self.limits.connect_each):
                _, wire = await loop.create_connection(lambda: Wire(self.limits), address, port)
        except TimeoutError:  # ours, or the kernel's own
            cause = "tcp.timeout"
        except OSError as error:
            cause = _tcp_cause(error)
        ended = monotonic()
        if wire is not None:
            self._connected[family_of(address)] = ended
        attempts.append(Attempt(address, cause, round((ended - began) * 1000)))
        return wire

    async def _next(self, race: _Race, seconds: float) -> None:
        """Wait until an attempt has ended or it is time for the next one."""
        done, race.running = await asyncio.wait(race.running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            wire = task.result()
            if wire is None:
                continue
            if race.winner is None:
                race.winner = wire, task.get_name()
            else:
                wire.close()


async def _give_up(tasks: set[asyncio.Task[Wire | None]]) -> None:
    """Cancel attempts; one that has connected meanwhile is closed."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Wire):
            outcome.close()


def _tcp_cause(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "tcp.refused"
    if isinstance(error, ConnectionError):
        return "tcp.reset"
    return "tcp.unreachable"
