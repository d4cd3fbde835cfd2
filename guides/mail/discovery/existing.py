"""Leaves out servers whose hosts do not exist: a file or an SRV record may be older than what it names."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from guides.mail.accounts import Protocol
from guides.mail.discovery.findings import Finding
from guides.mail.discovery.query import Query
from guides.mail.discovery.servers import Skipped, SkipReason
from guides.mail.network import DnsFailure, HostForbidden

_GONE = frozenset({"dns.nxdomain", "dns.no_address"})
MOST_HOSTS = 12  # of one finding; more than six protocols and encryptions with a fallback each


async def with_existing_hosts(query: Query, finding: Finding) -> Finding:
    """The finding without servers whose host has no address. One that cannot be resolved just now stays."""
    account = finding.account
    if account is None or account.provider is not None:  # the provider table's servers are its own
        return finding
    hosts = list(dict.fromkeys(server.host for server in account.servers))[:MOST_HOSTS]
    gone = {
        host
        for host, exists in zip(hosts, await asyncio.gather(*(_exists(query, h) for h in hosts)), strict=True)
        if not exists
    }
    if not gone:
        return finding
    skipped = [
        Skipped(server.protocol, SkipReason.NO_SUCH_HOST, server.host)
        for server in account.servers
        if server.host in gone
    ]
    left = tuple(server for server in account.servers if server.host not in gone)
    rest = replace(finding, skipped=(*finding.skipped, *dict.fromkeys(skipped)))
    if not any(server.protocol is not Protocol.SMTP for server in left):
        return replace(rest, account=None, error="no_server")
    return replace(rest, account=replace(account, servers=left))


async def _exists(query: Query, host: str) -> bool:
    try:
        await query.egress.resolve(host)
    except DnsFailure as failure:
        return failure.cause not in _GONE
    except HostForbidden:
        return True  # the portal may not reach it; whether it exists is not its business
    return True
