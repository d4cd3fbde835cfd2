"""Parsing autoconfig files (draft-ietf-mailmaint-autoconfig; formats 1.1 and 1.2, and common deviations).

Tolerant: an invalid server is left out and reported, the valid ones are kept; unknown elements are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from guides.mail.accounts import Address, AuthMethod, Protocol, Security, Server, domain_to_ascii
from guides.mail.accounts import AddressError as _AddressError
from guides.mail.discovery.servers import (
    USUAL,
    NotTaken,
    Skipped,
    SkipReason,
    check_clash,
    checked_host,
    checked_port,
    ranked,
    shown,
    username_of,
    without_unusual,
)
from guides.mail.discovery.xml import Element, XmlFault, read_xml

DOMAIN_PLACEHOLDER = "%EMAILDOMAIN%"
MOST_SERVERS = 30
LONGEST_LINK = 300

_STAND_IN = "placeholder-for-the.domain"  # inserted to check a host name that contains a placeholder
_PROTOCOLS = {"imap": Protocol.IMAP, "pop3": Protocol.POP3, "smtp": Protocol.SMTP}
_SECURITIES = {"ssl": Security.TLS, "starttls": Security.STARTTLS}
_CLEAR = frozenset({"plain", "none", "clear", ""})
_AUTH = {
    "password-cleartext": AuthMethod.PASSWORD,
    "password-encrypted": AuthMethod.PASSWORD,
    "plain": AuthMethod.PASSWORD,  # the old names of the two
    "secure": AuthMethod.PASSWORD,
    "oauth2": AuthMethod.OAUTH2,
}


class ConfigFault(ValueError):  # noqa: N818
    """A file has no settings. `cause`: xml, xml_dtd, xml_size, no_client_config, no_provider."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True)
