"""A source: PACC (draft-ietf-mailmaint-pacc-02), a JSON file whose digest is published in the DNS.

Its servers use implicit TLS on the standard ports, and the user name is the address.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

from guides.mail.accounts import AuthMethod, Protocol, Security, Server
from guides.mail.discovery.files import NOT_THERE
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.query import Query
from guides.mail.discovery.servers import NotTaken, Skipped, checked_host, shown
from guides.mail.network import DnsFailure, FetchFailure, HostForbidden, TxtRecord

# The drafts used two keys for sending.
_KEYS = (
    ("imap", Protocol.IMAP, 993),
    ("pop3", Protocol.POP3, 995),
    ("submit", Protocol.SMTP, 465),
    ("smtp", Protocol.SMTP, 465),
)


async def pacc(query: Query) -> Finding:
    """Fetch the file, without redirects, and the digest; without a matching digest the file is rejected."""
    url = f"https://ua-auto-config.{query.domain}/.well-known/user-agent-configuration.json"
    base = Finding(ConfigSource.PACC, trust=Trust.HIGH, origin=url)
    async with asyncio.TaskGroup() as group:
        digests = group.create_task(_digests(query))
        fetching = group.create_task(_fetch(query, url))
    body = fetching.result()
    if isinstance(body, str):
        return replace(base, error=body)
    known = digests.result()
    if not known:
        return replace(base, error="no_digest")
    actual = hashlib.sha256(body).digest()
    if not any(hmac.compare_digest(actual, digest) for digest in known):
        return replace(base, error="wrong_digest")
    try:
        config = json.loads(body)
    except (ValueError, RecursionError):
        return replace(base, error="json")
    return _read(query, config, base)


async def _fetch(query: Query, url: str) -> bytes | str:
    """The file, or the cause of the failure."""
    try:
        answer = await query.egress.fetch(url, redirects=0)
    except FetchFailure as failure:
        return failure.cause
    if answer.status != 200:
        return "not_there" if answer.status in NOT_THERE else f"http_{answer.status}"
    return answer.body


async def _digests(query: Query) -> list[bytes]:
    """The SHA-256 digests in the DNS: `v=UAAC1; a=sha256; d=...`. There may be several while the file changes."""
    try:
        records = await query.egress.query(f"_ua-auto-config.{query.domain}", "TXT")
    except (DnsFailure, HostForbidden):
        return []
    found = []
    for record in records.found:
        if not isinstance(record, TxtRecord):
            continue
        tags = {
            name.strip().lower(): value.strip() for name, _, value in (p.partition("=") for p in record.text.split(";"))
        }
        if tags.get("v") == "UAAC1" and tags.get("a", "").lower() == "sha256":
            try:
                found.append(base64.b64decode(tags.get("d", ""), validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


def _read(query: Query, config: Any, base: Finding) -> Finding:
    protocols = config.get("protocols") if isinstance(config, dict) else None
    if not isinstance(protocols, dict):
        return replace(base, error="json")
    methods = _methods(config.get("authentication"))
    servers: dict[Protocol, Server] = {}
    skipped = []
    for key, protocol, port in _KEYS:
        entry = protocols.get(key)
        if not isinstance(entry, dict) or protocol in servers:
            continue
        try:
            host = checked_host(str(entry.get("host", "")), query.allowed_suffixes)
        except NotTaken as fault:
            skipped.append(Skipped(key, fault.why, fault.detail))
        else:
            servers[protocol] = Server(protocol, host, port, Security.TLS, auth=methods)
    base = replace(base, skipped=tuple(skipped))
    if not servers.keys() - {Protocol.SMTP}:
        return replace(base, error="no_server")
    return replace(base, account=query.account(tuple(servers.values()), _name(config)))


def _methods(authentication: Any) -> tuple[AuthMethod, ...]:
    if not isinstance(authentication, dict):
        return (AuthMethod.PASSWORD,)
    methods = [AuthMethod.OAUTH2] if authentication.get("oauth-public") else []
    if authentication.get("password") or not methods:
        methods.append(AuthMethod.PASSWORD)
    return tuple(methods)


def _name(config: dict[str, Any]) -> str:
    info = config.get("info")
    provider = info.get("provider") if isinstance(info, dict) else None
    name = provider.get("name") if isinstance(provider, dict) else None
    return shown(name) if isinstance(name, str) else ""
