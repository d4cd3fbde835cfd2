"""The facts of public tables that the portal ships (`public/settings.json`): settings-only entries for many domains.

They hold host names, ports, encryption and user names with their sources; no file of another project. A line of the
file is an entry, so that a change of one shows as one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from guides.library.ispdb_import import ImportReport, load_shipped
from guides.library.ispdb_reading import ReadFile
from guides.library.public_tables import PublicEntry, as_fact, read_fact
from guides.mail.accounts import Protocol

SHIPPED_TABLES = Path(__file__).resolve().parent / "public" / "settings.json"
PREFIX = "public:"  # of the entries' names, which no imported file has


def load_public_settings(path: Path = SHIPPED_TABLES) -> ImportReport:
    """Load the shipped entries into the database; what staff changed stays."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return load_shipped([_read(entry, content["tables"]) for entry in content["entries"]])


def _read(entry: dict[str, list[str]], tables: dict[str, str]) -> ReadFile:
    servers = []
    for text in entry.get("servers", []):
        protocol, _, fact = text.partition(" ")
        server = read_fact(Protocol(protocol), fact)
        if server is None:
            raise ValueError(f"public settings of {entry['domains'][0]}: {text}")
        servers.append(server)
    return ReadFile(
        name=f"{PREFIX}{entry['domains'][0]}",
        domains=tuple(entry["domains"]),
        servers=tuple(servers),
        must_enable=bool(entry.get("must_enable")),
        sources="\n".join(tables[name] for name in entry["sources"]),
        doubts="\n".join(entry.get("doubts", [])),
        is_doubtful=bool(entry.get("doubtful")),
    )


def written(entries: Iterable[PublicEntry], tables: dict[str, str]) -> str:
    """The file for entries; `tables` says of each table where and when it was read."""
    lines = ",\n".join(json.dumps(_plain(entry), ensure_ascii=False) for entry in entries)
    return f'{{"tables": {json.dumps(tables, ensure_ascii=False, indent=1)},\n"entries": [\n{lines}\n]}}\n'


def _plain(entry: PublicEntry) -> dict[str, object]:
    plain: dict[str, object] = {
        "domains": entry.domains,
        "servers": [f"{server.protocol} {as_fact(server)}" for server in entry.servers],
        "sources": entry.sources,
        "doubts": entry.doubts,
        "must_enable": entry.must_enable,
        "doubtful": entry.is_doubtful,
    }
    return {key: value for key, value in plain.items() if value}
