"""Which host names and addresses the portal may connect to (SSRF protection). No network access here.

Names are checked before they are resolved: `getaddrinfo` reads `①②⑦.⓪.⓪.①`, `127。0。0。1` and `0x7f.1` as 127.0.0.1.
Addresses are checked by our own table: `ipaddress.is_global` is true of all multicast, `64:ff9b::7f00:1` and more.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import idna

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

HostFault = Literal["empty", "syntax", "ip_literal", "single_label", "suffix"]


class HostForbidden(ValueError):  # noqa: N818
    """A host name may not be looked up. `fault` says why; the form has a message for each."""

    def __init__(self, fault: HostFault) -> None:
        super().__init__(fault)
        self.fault: HostFault = fault


class PortForbidden(ValueError):  # noqa: N818
    """A port is not one of mail clients' ports."""


MAIL_PORTS = frozenset({110, 143, 465, 587, 993, 995})

# Special-use names (RFC 6761, 6762, 7686, 8375, 9476), and names in common use for private networks.
SPECIAL_SUFFIXES = frozenset(
    {
        "localhost",
        "local",
        "internal",
        "lan",
        "home",
        "corp",
        "intranet",
        "private",
        "onion",
        "i2p",
        "test",
        "example",
        "invalid",
        "arpa",
        "localdomain",
    }
)

_MAX_NAME = 253
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_JOINERS = "\u200c\u200d"  # needed in Persian and Indic names; IDNA 2008 checks their context


def check_host(text: str, allowed_suffixes: Iterable[str] = ()) -> str:
    """The A-label form (IDNA 2008) of a public host name, in lower case, without a final dot. Raises HostForbidden.

    `allowed_suffixes` are special names that the operator allows, such as `test`.
    """
    if not text:
        raise HostForbidden("empty")
    if len(text) > _MAX_NAME + 1:  # before any work is done on it
        raise HostForbidden("syntax")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co", "Cs") and char not in _JOINERS for char in text):
        raise HostForbidden("syntax")
    if _is_literal(text):
        raise HostForbidden("ip_literal")
    name = _to_ascii(text)
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # resolvers read a name whose last label is a number as an IP address
        raise HostForbidden("ip_literal")
    let_through = any(_under(name, suffix) for suffix in allowed_suffixes)
    if not let_through and any(_under(name, suffix) for suffix in SPECIAL_SUFFIXES):
        raise HostForbidden("suffix")
    if len(labels) < 2:
        raise HostForbidden("single_label")
    if not (let_through or labels[-1].isalpha() or labels[-1].startswith("xn--")):
        raise HostForbidden("syntax")
    return name


def _is_literal(text: str) -> bool:
    """Whether `text` is an IP address: also with brackets, a scope or a mapped IPv4 part."""
    if text.startswith("["):
        return True
    try:
        ipaddress.ip_address(unicodedata.normalize("NFKC", text).replace("。", "."))
    except ValueError:
        return False
    return True


@lru_cache(500)  # a test checks the same name several times
def _to_ascii(text: str) -> str:
    try:
        name = idna.encode(text, uts46=True).decode("ascii").removesuffix(".").lower()
    except (idna.IDNAError, UnicodeError):
        raise HostForbidden("syntax") from None
    if len(name) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise HostForbidden("syntax")
    return name


def _under(name: str, suffix: str) -> bool:
    return name == suffix or name.endswith(f".{suffix}")


_FORBIDDEN_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own services
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_FORBIDDEN_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address in an IPv4-mapped one (RFC 4291 section 2.5.5.2), else the address itself."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None and address.scope_id is None:
        return address.ipv4_mapped
    return address


def is_forbidden(address: IPAddress, allowed_networks: Iterable[IPNetwork] = ()) -> bool:
    """Whether `address` must not be connected to. `allowed_networks` are the operator's exceptions."""
    address = unwrapped(address)
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return True
    if any(address in network for network in allowed_networks):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in network for network in _FORBIDDEN_IPV4)
    return address not in _PUBLIC_IPV6 or any(address in network for network in _FORBIDDEN_IPV6)
