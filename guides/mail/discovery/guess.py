"""A source: the usual names. Only implicit TLS counts, with a certificate that names the host."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.limits import ChannelFault
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.query import Query
from guides.mail.network import DnsFailure, HostForbidden

NAMES = {
    Protocol.IMAP: ("imap.", "mail.", ""),
    Protocol.POP3: ("pop.", "pop3.", "mail.", ""),
    Protocol.SMTP: ("smtp.", "mail.", ""),
}
PORTS = {Protocol.IMAP: 993, Protocol.POP3: 995, Protocol.SMTP: 465}


async def guess(query: Query) -> Finding:
    """For each protocol, the first of the usual names that answers with TLS and a valid certificate."""
    tries = {
        protocol: [asyncio.create_task(_answers(query, f"{name}{query.domain}", PORTS[protocol])) for name in names]
        for protocol, names in NAMES.items()
    }
    try:
        servers = [server for protocol, tasks in tries.items() if (server := await _first(query, protocol, tasks))]
    finally:
        for tasks in tries.values():
            for task in tasks:
                task.cancel()
        await asyncio.gather(*(task for tasks in tries.values() for task in tasks), return_exceptions=True)
    base = Finding(ConfigSource.GUESS, trust=Trust.LOW)
    if not any(server.protocol is not Protocol.SMTP for server in servers):
        return replace(base, error="no_server")
    return replace(base, account=query.account(tuple(servers)), origin=servers[0].host)


async def _first(query: Query, protocol: Protocol, tasks: list[asyncio.Task[bool]]) -> Server | None:
    """The first name in order that works, not the fastest, so that the result does not depend on timing."""
    for name, task in zip(NAMES[protocol], tasks, strict=True):
        if await task:
            return Server(protocol, f"{name}{query.domain}", PORTS[protocol], Security.TLS)
    return None


async def _answers(query: Query, host: str, port: int) -> bool:
    egress = query.egress
    try:
        resolution = await egress.resolve(host)
        channel = await egress.connect(resolution, port)
    except (HostForbidden, DnsFailure, ChannelFault):
        return False
    try:
        await channel.start_tls(host, egress.tls_context(), egress.limits.tls, starttls=False)
    except ChannelFault:
        return False
    finally:
        channel.close()
    return True
