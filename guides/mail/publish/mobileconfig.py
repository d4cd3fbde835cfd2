"""Apple configuration profiles with one mail account (com.apple.mail.managed), for iOS, iPadOS and macOS.

Identifiers and UUIDs are derived from the portal, the provider, the address and the servers: with random ones each
download would add an account, with constant ones it would overwrite another account. A profile has no password; the
device asks for it.
"""

from __future__ import annotations

import hashlib
import plistlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from guides.mail.accounts import Address, Protocol, Server
from guides.mail.publish.offer import Offer

CONTENT_TYPE = "application/x-apple-aspen-config"

_NAMESPACE = UUID("6d5b3f0e-4a5c-5b0e-9f1d-2f6d0c3a7e11")  # this portal's own, for uuid5
_TYPES = {Protocol.IMAP: "EmailTypeIMAP", Protocol.POP3: "EmailTypePOP"}


class NoProfile(ValueError):  # noqa: N818
    """There is no profile for this account: a profile cannot express OAuth sign-in."""


@dataclass(frozen=True, slots=True)
class ProfileWords:
    """The texts that the device shows, in the visitor's language."""

    title: str
    description: str
    organization: str


def write(offer: Offer, protocol: Protocol, address: Address | None, words: ProfileWords, portal: str) -> bytes:
    """An unsigned profile. Without an address the device asks for it. `portal` is the portal's host name.

    Raises NoProfile where no password is possible, or the provider does not offer `protocol`.
    """
    incoming, outgoing = offer.with_password(protocol), offer.with_password(Protocol.SMTP)
    if protocol not in offer.password_protocols or incoming is None or outgoing is None:
        raise NoProfile(protocol)
    seed = _seed(offer, portal, address, (incoming, outgoing))
    reverse = ".".join(reversed(portal.split(":")[0].split("."))) or "portal"
    identifier = f"{reverse}.mail.{hashlib.sha256(seed.encode()).hexdigest()[:24]}"
    mail: dict[str, Any] = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.account",
        "PayloadUUID": str(uuid5(_NAMESPACE, f"{seed}\0account")).upper(),
        "PayloadDisplayName": words.title,
        "EmailAccountDescription": offer.name,
        "EmailAccountType": _TYPES[protocol],
        **_server("Incoming", incoming, address),
        **_server("Outgoing", outgoing, address),
        "OutgoingPasswordSameAsIncomingPassword": True,
        "PreventMove": False,
        "PreventAppSheet": False,
        "disableMailRecentsSyncing": False,
    }
    if address is not None:
        mail["EmailAddress"] = str(address)
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(uuid5(_NAMESPACE, seed)).upper(),
        "PayloadDisplayName": words.title,
        "PayloadDescription": words.description,
        "PayloadOrganization": words.organization,
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [mail],
    }
    return plistlib.dumps(profile, fmt=plistlib.FMT_XML, sort_keys=True)


def _server(direction: str, server: Server, address: Address | None) -> dict[str, Any]:
    """Incoming or outgoing server. `UseSSL` is false by default and means TLS or STARTTLS; the port decides which."""
    settings: dict[str, Any] = {
        f"{direction}MailServerAuthentication": "EmailAuthPassword",
        f"{direction}MailServerHostName": server.host,
        f"{direction}MailServerPortNumber": server.port,
        f"{direction}MailServerUseSSL": True,
    }
    username = server.username_for(address) if address is not None else None
    if username is not None:  # without one the device asks for it
        settings[f"{direction}MailServerUsername"] = username
    return settings


def _seed(offer: Offer, portal: str, address: Address | None, servers: tuple[Server, ...]) -> str:
    """All values that identify an account, as one text."""
    parts = [portal.lower(), offer.account.provider or "", offer.account.domain, str(address or "")]
    for server in servers:
        parts += [server.protocol.value, server.host, str(server.port), server.security.value]
        parts += [server.username.value, *([server.username_template] if server.username_template else [])]
    return "\0".join(parts)
