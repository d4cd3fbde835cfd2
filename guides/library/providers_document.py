"""The part of `docs/providers.md` that is generated: each provider with its sources and what they disagree on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from guides.library.entries import ProviderEntry
from guides.library.public_settings import SHIPPED_TABLES
from guides.library.public_tables import read_fact
from guides.library.reading import SHIPPED, read_library
from guides.mail.accounts import Protocol, Server

BEGIN = "<!-- providers: written by `manage.py providers_document` -->"
END = "<!-- end of providers -->"
HEAD = (
    "| provider | domains | first servers | sure | checked | sources | doubts and disagreements |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def library_servers() -> dict[str, list[Server]]:
    """The servers of each domain in the shipped files: the providers', and those of public tables."""
    found: dict[str, list[Server]] = {}
    for entry in _public()["entries"]:
        facts = [
            (Protocol(protocol), fact) for protocol, _, fact in (s.partition(" ") for s in entry.get("servers", []))
        ]
        servers = [server for server in (read_fact(*fact) for fact in facts) if server is not None]
        found |= dict.fromkeys(entry["domains"], servers)
    for provider in providers():
        servers = [
            Server(s.protocol, s.host, s.port, s.security, s.username, username_template=s.username_template)
            for s in provider.servers
        ]
        found |= dict.fromkeys(provider.domains, servers)
    return found


def providers() -> tuple[ProviderEntry, ...]:
    """The shipped providers."""
    return read_library(SHIPPED)[0].providers


def document() -> str:
    """Markdown: the providers, and how many domains come from which public tables."""
    rows = "\n".join(map(_row, sorted(providers(), key=lambda provider: provider.slug)))
    return f"## Providers\n\n{HEAD}\n{rows}\n\n## Settings of public tables\n\n{_tables()}"


def _row(provider: ProviderEntry) -> str:
    domains = f"{len(provider.domains)}: {', '.join(provider.domains[:2])}" if provider.domains else "by MX only"
    servers = dict.fromkeys(f"{s.protocol} {s.host}:{s.port}" for s in _first_of_each(provider))
    cells = (
        provider.name,
        domains,
        _lines(servers) or "none",
        provider.confidence,
        provider.checked_on or "",
        _lines(provider.sources),
        _lines(provider.doubts) or "none noted",
    )
    return f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in cells)} |"


def _first_of_each(provider: ProviderEntry) -> list[Any]:
    first: dict[Protocol, Any] = {}
    for server in provider.servers:
        first.setdefault(server.protocol, server)
    return list(first.values())


def _lines(texts: Iterable[str]) -> str:
    return "<br>".join(text.replace("\n", " ").replace("<", "&lt;") for text in texts)


def _public() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(SHIPPED_TABLES.read_text(encoding="utf-8"))
    return content


def _tables() -> str:
    content = _public()
    total: Counter[str] = Counter()
    doubted: Counter[str] = Counter()
    for entry in content["entries"]:
        for source in entry["sources"]:
            total[source] += len(entry["domains"])
            doubted[source] += len(entry["domains"]) if entry.get("doubts") else 0
    rows = [f"| {words} | {total[name]} | {doubted[name]} |" for name, words in content["tables"].items()]
    return "| table | domains | of these, another table says something else |\n| --- | --- | --- |\n" + "\n".join(rows)
