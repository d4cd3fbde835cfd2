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

from guides.mail.accounts import AddressError, Protocol, Security, Server, domain_to_ascii
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
from guides.mail.network import DnsFailure, FetchFailure, HostForbidden, SrvRecord

REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
LOCAL_PART = "settings"  # of the made-up address
PATH = "/autodiscover/autodiscover.xml"
HTTPS = 443
MOST_HOPS = 3
MOST_PROTOCOLS = 20
_PROTOCOLS = {"IMAP": Protocol.IMAP, "POP3": Protocol.POP3, "SMTP": Protocol.SMTP}
_IMPLICIT = frozenset({993, 995, 465})


async def autodiscover(query: Query) -> Finding:
    """Ask POX at `autodiscover.D`, at D and where SRV points, and v2 at `autodiscover.D`, all at the same time."""
    host = f"autodiscover.{query.domain}"
    pox, root, named, hosted = await asyncio.gather(
        _pox(query, host), _pox(query, query.domain), _by_srv(query), _v2(query, host)
    )
    found = next((finding for finding in (pox, root, named) if finding.found), None)
    if found is not None:
        return found
    return replace(pox, error="exchange", origin=hosted) if hosted else pox


async def _by_srv(query: Query) -> Finding:
    """Ask the target of `_autodiscover._tcp`. DNS alone names it: a foreign server needs the visitor's confirmation."""
    base = Finding(ConfigSource.AUTODISCOVER, error="no_record")
    try:
        records = await query.egress.query(f"_autodiscover._tcp.{query.domain}", "SRV")
    except (DnsFailure, HostForbidden):
        return base
    target = next((each for each in records.found if isinstance(each, SrvRecord) and each.target), None)
    if target is None or target.port != HTTPS:
        return base
    return replace(await _pox(query, target.target), by_dns_alone=True)


async def _pox(query: Query, host: str) -> Finding:
    """Ask one host, and follow at most `MOST_HOPS` answers that send on; each hop is a request of its own."""
    url, domain = f"https://{host}{PATH}", query.domain
    for _hop in range(MOST_HOPS):
        finding, root = await _asked(query, url, domain)
        if root is None or finding.found:
            return finding
        sent_on = _sent_on(root)
        if sent_on is None:
            return finding
        url, domain = sent_on[0] or url, sent_on[1] or domain
    return replace(finding, error="fetch.redirects")


def _sent_on(root: Element) -> tuple[str, str] | None:
    """The URL, or the URL and domain, that an answer without settings sends on to (`redirectUrl`, `redirectAddr`)."""
    accounts = [account for response in root.all("Response") for account in response.all("Account")]
    for account in accounts:
        url, address = account.get("RedirectUrl"), account.get("RedirectAddr")
        if url:
            return url, ""
        if address:
            try:
                domain = domain_to_ascii(address.rpartition("@")[2])
            except AddressError:
                return None
            return f"https://autodiscover.{domain}{PATH}", domain
    return None


async def _asked(query: Query, url: str, domain: str) -> tuple[Finding, Element | None]:
    """The finding of one request, with the answer's XML where there is one."""
    base = Finding(ConfigSource.AUTODISCOVER, trust=Trust.MEDIUM, origin=url)
    try:
        answer = await query.egress.fetch(url, body=_request(f"{LOCAL_PART}@{domain}"), media_type="text/xml")
    except FetchFailure as failure:
        return replace(base, error=failure.cause), None
    if answer.status == 401:
        return replace(base, error="wants_password"), None
    if answer.status != 200:
        error = "not_there" if answer.status in NOT_THERE else f"http_{answer.status}"
        return replace(base, error=error), None
    try:
        root = read_xml(answer.body)
    except XmlFault as fault:
        return replace(base, error=fault.cause), None
    servers: list[Server] = []
    skipped = []
    for entry in _protocols(root):
        try:
            servers.append(_server(query, entry))
        except NotTaken as fault:
            skipped.append(Skipped(shown(entry.get("Type")), fault.why, fault.detail))
    base = replace(base, skipped=tuple(skipped))
    if not any(server.protocol is not Protocol.SMTP for server in servers):
        return replace(base, error="no_server"), root
    return replace(base, account=query.account(tuple(servers))), root


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
