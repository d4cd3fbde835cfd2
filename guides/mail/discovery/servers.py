"""Checking the servers of a source: which are used, which are left out and why, and their order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from guides.mail.accounts import Address, Protocol, Security, Server, UsernameForm
from guides.mail.vetting import HostForbidden, check_host

LONGEST_SHOWN = 100
LONGEST_TEMPLATE = 100

# The protocol and security of each well-known port (RFC 8314 section 7); another combination is a clash.
USUAL = {
    993: (Protocol.IMAP, Security.TLS),
    143: (Protocol.IMAP, Security.STARTTLS),
    995: (Protocol.POP3, Security.TLS),
    110: (Protocol.POP3, Security.STARTTLS),
    465: (Protocol.SMTP, Security.TLS),
    587: (Protocol.SMTP, Security.STARTTLS),
}
RELAY_PORT = 25


class SkipReason(StrEnum):
    """The reason for leaving a server out."""

    CLEAR_TEXT = "clear_text"  # no encryption
    CLASH = "clash"  # the port contradicts security or protocol: 993 with STARTTLS
    SECURITY = "security"  # an unknown kind of encryption
    HOST = "host"  # no public host name
    PLACEHOLDER = "placeholder"  # a placeholder that cannot be replaced
    NEEDS_ADDRESS = "needs_address"  # depends on the part before @
    PORT = "port"  # no port number, or 25
    PROTOCOL = "protocol"  # neither IMAP nor POP3 nor SMTP
    AUTHENTICATION = "authentication"  # neither a password nor OAuth
    TWICE = "twice"
    NO_SUCH_HOST = "no_such_host"  # the host has no address


@dataclass(frozen=True, slots=True)
class Skipped:
    """A server that was left out. `what` and `detail` are untrusted text, cut, without invisible characters."""

    what: str
    why: SkipReason
    detail: str = ""


class NotTaken(Exception):  # noqa: N818
    """A server is left out."""

    def __init__(self, why: SkipReason, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = shown(detail)


def shown(text: str) -> str:
    """Untrusted text for display: cut, with control and direction characters replaced."""
    plain = ("?" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") else char for char in text)
    return "".join(plain)[:LONGEST_SHOWN]


def checked_host(text: str, allowed_suffixes: Iterable[str] = ()) -> str:
    """A host name in A-labels. Raises NotTaken."""
    try:
        return check_host(text, allowed_suffixes)
    except HostForbidden:
        raise NotTaken(SkipReason.HOST, text) from None


def checked_port(text: str, protocol: Protocol) -> int:
    """A port number. Raises NotTaken if invalid, and for 25, which is not for mail clients (RFC 8314)."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise NotTaken(SkipReason.PORT, text)
    port = int(text)
    if protocol is Protocol.SMTP and port == RELAY_PORT:
        raise NotTaken(SkipReason.PORT, text)
    return port


def check_clash(protocol: Protocol, port: int, security: Security) -> None:
    """Raise NotTaken when a well-known port has another protocol or security than its own."""
    usual = USUAL.get(port)
    # A few providers speak TLS on 587 and say so on their pages (spectrum.net); STARTTLS on 465 is a typing error.
    if usual is None or usual == (protocol, security) or is_unusual(protocol, port, security):
        return
    raise NotTaken(SkipReason.CLASH, f"{protocol} {port} {security}")


def is_unusual(protocol: Protocol, port: int, security: Security) -> bool:
    """Whether it is submission with implicit TLS on the port for STARTTLS."""
    return (protocol, port, security) == (Protocol.SMTP, 587, Security.TLS)


def without_unusual(servers: list[Server], name: str) -> tuple[list[Server], list[Skipped]]:
    """Servers without TLS on 587 where a source has another one for sending: beside that, it is a typing error."""
    usual = [server for server in servers if not is_unusual(server.protocol, server.port, server.security)]
    if not any(server.protocol is Protocol.SMTP for server in usual):
        return servers, []
    clashes = [Skipped(name, SkipReason.CLASH, "smtp 587 tls")] * (len(servers) - len(usual))
    return usual, clashes


def username_of(text: str, address: Address | None = None) -> tuple[UsernameForm, str]:
    """The user name form from a source's text, with placeholders or with the address inserted, and the template of
    another form: "" when it is too long or has placeholders or characters that no user name has.
    """
    template = text.strip()
    if template.upper() in ("%EMAILADDRESS", "EMAILADDRESS%"):  # seen in public files
        template = "%EMAILADDRESS%"
    if address is not None and template.lower() == str(address).lower():
        template = "%EMAILADDRESS%"
    if address is not None and template.lower() == address.local_part.lower():
        template = "%EMAILLOCALPART%"
    template = re.sub("%[a-z]+%", lambda found: found[0].upper(), template, flags=re.IGNORECASE)
    if template in ("", "%EMAILADDRESS%", "%EMAILLOCALPART%@%EMAILDOMAIN%"):
        return UsernameForm.ADDRESS, ""
    if template == "%EMAILLOCALPART%":
        return UsernameForm.LOCAL_PART, ""
    literal = re.sub("%EMAIL(ADDRESS|LOCALPART|DOMAIN)%", "", template)
    fits = len(template) <= LONGEST_TEMPLATE and literal.isprintable() and "%" not in literal and " " not in literal
    return UsernameForm.OTHER, template if fits else ""


_PROTOCOLS = {Protocol.IMAP: 0, Protocol.POP3: 1, Protocol.SMTP: 2}
_SECURITIES = {Security.TLS: 0, Security.STARTTLS: 1, Security.NONE: 2}
_PORTS = {993: 0, 143: 0, 995: 0, 110: 0, 465: 0, 587: 1}


def ranked(servers: Iterable[Server]) -> tuple[Server, ...]:
    """Each server once, best first (RFC 8314): IMAP, POP3, SMTP; implicit TLS, STARTTLS; the usual ports. Stable."""
    once: dict[tuple[Protocol, str, int], Server] = {}
    for server in servers:
        once.setdefault((server.protocol, server.host, server.port), server)
    return tuple(
        sorted(
            once.values(),
            key=lambda server: (
                _PROTOCOLS[server.protocol],
                is_unusual(server.protocol, server.port, server.security),
                _SECURITIES[server.security],
                _PORTS.get(server.port, 9),
            ),
        )
    )
