"""Resolving and connecting for a leg. All failures of a hidden host have the same result and duration.

Hidden hosts are not known to be the visitor's. Without this, the portal could be used as a port scanner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from guides.mail.accounts import Server
from guides.mail.connection.channel import Attempt, Channel, ChannelFault
from guides.mail.connection.context import TestContext
from guides.mail.connection.places import Reservation
from guides.mail.connection.session import StageFinding
from guides.mail.connection.shared import Approach
from guides.mail.network import DnsFailure, Egress, Resolution, family_of

_SERVERS_DOING = ("tcp.refused", "tcp.reset", "tcp.timeout")

# The failures of a hidden host that must not be told apart, and the one that is reported for all of them.
_HIDDEN_CAUSES = frozenset({"dns.forbidden_address", "tcp.refused", "tcp.timeout", "tcp.unreachable", "tcp.reset"})
HIDDEN_END = "tcp.timeout"


class ServerConnection:
    """A connection to one server: `resolve`, then `connect`. `release` gives back its permit for the address."""

    def __init__(self, server: Server, context: TestContext, approach: Approach) -> None:
        self._server = server
        self._context = context
        self._approach = approach
        self._hidden = server.host in context.plan.hidden_hosts
        self._resolution: Resolution | None = None
        self._reservation: Reservation | None = None

    @property
    def resolution(self) -> Resolution:
        """The addresses; only after `connect`."""
        assert self._resolution is not None  # noqa: S101
        return self._resolution

    async def resolve(self) -> StageFinding:
        """Resolve the host. Raises DnsFailure."""
        try:
            self._resolution = await self._context.resolve(self._server.host)
        except DnsFailure as failure:
            if self._hidden and failure.cause in _HIDDEN_CAUSES:
                return StageFinding()  # `connect` fails instead, as for a closed port
            raise
        if self._hidden:
            return StageFinding()
        details = {"addresses": " ".join(map(str, self._resolution.addresses))}
        if self._resolution.canonical != self._resolution.host:
            details["canonical"] = self._resolution.canonical
        return StageFinding(details=details)

    async def connect(self) -> tuple[Channel, StageFinding]:
        """Connect to one of the addresses; the finding lists all attempts. Raises ChannelFault."""
        if self._hidden:  # no attempts are listed
            return await self._connect_hidden(), StageFinding()
        channel = await self._connect_in_turn(self.resolution, compare_families=True)
        cause = "tcp.one_family" if _one_family(channel, self._context.egress) else None
        return channel, StageFinding(cause, details={"attempts": in_one_line(channel.attempts)})

    def release(self) -> None:
        """The connection is closed: another one to the same address may be made."""
        if self._reservation is not None:
            self._reservation.release()

    async def _connect_in_turn(self, resolution: Resolution, *, compare_families: bool = False) -> Channel:
        """Wait for a permit (connections per address are limited), then connect."""
        resolution, self._reservation = await self._approach.reserve(resolution, self._server.port)
        channel = await self._context.egress.connect(resolution, self._server.port, compare_families=compare_families)
        if self._reservation is not None:
            self._reservation.keep_only(channel.ip_address)
        return channel

    async def _connect_hidden(self) -> Channel:
        """Connect, or fail after exactly `Limits.connect_total` seconds for every hidden cause."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._context.limits.connect_total
        try:
            if self._resolution is not None:
                return await self._connect_in_turn(self._resolution)
        except ChannelFault as fault:
            if fault.cause not in _HIDDEN_CAUSES:
                raise
        await asyncio.sleep(until - loop.time())
        raise ChannelFault(HIDDEN_END)


def in_one_line(attempts: Sequence[Attempt]) -> str:
    """The attempts as text: address, result, milliseconds."""
    return ", ".join(f"{attempt.ip} {attempt.outcome or 'connected'} {attempt.milliseconds} ms" for attempt in attempts)


def _one_family(channel: Channel, egress: Egress) -> bool:
    """Whether the other address family failed because of the server.

    `tcp.unreachable` can be a fault of this portal's network, and so can a timeout in a family without any answer.
    """
    won = family_of(channel.ip_address)
    failed = {family_of(attempt.ip) for attempt in channel.attempts if attempt.outcome in _SERVERS_DOING} - {won}
    return any(egress.reaches(family) for family in failed)
