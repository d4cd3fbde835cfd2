"""Autodiscover: the POX response with the outlook schema ([MS-OXDSCLI]), and version 2, which points to it.

Only settings and the errors 600 and 601 are written, never a redirect: a client that follows one sends the address,
and sometimes a password, to its target. (`helpdesk.client_hosts` answers a GET with the portal's own address.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree as DefusedET
from defusedxml.common import DefusedXmlException

from guides.mail.accounts import Address, AddressError, Protocol, Security, Server
from guides.mail.publish.offer import Offer
from guides.mail.publish.xml import add, written

REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
ENVELOPE = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
CONTENT_TYPE = "text/xml; charset=utf-8"
LONGEST_REQUEST = 16 * 1024  # bytes; a normal request has about 400

ErrorCode = Literal[600, 601]
MESSAGES: dict[ErrorCode, str] = {
    600: "Invalid Request",
    601: "A provider for this address and response schema could not be found",
}
_ENCRYPTIONS = {Security.TLS: "SSL", Security.STARTTLS: "TLS"}


class PoxFault(ValueError):  # noqa: N818
    """A request gets an error instead of settings: 600 when it is invalid, 601 when there are no settings."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(MESSAGES[code])
        self.code: ErrorCode = code


@dataclass(frozen=True, slots=True)
class PoxRequest:
    """A client's request."""

    address: Address


def read_request(body: bytes) -> PoxRequest:
    """Parse a POX request. Raises PoxFault when it is invalid or asks for another schema."""
    if len(body) > LONGEST_REQUEST:
        raise PoxFault(600)
    try:
        root = DefusedET.fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError):  # LookupError: an unknown encoding
        raise PoxFault(600) from None
    if root.tag != f"{{{REQUEST}}}Autodiscover":
        raise PoxFault(600)
    request = root.find(f"{{{REQUEST}}}Request")
    if request is None:
        raise PoxFault(600)
    try:
        address = Address.parse(request.findtext(f"{{{REQUEST}}}EMailAddress") or "")
    except AddressError:
        raise PoxFault(600) from None
    if (request.findtext(f"{{{REQUEST}}}AcceptableResponseSchema") or "").strip() != OUTLOOK:
        raise PoxFault(601)
    return PoxRequest(address)


def write_request(address: str) -> bytes:
    """A request in Outlook's form."""
    root = Element("Autodiscover", {"xmlns": REQUEST})
    request = add(root, "Request")
    add(request, "EMailAddress", address)
    add(request, "AcceptableResponseSchema", OUTLOOK)
    return written(root)


def write(offer: Offer, address: Address) -> bytes:
    """The response with settings. Raises PoxFault(601) when no server accepts a password."""
    protocols = offer.password_protocols
    if not protocols:
        raise PoxFault(601)
    root = Element("Autodiscover", {"xmlns": ENVELOPE})
    response = add(root, "Response", xmlns=OUTLOOK)
    add(add(response, "User"), "DisplayName", str(address))
    account = add(response, "Account")
    add(account, "AccountType", "email")
    add(account, "Action", "settings")
    for protocol in (*protocols, Protocol.SMTP):
        server = offer.with_password(protocol)
        assert server is not None  # noqa: S101  # `password_protocols` says so
        _add_protocol(account, server, address)
    return written(root)


def write_error(code: ErrorCode, now: datetime | None = None) -> bytes:
    """An error response; its HTTP status is 200."""
    root = Element("Autodiscover", {"xmlns": ENVELOPE})
    now = now or datetime.now(UTC)
    error = add(add(root, "Response"), "Error", Time=now.strftime("%H:%M:%S.%f"), Id="0")
    add(error, "ErrorCode", code)
    add(error, "Message", MESSAGES[code])
    add(error, "DebugData")
    return written(root)


def _add_protocol(account: Element, server: Server, address: Address) -> None:
    """Every element is written, as a missing one means "on"."""
    element = add(account, "Protocol")
    add(element, "Type", server.protocol.value.upper())
    add(element, "Server", server.host)
    add(element, "Port", server.port)
    add(element, "DomainRequired", "off")
    add(element, "LoginName", server.username_for(address) or str(address))
    add(element, "SPA", "off")
    add(element, "SSL", "on")
    add(element, "Encryption", _ENCRYPTIONS[server.security])
    add(element, "AuthRequired", "on")
    if server.protocol is Protocol.SMTP:
        add(element, "UsePOPAuth", "off")
        add(element, "SMTPLast", "off")


class V2Fault(ValueError):  # noqa: N818
    """Version 2 has no URL to return. `status` is the HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def write(self) -> bytes:
        """The body of the error response."""
        return _json({"ErrorCode": self.code, "ErrorMessage": str(self)})


def read_v2_protocol(protocol: str) -> None:
    """Check the protocol of a version 2 request: only POX is supported. Raises V2Fault."""
    if not protocol:
        raise V2Fault("MandatoryParameterMissing", "Name a protocol: Protocol=AutodiscoverV1", 400)
    if protocol.casefold() != "autodiscoverv1":
        raise V2Fault("ProtocolNotSupported", "Only AutodiscoverV1 is supported here", 400)


def write_v2(url: str) -> bytes:
    """The response with the URL of POX."""
    return _json({"Protocol": "AutodiscoverV1", "Url": url})


def _json(value: dict[str, str]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