class ParsedConfig:
    """The content of a file. If it was parsed without a domain, hosts may contain `%EMAILDOMAIN%`: see `for_domain`."""

    name: str = ""  # the provider's display name
    version: str = ""
    domains: tuple[str, ...] = ()  # A-labels
    bad_domains: tuple[str, ...] = ()  # invalid entries among the domains: untrusted text, cut
    servers: tuple[Server, ...] = ()  # best first
    skipped: tuple[Skipped, ...] = ()
    must_enable: bool = False
    enable_url: str = ""
    documentation_url: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether it has a server for receiving mail."""
        return any(server.protocol is not Protocol.SMTP for server in self.servers)

    @property
    def needs_address(self) -> bool:
        """Whether a server was left out because the address is needed."""
        return any(skipped.why is SkipReason.NEEDS_ADDRESS for skipped in self.skipped)

    def for_domain(self, domain: str) -> tuple[Server, ...]:
        """The servers with the domain (A-labels) filled in."""
        return tuple(replace(server, host=_with_domain(server.host, domain)) for server in self.servers)


def parse_client_config(
    xml: bytes, *, domain: str = "", address: Address | None = None, allowed_suffixes: Iterable[str] = ()
) -> ParsedConfig:
    """Read a file, for a domain (A-labels) or an address when one is given. Raises ConfigFault."""
    try:
        root = read_xml(xml)
    except XmlFault as fault:
        raise ConfigFault(fault.cause) from None
    if root.name.lower() != "clientconfig":
        raise ConfigFault("no_client_config")
    providers = root.all("emailProvider")
    if not providers:
        raise ConfigFault("no_provider")
    reader = _ConfigParser(address.domain if address else domain, address, tuple(allowed_suffixes))
    configs = [reader.provider(element, root) for element in providers]
    return next((config for config in configs if config.is_usable), configs[0])


@dataclass(frozen=True)
class _ConfigParser:
    """Parses a file for a domain or an address, if given."""

    domain: str
    address: Address | None
    allowed_suffixes: tuple[str, ...]

    def provider(self, element: Element, root: Element) -> ParsedConfig:
        """One `emailProvider`."""
        servers: list[Server] = []
        skipped: list[Skipped] = []
        entries = [*element.all("incomingServer"), *element.all("outgoingServer")]
        for entry in entries[:MOST_SERVERS]:
            kind = entry.attributes.get("type", "").strip().lower()
            try:
                server = self._server(entry, kind)
                if any((server.protocol, server.host, server.port) == (s.protocol, s.host, s.port) for s in servers):
                    raise NotTaken(SkipReason.TWICE, f"{server.host}:{server.port}")
            except NotTaken as fault:
                skipped.append(Skipped(shown(f"{entry.name} {kind}".strip()), fault.why, fault.detail))
            else:
                servers.append(server)
        servers, clashes = without_unusual(servers, "outgoingServer smtp")
        enable = element.all("enable")
        domains, bad_domains = _domains(element)
        return ParsedConfig(
            name=shown(element.get("displayName") or element.get("displayShortName")),
            version=shown(root.attributes.get("version", "")),
            domains=domains,
            bad_domains=bad_domains,
            servers=ranked(servers),
            skipped=(*skipped, *clashes),
            must_enable=bool(enable),
            enable_url=_link(enable[0].attributes.get("visiturl", "")) if enable else "",
            documentation_url=next(
                (link for page in element.all("documentation") if (link := _link(page.attributes.get("url", "")))), ""
            ),
        )

    def _server(self, entry: Element, kind: str) -> Server:
        protocol = _PROTOCOLS.get(kind)
        if protocol is None or (protocol is Protocol.SMTP) != (entry.name.lower() == "outgoingserver"):
            raise NotTaken(SkipReason.PROTOCOL, kind)
        host = self._host(entry.get("hostname"))
        port = checked_port(entry.get("port"), protocol)
        security = _security([each.text for each in entry.all("socketType")], port)
        check_clash(protocol, port, security)
        username, template = username_of(entry.get("username"), self.address)
        return Server(
            protocol=protocol,
            host=host,
            port=port,
            security=security,
            username=username,
            auth=_auth([method.text for method in entry.all("authentication")]),
            username_template=template,
        )

    def _host(self, text: str) -> str:
        """A host name with its placeholders replaced; `%EMAILDOMAIN%` stays when no domain is known."""
        if self.address is not None:
            text = _replace(text, "%EMAILLOCALPART%", self.address.local_part)
        elif "%EMAILLOCALPART%" in text.upper():
            raise NotTaken(SkipReason.NEEDS_ADDRESS, text)
        filled = _with_domain(text, self.domain or _STAND_IN)
        if "%" in filled:
            raise NotTaken(SkipReason.PLACEHOLDER, text)
        host = checked_host(filled, self.allowed_suffixes)
        return host if self.domain else host.replace(_STAND_IN, DOMAIN_PLACEHOLDER)


def _replace(text: str, placeholder: str, value: str) -> str:
    return re.sub(re.escape(placeholder), lambda _match: value, text, flags=re.IGNORECASE)


def _with_domain(text: str, domain: str) -> str:
    return _replace(text, DOMAIN_PLACEHOLDER, domain)


def _security(texts: list[str], port: int) -> Security:
    """The first encryption that is known: a file may name newer kinds before it."""
    kinds = [text.strip().lower() for text in texts] or [""]
    for kind in kinds:
        if kind in _SECURITIES:
            return _SECURITIES[kind]
        if kind == "tls" and port in USUAL:  # used for either kind; the port tells which
            return USUAL[port][1]
    raise NotTaken(SkipReason.CLEAR_TEXT if kinds[0] in _CLEAR else SkipReason.SECURITY, texts[0] if texts else "")


def _auth(texts: list[str]) -> tuple[AuthMethod, ...]:
    """The authentication methods in the file's order; a password when it names none."""
    known = dict.fromkeys(_AUTH[text.strip().lower()] for text in texts if text.strip().lower() in _AUTH)
    if texts and not known:
        raise NotTaken(SkipReason.AUTHENTICATION, ", ".join(texts))
    return tuple(known) or (AuthMethod.PASSWORD,)


def _domains(element: Element) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The valid domains of a file and the invalid entries. The file may also apply to other domains."""
    found, bad = [], []
    for text in [entry.text for entry in element.all("domain")]:
        try:
            found.append(domain_to_ascii(text))
        except _AddressError:
            bad.append(shown(text))
    return tuple(dict.fromkeys(found)), tuple(bad)


def _link(text: str) -> str:
    """An https URL, or ""."""
    link = text.strip()
    return link if link.startswith("https://") and len(link) <= LONGEST_LINK and link.isprintable() else ""
