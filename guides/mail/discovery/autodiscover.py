"""A source: Autodiscover, POX and v2 ([MS-OXDSCLI]), requested without credentials and without the visitor's address.

POX requires an address: a made-up one of the domain is sent. The user name in the response shows the form that the
server expects.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from xml.etree import ElementTree as ET

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.discovery.files import NOT_THERE
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.query import Query
from guides.mail.discovery.servers import (
    NotTaken,
    Skipped,
    SkipReason,
    check_clash,
    checked_host,
    checked_port,
    shown,
    username_of,
)
from guides.mail.discovery.xml import Element, XmlFault, read_xml
from guides.mail.network import FetchFailure

REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
LOCAL_PART = "settings"  # of the made-up address
MOST_PROTOCOLS = 20
_PROTOCOLS = {"IMAP": Protocol.IMAP, "POP3": Protocol.POP3, "SMTP": Protocol.SMTP}
_IMPLICIT = frozenset({993, 995, 465})


async def autodiscover(query: Query) -> Finding:
    """Ask `https://autodiscover.D/autodiscover/autodiscover.xml`, and v2 at the same host at the same time."""
    host = f"autodiscover.{query.domain}"
    pox, hosted = await asyncio.gather(_pox(query, f"https://{host}/autodiscover/autodiscover.xml"), _v2(query, host))
    if not pox.found and hosted:
        return replace(pox, error="exchange", origin=hosted)
    return pox


async def _pox(query: Query, url: str) -> Finding:
    base = Finding(ConfigSource.AUTODISCOVER, trust=Trust.MEDIUM, origin=url)
    try:
        answer = await query.egress.fetch(url, body=_request(f"{LOCAL_PART}@{query.domain}"), media_type="text/xml")
    except FetchFailure as failure:
        return replace(base, error=failure.cause)
    if answer.status == 401:
        return replace(base, error="wants_password")
    if answer.status != 200:
        return replace(base, error="not_there" if answer.status in NOT_THERE else f"http_{answer.status}")
    try:
        root = read_xml(answer.body)
    except XmlFault as fault:
        return replace(base, error=fault.cause)
    servers: list[Server] = []
    skipped = []
    for entry in _protocols(root):
        try:
            servers.append(_server(query, entry))
        except NotTaken as fault:
            skipped.append(Skipped(shown(entry.get("Type")), fault.why, fault.detail))
    base = replace(base, skipped=tuple(skipped))
    if not any(server.protocol is not Protocol.SMTP for server in servers):
        return replace(base, error="no_server")
    return replace(base, account=query.account(tuple(servers)))


async def _v2(query: Query, host: str) -> str:
    """The URL that v2 gives Exchange clients, or "". It names no IMAP server, but shows that Exchange is used."""
    email = f"{LOCAL_PART}%40{query.domain}"
    url = f"https://{host}/autodiscover/autodiscover.json?Email={email}&Protocol=AutodiscoverV1"
    try:
        answer = await query.egress.fetch(url, redirects=0)
        found = json.loads(answer.body) if answer.status == 200 else None
    except (FetchFailure, ValueError, RecursionError):
        return ""
    where = found.get("Url") if isinstance(found, dict) else None
    return shown(where) if isinstance(where, str) and where.startswith("https://") else ""


def _request(address: str) -> bytes:
    root = ET.Element("Autodiscover", xmlns=REQUEST)
    request = ET.SubElement(root, "Request")
    ET.SubElement(request, "EMailAddress").text = address
    ET.SubElement(request, "AcceptableResponseSchema").text = RESPONSE
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _protocols(root: Element) -> Iterable[Element]:
    accounts = [account for response in root.all("Response") for account in response.all("Account")]
    entries = [entry for account in accounts for entry in account.all("Protocol")]
    return [entry for entry in entries if entry.get("Type").upper() in _PROTOCOLS][:MOST_PROTOCOLS]


def _server(query: Query, entry: Element) -> Server:
    protocol = _PROTOCOLS[entry.get("Type").upper()]
    host = checked_host(entry.get("Server"), query.allowed_suffixes)
    port = checked_port(entry.get("Port"), protocol)
    security = _security(entry, port)
    check_clash(protocol, port, security)
    username, template = username_of(_login_name(query, entry.get("LoginName")))
    return Server(protocol, host, port, security, username, username_template=template)


def _login_name(query: Query, text: str) -> str:
    """A login name for the made-up address as a template; one that does not show the address is unknown."""
    template = text
    for value, placeholder in ((LOCAL_PART, "%EMAILLOCALPART%"), (query.domain, "%EMAILDOMAIN%")):
        template = re.sub(re.escape(value), placeholder, template, flags=re.IGNORECASE)
    return template if not text or "%EMAIL" in template else "%UNKNOWN%"


def _security(entry: Element, port: int) -> Security:
    """`Encryption` takes precedence over `SSL`; neither means SSL; SSL on a STARTTLS port means STARTTLS."""
    match entry.get("Encryption").lower() or {"off": "none"}.get(entry.get("SSL").lower(), "ssl"):
        case "tls":
            return Security.TLS if port in _IMPLICIT else Security.STARTTLS
        case "ssl" | "auto":
            return Security.STARTTLS if port in (143, 110, 587) else Security.TLS
        case _:
            raise NotTaken(SkipReason.CLEAR_TEXT, entry.get("Encryption"))
