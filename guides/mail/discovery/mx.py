"""A source: the best mail exchanger. It identifies the hosting provider, which may publish settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from guides.mail.accounts import Account
from guides.mail.discovery.files import from_address
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.names import is_forwarder, is_gateway, is_public_suffix, is_within, registrable_domain
from guides.mail.discovery.query import Query
from guides.mail.network import DnsFailure, HostForbidden, MxRecord, RecordSet, check_host

MOST_EXCHANGERS = 10


async def mx(query: Query) -> Finding:
    """Use the best exchanger: the provider with a matching suffix, else `autoconfig.` below its domains."""
    base = Finding(ConfigSource.MX, trust=Trust.MEDIUM, by_dns_alone=True)
    try:
        records = await query.egress.query(query.domain, "MX")
    except (DnsFailure, HostForbidden) as failure:
        return replace(base, error=failure.cause if isinstance(failure, DnsFailure) else "host")
    best = next((record.host for record in records.found if isinstance(record, MxRecord)), None)
    if best is None:
        return replace(base, error="no_record")
    if not best:  # RFC 7505
        return replace(base, error="no_mail")
    try:
        host = check_host(best, query.allowed_suffixes)
    except HostForbidden:
        return replace(base, error="host")
    base = replace(base, origin=host, exchangers=_public(query, records))
    slug = by_suffix(host, query.mx_suffixes)
    if slug is not None:
        return replace(base, account=Account(domain=query.domain, provider=slug))
    if is_forwarder(host):
        return replace(base, error="forwarding")
    if is_gateway(host):
        return replace(base, error="gateway")
    if is_within(host, query.domain):  # the domain's own files are other sources
        return replace(base, error="own_host")
    candidates = domains_of(host)
    files = [
        from_address(query, f"https://autoconfig.{name}/mail/config-v1.1.xml", ConfigSource.MX, Trust.MEDIUM)
        for name in candidates
    ]
    answers = await asyncio.gather(*files)
    best_answer = next((answer for answer in answers if answer.found), None)
    if best_answer is not None:
        return replace(best_answer, by_dns_alone=True, hints=candidates, exchangers=base.exchangers)
    errors = [answer.error for answer in answers]
    error = next((error for error in errors if error != "dns.nxdomain"), "not_there")
    return replace(base, error=error, hints=candidates)


async def exchangers(query: Query) -> tuple[str, ...] | None:
    """Only the domain's mail exchangers, without settings. None when the DNS query fails."""
    try:
        return _public(query, await query.egress.query(query.domain, "MX"))
    except HostForbidden:
        return ()
    except DnsFailure as failure:
        return () if failure.cause == "dns.nxdomain" else None


def _public(query: Query, records: RecordSet) -> tuple[str, ...]:
    """The exchangers with a public host name."""
    hosts = []
    for record in records.found[:MOST_EXCHANGERS]:
        if isinstance(record, MxRecord) and record.host:
            with suppress(HostForbidden):
                hosts.append(check_host(record.host, query.allowed_suffixes))
    return tuple(hosts)


def by_suffix(host: str, suffixes: Mapping[str, str]) -> str | None:
    """The provider with the longest suffix that matches a mail exchanger."""
    parts = host.split(".")
    names = (".".join(parts[start:]) for start in range(len(parts)))
    return next((suffixes[name] for name in names if name in suffixes), None)


def domains_of(host: str) -> tuple[str, ...]:
    """The exchanger's name without its first label, and its registrable domain; never a public suffix."""
    registered = registrable_domain(host)
    if is_public_suffix(registered):
        return ()
    parent = host.partition(".")[2]
    return tuple(name for name in dict.fromkeys((parent, registered)) if name == registered or is_within(name, host))
