"""A source: SRV records of mail services (RFC 6186, RFC 8314 section 5.1)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.names import is_within
from guides.mail.discovery.query import Query
from guides.mail.discovery.servers import NotTaken, Skipped, SkipReason, check_clash, checked_host, checked_port
from guides.mail.network import DnsFailure, HostForbidden, RecordSet, SrvRecord

SERVICES = {
    "_imaps": (Protocol.IMAP, Security.TLS),
    "_imap": (Protocol.IMAP, Security.STARTTLS),
    "_pop3s": (Protocol.POP3, Security.TLS),
    "_pop3": (Protocol.POP3, Security.STARTTLS),
    "_submissions": (Protocol.SMTP, Security.TLS),
    "_submission": (Protocol.SMTP, Security.STARTTLS),
}
MOST_TARGETS = 2  # per service; further ones are for failover, which a mail client does by itself


@dataclass(frozen=True)
class _Service:
    """The result of one service's query."""

    servers: tuple[Server, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    error: str = ""
    is_absent: bool = False  # the record's target is ".": not offered


async def srv(query: Query) -> Finding:
    """Query all services concurrently."""
    services = await asyncio.gather(*(_service(query, name) for name in SERVICES))
    servers = tuple(server for service in services for server in service.servers)
    skipped = tuple(entry for service in services for entry in service.skipped)
    base = Finding(ConfigSource.SRV, by_dns_alone=True, skipped=skipped, origin=f"_imaps._tcp.{query.domain}")
    if not any(server.protocol is not Protocol.SMTP for server in servers):
        if any(service.is_absent for service in services):
            return replace(base, error="not_offered")
        errors = [service.error for service in services if service.error not in ("", "no_record")]
        return replace(base, error="no_server" if servers or skipped else errors[0] if errors else "no_record")
    is_own = all(is_within(server.host, query.domain) for server in servers)
    return replace(base, account=query.account(servers), trust=Trust.MEDIUM if is_own else Trust.LOW)


async def _service(query: Query, name: str) -> _Service:
    try:
        records = await query.egress.query(f"{name}._tcp.{query.domain}", "SRV")
    except DnsFailure as failure:
        return _Service(error="no_record" if failure.cause == "dns.nxdomain" else failure.cause)
    except HostForbidden:  # too long with the service labels
        return _Service(error="no_record")
    return _read(query, name, records)


def _read(query: Query, name: str, records: RecordSet) -> _Service:
    protocol, security = SERVICES[name]
    servers: list[Server] = []
    skipped = []
    targets = [record for record in records.found if isinstance(record, SrvRecord)]
    if not targets:
        return _Service(error="no_record")
    if not any(record.target for record in targets):
        return _Service(is_absent=True)
    for record in targets:
        if not record.target or len(servers) == MOST_TARGETS:
            continue
        try:
            port = checked_port(str(record.port), protocol)
            check_clash(protocol, port, security)
            host = checked_host(record.target, query.allowed_suffixes)
            if host == f"{name}._tcp.{query.domain}":
                raise NotTaken(SkipReason.HOST, host)
        except NotTaken as fault:
            skipped.append(Skipped(name, fault.why, fault.detail))
        else:
            servers.append(Server(protocol, host, port, security))
    return _Service(tuple(servers), tuple(skipped))
