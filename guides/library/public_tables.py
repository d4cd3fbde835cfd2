"""Facts of public tables about one domain each, merged into settings-only entries with what the tables disagree about.

Facts have the form `{domain: {table: {"imap": ["host:port:security[:user name] [authentication]"], ...}}}`; the user
name is `address`, `local_part` or a template with autoconfig's placeholders. The entries are `guides/library/public/`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from guides.mail.accounts import AddressError, AuthMethod, Protocol, Security, Server, UsernameForm, domain_to_ascii
from guides.mail.discovery.servers import NotTaken, check_clash, checked_host, checked_port, ranked, username_of

# Which is asked first. The others were not kept up for years, and repeat older states of the first.
CURRENT = ("ispdb", "provider-db", "fairemail", "nodemailer")
OLD = ("mailspring", "mailcore", "k9")
_SECURITIES = {"tls": Security.TLS, "starttls": Security.STARTTLS}
_LOGINS = {"oauth2": AuthMethod.OAUTH2, "none": None}

Facts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PublicEntry:
    """What the tables say of domains with the same settings. Without servers: they know only unencrypted ones."""

    domains: tuple[str, ...]
    servers: tuple[Server, ...] = ()
    sources: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    is_doubtful: bool = False
    must_enable: bool = False


@dataclass
class _Said:
    """One table's servers of a domain, by protocol."""

    servers: dict[Protocol, list[Server]] = field(default_factory=dict)
    named: set[tuple[Protocol, str]] = field(default_factory=set)  # hosts with a user name of their own
    clear: list[str] = field(default_factory=list)  # unencrypted servers, as the table has them


def merged(facts: Facts, without: Iterable[str] = ()) -> list[PublicEntry]:
    """An entry for each group of domains with equal settings, doubts and sources; none for domains in `without`."""
    known = frozenset(without)
    groups: dict[PublicEntry, list[str]] = {}
    for domain, tables in sorted(facts.items()):
        with suppress(AddressError):
            name = domain_to_ascii(domain)
            entry = None if name in known else _entry(tables)
            if entry is not None:
                groups.setdefault(entry, []).append(name)
    entries = (replace(entry, domains=tuple(domains)) for entry, domains in groups.items())
    return sorted(entries, key=lambda entry: entry.domains)


def _entry(tables: Mapping[str, Any]) -> PublicEntry | None:
    said = {table: _said(tables[table]) for table in (*CURRENT, *OLD) if table in tables}
    chosen: list[Server] = []
    sources: dict[str, None] = {}
    doubts: list[str] = []
    is_doubtful = False
    for protocol in Protocol:
        offers = {table: each.servers[protocol] for table, each in said.items() if protocol in each.servers}
        current = {table: servers for table, servers in offers.items() if table in CURRENT}
        voices = current or offers
        if not voices:
            continue
        hosts = Counter(servers[0].host for servers in voices.values())
        # The first of equals is the most trusted table's: a counter keeps the order in which it met them.
        table = next(table for table, servers in voices.items() if servers[0].host == hosts.most_common(1)[0][0])
        best = [_named(server, table, said) for server in voices[table]]
        chosen += best
        places = {(server.host, server.port, server.security) for server in best}
        sources |= dict.fromkeys(t for t, servers in offers.items() if servers[0].host == best[0].host)
        doubts += [
            f"{other}: {_text(servers[0])}"
            for other, servers in offers.items()
            if (servers[0].host, servers[0].port, servers[0].security) not in places
        ]
        is_doubtful |= not current or len(hosts) > 1
    if not any(server.protocol is not Protocol.SMTP for server in chosen):
        clear = [f"{table}: {text}" for table, each in said.items() for text in each.clear if table in CURRENT]
        receives = any(": smtp " not in text for text in clear)
        return PublicEntry((), (), tuple(t for t in said if t in CURRENT), tuple(clear)) if receives else None
    flags = tables.get("fairemail", {}).get("flags") or []
    doubts += ["fairemail: app password"] if "appPassword" in flags else []
    doubts += ["provider-db: broken"] if tables.get("provider-db", {}).get("status") == "BROKEN" else []
    must_enable = bool(tables.get("ispdb", {}).get("must_be_switched_on"))
    return PublicEntry((), ranked(chosen), tuple(sources), tuple(doubts), is_doubtful, must_enable)


def _said(table: Mapping[str, Any]) -> _Said:
    said = _Said()
    for protocol in Protocol:
        for text in table.get(protocol, []):
            if ":none" in text:
                said.clear.append(f"{protocol} {text.split(' ')[0]}")
            server = read_fact(protocol, text)
            others = said.servers.get(protocol, [])
            if server is None or any((server.host, server.port) == (each.host, each.port) for each in others):
                continue
            said.servers[protocol] = [*others, server]
            if text.split(" ")[0].count(":") > 2:
                said.named.add((protocol, server.host))
    return said


def read_fact(protocol: Protocol, text: str) -> Server | None:
    """A server from a table's fact; None for one that is not handed on (unencrypted, port 25, a clash)."""
    place, _, logins = text.partition(" ")
    host, port, security, username, *_ = (*place.split(":", 3), "", "", "")
    auth = tuple(dict.fromkeys(_LOGINS.get(word.lower(), AuthMethod.PASSWORD) for word in logins.split(",")))
    if security not in _SECURITIES or None in auth:
        return None
    try:
        number = checked_port(port, protocol)
        check_clash(protocol, number, _SECURITIES[security])
        name = checked_host(host.replace("%EMAILDOMAIN%", "placeholder-for-the.domain"))
    except NotTaken:
        return None
    form, template = {
        "": (UsernameForm.ADDRESS, ""),
        "address": (UsernameForm.ADDRESS, ""),
        "local_part": (UsernameForm.LOCAL_PART, ""),
    }.get(username) or username_of(username)
    host = name.replace("placeholder-for-the.domain", "%EMAILDOMAIN%")
    methods = tuple(method for method in (AuthMethod.OAUTH2, AuthMethod.PASSWORD) if method in auth)
    return Server(protocol, host, number, _SECURITIES[security], form, methods, template)


def _named(server: Server, table: str, said: Mapping[str, _Said]) -> Server:
    """A server with the user name of another table that knows its host, where its own table names none."""
    if (server.protocol, server.host) in said[table].named:
        return server
    for other in said.values():
        if (server.protocol, server.host) in other.named:
            known = next(s for s in other.servers[server.protocol] if s.host == server.host)
            return replace(server, username=known.username, username_template=known.username_template)
    return server


def as_fact(server: Server) -> str:
    """A server in the form that `read_fact` reads."""
    username = server.username_template or str(server.username)
    return f"{server.host}:{server.port}:{server.security}:{username} {','.join(server.auth)}"


def _text(server: Server) -> str:
    return f"{server.protocol} {server.host}:{server.port}:{server.security}"
