"""This machine's own addresses. Part of `guides.mail.network`."""

from __future__ import annotations

import socket
from contextlib import suppress

from guides.mail.vetting import IPAddress

_UNASSIGNED_IPV4 = "192.0.2.1"  # for documentation only (RFC 5737): no interface has it


def is_own(address: IPAddress) -> bool:
    """Whether an interface of this machine has `address`, so that a firewall may not protect the services there."""
    if not _can_bind(str(address)):
        return False
    # With ip_nonlocal_bind a machine can bind to any address, so the routing table decides.
    return not _can_bind(_UNASSIGNED_IPV4) or _leaves_from(address)


def family_of(address: str) -> socket.AddressFamily:
    """The address family of an IP address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _can_bind(address: str) -> bool:
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _leaves_from(address: IPAddress) -> bool:
    """Whether a datagram to `address` would have the same source address. Nothing is sent."""
    with socket.socket(family_of(str(address)), socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect((str(address), 9))
        return str(probe.getsockname()[0]) == str(address)
    return False
