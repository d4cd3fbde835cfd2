"""Writing PACC (draft-ietf-mailmaint-pacc): a JSON file, and a TXT record with its digest.

PACC contains only host names: the ports are those of implicit TLS, and the user name is the address. Other settings
cannot be expressed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from guides.mail.accounts import Protocol, Security, Server, UsernameForm
from guides.mail.publish.offer import Offer, takes_password

CONTENT_TYPE = "application/json"
PORTS = {Protocol.IMAP: 993, Protocol.POP3: 995, Protocol.SMTP: 465}


class NoPacc(ValueError):  # noqa: N818
    """PACC cannot express these settings: no password, another port, or another user name than the address."""


def write(offer: Offer, documentation: str = "") -> bytes:
    """The file. Equal offers give equal bytes, as the digest is in the DNS. Raises NoPacc."""
    hosts = {protocol: server.host for protocol in Protocol if (server := _sayable(offer, protocol))}
    if Protocol.SMTP not in hosts or not offer.password_protocols or len(hosts) < 2:
        raise NoPacc
    protocols = {protocol.value: {"host": host} for protocol, host in hosts.items()}
    protocols["submit"] = protocols[Protocol.SMTP.value]  # drafts used both keys, clients know one of them
    info: dict[str, Any] = {"provider": {"name": offer.name, "shortName": offer.name}}
    if documentation:
        info["help"] = {"documentation": documentation}
    said = {"protocols": protocols, "authentication": {"password": True}, "info": info}
    return (json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def txt_record(body: bytes) -> str:
    """The text of the TXT record `_ua-auto-config.<domain>` for a file."""
    return f"v=UAAC1; a=sha256; d={base64.b64encode(hashlib.sha256(body).digest()).decode('ascii')}"


def _sayable(offer: Offer, protocol: Protocol) -> Server | None:
    servers = offer.outgoing if protocol is Protocol.SMTP else offer.incoming
    return next(
        (
            server
            for server in servers
            if server.protocol is protocol
            and server.security is Security.TLS
            and server.port == PORTS[protocol]
            and server.username is UsernameForm.ADDRESS
            and takes_password(server)
        ),
        None,
    )
