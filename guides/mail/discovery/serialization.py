"""A discovery as JSON: the format of `discover --json` and of `/<lang>/settings/<domain>.json`."""

from __future__ import annotations

from typing import Any

from guides.mail.accounts import Server
from guides.mail.discovery.findings import ConfigSource, Discovery, Finding, Remark


def as_record(discovery: Discovery) -> dict[str, Any]:
    """A discovery as plain values for JSON, without the address."""
    account = discovery.account
    heard = {finding.source: finding for finding in discovery.findings}
    return {
        "domain": discovery.domain,
        "provider": account.provider,
        "servers": [_server(server) for server in account.servers],
        "password": str(account.password),
        "sources": [_source(discovery, source, heard.get(source)) for source in ConfigSource],
        "confirm": discovery.confirm,
        "warnings": [_warning(remark) for remark in discovery.warnings],
    }


def _server(server: Server) -> dict[str, Any]:
    return {
        "protocol": str(server.protocol),
        "host": server.host,
        "port": server.port,
        "security": str(server.security),
        "username": str(server.username),
        "auth": [str(method) for method in server.auth],
        **({"username_template": server.username_template} if server.username_template else {}),
    }


def _source(discovery: Discovery, source: ConfigSource, finding: Finding | None) -> dict[str, Any]:
    if finding is None:
        # Sources without network access have no finding for an unknown domain; the provider table ends the search.
        by_table = discovery.winner is not None and discovery.winner.source is ConfigSource.TABLE
        is_offline = source in (ConfigSource.TABLE, ConfigSource.ISPDB)
        error = "not_listed" if is_offline and not by_table else "not_asked"
        return {"name": str(source), "found": False, "trust": None, "error": error}
    found = finding.found or finding is discovery.winner
    record: dict[str, Any] = {
        "name": str(source),
        "found": found,
        "trust": str(finding.trust) if found else None,
        "error": finding.error or None,
    }
    if finding.doubts:
        record["doubts"] = list(finding.doubts)
    differs = [difference for difference in discovery.differences if difference.source is source]
    if differs:
        record["differs"] = [_server(difference.server) for difference in differs]
    return record


def _warning(remark: Remark) -> str:
    parts = [remark.kind, str(remark.source or ""), remark.detail]
    return ": ".join(part for part in parts if part)
