"""Reads a checkout of a public table of providers as servers by domain. What cannot be used is left out and counted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from guides.library.ispdb_reading import read_folder
from guides.library.public_tables import read_fact
from guides.mail.accounts import AddressError, Protocol, Server, domain_to_ascii
from guides.mail.discovery.xml import Element, XmlFault, read_xml

LONGEST_TABLE = 4 * 1024 * 1024  # bytes; the largest of these files has a tenth of it
_PROTOCOLS = frozenset(Protocol)


class TableFault(ValueError):  # noqa: N818
    """The path holds no such table; the message says why."""


@dataclass
class Checkout:
    """A table's servers by domain, and what it names that was left out."""

    name: str
    says_names: bool = True  # whether it says what the user name is
    servers: dict[str, list[Server]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, where: str, domains: Iterable[object], facts: Iterable[tuple[Protocol, str]]) -> None:
        """Take an entry's servers for its domains."""
        servers = []
        for protocol, fact in facts:
            server = read_fact(protocol, fact)
            if server is None:
                self.left_out.append(f"{where}: {protocol} {fact}"[:200])
            else:
                servers.append(server)
        for domain in domains:
            with suppress(AddressError):
                self.servers.setdefault(domain_to_ascii(str(domain)), []).extend(servers)


def read_ispdb(path: Path) -> Checkout:
    """Thunderbird's ISPDB: the folder with a file of autoconfig XML for each provider. Raises TableFault."""
    table = Checkout("ispdb")
    for file in read_folder(_folder(path)):
        if file.refused:
            table.left_out.append(f"{file.name}: {file.refused}")
        for domain in () if file.refused else file.domains:
            table.servers[domain] = list(file.servers)
    return table


def read_provider_db(path: Path) -> Checkout:
    """Delta Chat's provider-db: the repository, or its folder `_providers` of pages with a head in YAML."""
    table = Checkout("provider-db")
    folder = path / "_providers"
    for page in sorted(_folder(folder if folder.is_dir() else path).glob("*.md")):
        try:
            entry = yaml.safe_load(_content(page).decode("utf-8").split("---", 2)[1])
            facts = [
                (Protocol(str(each["type"]).lower()), _provider_db_fact(each)) for each in entry.get("server") or ()
            ]
            table.add(page.name, _list(entry.get("domains")), facts)
        except (TableFault, yaml.YAMLError, RecursionError, LookupError, TypeError, ValueError, AttributeError):
            table.left_out.append(f"{page.name}: it cannot be read")
    return table


def _provider_db_fact(server: Mapping[str, Any]) -> str:
    security = {"SSL": "tls", "STARTTLS": "starttls"}.get(str(server["socket"]).upper(), "none")
    pattern = str(server.get("username_pattern") or "EMAIL").upper()
    username = {"EMAIL": "address", "EMAILLOCALPART": "local_part"}.get(pattern, "address")
    return f"{server['hostname']}:{server['port']}:{security}:{username}"


def read_fairemail(path: Path) -> Checkout:
    """FairEmail's `providers.xml`; of its regular expressions for domains those that stand for one name."""
    table = Checkout("fairemail")
    try:
        root = read_xml(_content(path))
    except XmlFault as fault:
        raise TableFault(f"{path}: {fault.cause}") from None
    for provider in root.all("provider"):
        patterns = provider.attributes.get("domain", "").lower().split(",")
        domains = [text.replace(r"\.", ".") for text in patterns if re.fullmatch(r"(?:[a-z0-9-]|\\\.)+", text)]
        username = "local_part" if provider.attributes.get("user") == "local" else "address"
        facts = [
            (Protocol(server.name), f"{_fairemail_place(server)}:{username}")
            for server in provider.children
            if server.name in _PROTOCOLS
        ]
        table.add(provider.attributes.get("name", ""), domains, facts)
    return table


def _fairemail_place(server: Element) -> str:
    security = "starttls" if server.attributes.get("starttls") == "true" else "tls"
    return f"{server.attributes.get('host', '')}:{server.attributes.get('port', '')}:{security}"


def read_nodemailer(path: Path) -> Checkout:
    """Nodemailer's `services.json`: servers for sending only, without user names."""
    table = Checkout("nodemailer", says_names=False)
    content = _content(path)
    try:
        services = json.loads(content)
        entries = services.items()
    except (ValueError, RecursionError, AttributeError):
        raise TableFault(f"{path}: it is no JSON object") from None
    for name, entry in entries:
        if not isinstance(entry, dict) or not entry.get("domains"):
            continue
        security = "tls" if entry.get("secure") else "starttls"
        place = f"{entry.get('host', '')}:{entry.get('port', '')}:{security}"
        table.add(str(name), _list(entry["domains"]), [(Protocol.SMTP, place)])
    return table


READERS: Mapping[str, Callable[[Path], Checkout]] = {
    "ispdb": read_ispdb,
    "provider-db": read_provider_db,
    "fairemail": read_fairemail,
    "nodemailer": read_nodemailer,
}


def differences(ours: Mapping[str, Iterable[Server]], table: Checkout) -> Iterator[str]:
    """A line for each domain and protocol of which both know servers, and not one in common; and for user names."""
    for domain in sorted(ours.keys() & table.servers.keys()):
        for protocol in Protocol:
            here = _of(protocol, ours[domain], domain)
            there = _of(protocol, table.servers[domain], domain)
            common = here.keys() & there.keys()
            if there and not common:
                yield f"{domain} {protocol}: here {', '.join(here) or 'nothing'}; there {', '.join(there)}"
            for place in sorted(common) if table.says_names else ():
                if here[place] != there[place]:
                    yield f"{domain} {protocol} {place}: user name here {here[place]}; there {there[place]}"


def _of(protocol: Protocol, servers: Iterable[Server], domain: str) -> dict[str, str]:
    """Where a protocol's servers are, with the user name of each."""
    return {
        f"{server.host.replace('%EMAILDOMAIN%', domain)}:{server.port}:{server.security}": (
            server.username_template or server.username.value
        )
        for server in servers
        if server.protocol is protocol
    }


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise TableFault(f"{path}: there is no such folder")
    return path


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_TABLE + 1)
    except OSError as error:
        raise TableFault(f"{path}: it cannot be read: {error.strerror}") from None
    if len(content) > LONGEST_TABLE:
        raise TableFault(f"{path}: it is longer than {LONGEST_TABLE // 1024 // 1024} MB")
    return content


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
