"""The door's part that knows this machine's own addresses. Imported by the door alone."""

from __future__ import annotations

import socket
from contextlib import suppress

from guides.mail.vetting import IPAddress

_NOBODYS_IPV4 = "192.0.2.1"  # for documentation only (RFC 5737): no interface has it


def is_own(address: IPAddress) -> bool:
    """Whether an interface of this machine has `address`: a public one may be inside the firewall of its services."""
    if not _can_bind(str(address)):
        return False
    # Machines that share addresses may bind to any (ip_nonlocal_bind): there, routing knows.
    return not _can_bind(_NOBODYS_IPV4) or _leaves_from(address)


def family_of(address: str) -> socket.AddressFamily:
    """The family of an address in text."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _can_bind(address: str) -> bool:
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _leaves_from(address: IPAddress) -> bool:
    """Whether a datagram to `address` would have it as its sender. Nothing is sent."""
    with socket.socket(family_of(str(address)), socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect((str(address), 9))
        return str(probe.getsockname()[0]) == str(address)
    return False
