"""Outbound network access with SSRF protection: check the name, resolve it once, check every address, connect.

Connections are made to a checked address. The name is used only for SNI and certificate checks, so a later DNS answer
(DNS rebinding) changes nothing. No other module opens a socket or resolves a name (an import-linter contract).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from time import monotonic

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from guides.mail import net_connect, net_fetch, net_own, net_records
from guides.mail.certificates import CertificateSummary, NotACertificate, describe
from guides.mail.connection.channel import Channel
from guides.mail.connection.limits import ChannelFault, Limits
from guides.mail.net_fetch import Fetched, FetchFailure
from guides.mail.net_own import family_of
from guides.mail.net_records import (
    CnameRecord,
    DnsFailure,
    MxRecord,
    RecordKind,
    RecordSet,
    SrvRecord,
    TxtRecord,
    cause_of,
    check_record_name,
)
from guides.mail.single_flight import SingleFlight
from guides.mail.vetting import (
    MAIL_PORTS,
    HostForbidden,
    IPAddress,
    IPNetwork,
    PortForbidden,
    check_host,
    is_forbidden,
    unwrapped,
)

__all__ = [
    "CertificateSummary",
    "CnameRecord",
    "DnsFailure",
    "Egress",
    "EgressConfig",
    "FetchFailure",
    "Fetched",
    "HostForbidden",
    "MxRecord",
    "PortForbidden",
    "RecordSet",
    "Resolution",
    "SrvRecord",
    "TxtRecord",
    "check_host",
    "family_of",
]

WEB_PORTS = frozenset({net_fetch.HTTPS_PORT})


@dataclass(frozen=True)
class EgressConfig:
    """The operator's network settings. Empty `dns_servers`: the system's."""

    dns_servers: tuple[tuple[str, int], ...] = ()
    allowed_networks: tuple[IPNetwork, ...] = ()  # allowed although they are private
    allowed_ports: frozenset[int] = frozenset()  # beyond MAIL_PORTS
    allowed_suffixes: frozenset[str] = frozenset()  # special names that may be looked up
    extra_ca_file: Path | None = None
    ehlo_name: str = "localhost.localdomain"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The checked addresses of a host, in the order in which to try them, and its name after all CNAMEs."""

    host: str
    addresses: tuple[IPAddress, ...]
    canonical: str


@dataclass(frozen=True, slots=True)
class _AddressLookup:
    """The result of one A or AAAA query: addresses, or a cause."""

    addresses: tuple[IPAddress, ...] = ()
    canonical: str = ""
    cause: str = ""


# When two queries fail differently, the earlier in the list says more about the host.
_DNS_CAUSES = ("dns.nxdomain", "dns.servfail", "dns.timeout", "dns.temp", "dns.no_address")

_SECOND_FAMILY = 1.0  # seconds to wait for the slower of A and AAAA after the other has given addresses or NXDOMAIN


class Egress:
    """Resolves and connects within the operator's configuration. One per process; safe to share between loops."""

    def __init__(self, config: EgressConfig, limits: Limits | None = None) -> None:
        self.config = config
        self.limits = limits or Limits()
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._asking = SingleFlight[list[_AddressLookup]]()
        self._connector = net_connect.Connector(self.limits)

    def check_port(self, port: int, usual: frozenset[int] = MAIL_PORTS) -> None:
        """Raise PortForbidden for a port that is neither in `usual` nor allowed by the operator."""
        if port not in usual and port not in self.config.allowed_ports:
            raise PortForbidden(port)

    async def query(self, name: str, kind: RecordKind) -> RecordSet:
        """The MX, SRV, TXT or CNAME records of a name, which may begin with service labels (`_imaps._tcp.`).

        The set is empty when there are none. Raises HostForbidden and DnsFailure.
        """
        name = check_record_name(name, self.config.allowed_suffixes)
        return await net_records.ask_records(self._resolver, name, kind, self.limits)

    async def fetch(
        self,
        url: str,
        *,
        body: bytes | None = None,
        media_type: str = "",
        private: bool = False,
        redirects: int = net_fetch.MOST_REDIRECTS,
        seconds: float = net_fetch.MOST_SECONDS,
    ) -> Fetched:
        """Fetch a configuration file over https, by POST when there is a `body`. Raises only FetchFailure.

        `private`: the URL contains personal data. Such a URL, and a body, is never redirected to another host.
        """
        request = net_fetch.Request(url, body, media_type, private)
        return await net_fetch.fetch(self, request, redirects=redirects, seconds=seconds)

    async def open_https(self, host: str, port: int) -> Channel:
        """A connection to a web server with verified TLS. Raises as `resolve` and `connect` do."""
        self.check_port(port, WEB_PORTS)
        resolution = await self.resolve(host)
        channel = await self.connect(resolution, port, WEB_PORTS)
        try:
            await channel.start_tls(resolution.host, self.tls_context(), self.limits.tls, starttls=False)
        except BaseException:
            channel.close()
            raise
        return channel

    async def resolve(self, host: str) -> Resolution:
        """Resolve a host and check every address: one forbidden address refuses the name.

        Simultaneous calls for one host share one lookup. Raises HostForbidden for a name that is not looked up, and
        DnsFailure.
        """
        host = check_host(host, self.config.allowed_suffixes)
        answers = await self._asking.join(host, lambda: self._ask_both_families(dns.name.from_text(f"{host}.")))
        found = [answer for answer in answers if answer.addresses]
        if not found:
            causes = {answer.cause for answer in answers}
            raise DnsFailure(next(cause for cause in _DNS_CAUSES if cause in causes))
        families = [[unwrapped(address) for address in answer.addresses] for answer in answers]
        alternating = [address for pair in zip_longest(*families) for address in pair if address is not None]
        addresses = tuple(dict.fromkeys(alternating))
        if any(self._is_refused(address) for address in addresses):
            raise DnsFailure("dns.forbidden_address")
        return Resolution(host, addresses[: self.limits.dns_addresses], found[0].canonical)

    async def connect(
        self, resolution: Resolution, port: int, usual: frozenset[int] = MAIL_PORTS, *, compare_families: bool = False
    ) -> Channel:
        """Connect to the first address that answers (after RFC 8305). Raises ChannelFault, `tcp.*`.

        With `compare_families`, an address of the other family is tried too and reported in the channel's `attempts`.
        """
        self.check_port(port, usual)
        if any(self._is_refused(address) for address in resolution.addresses):
            raise DnsFailure("dns.forbidden_address")
        return await self._connector.connect(resolution.addresses, port, compare_families=compare_families)

    def reaches(self, family: socket.AddressFamily) -> bool:
        """As `Connector.reaches`."""
        return self._connector.reaches(family)

    def tls_context(self, verify: bool = True) -> ssl.SSLContext:
        """A context for TLS 1.2 or newer, with the system's roots and the operator's.

        `verify=False` is for reading a faulty certificate; no command may be sent over such a connection.
        """
        if verify not in self._contexts:
            self._contexts[verify] = self._make_context(verify)
        return self._contexts[verify]

    async def describe_certificate(
        self,
        resolution: Resolution,
        port: int,
        host: str,
        starttls: Callable[[Channel], Awaitable[None]] | None = None,
        *,
        until: float | None = None,
    ) -> CertificateSummary | None:
        """Read a certificate that failed verification, over a second connection that is closed before any command.

        `starttls` sends what the protocol needs before TLS. None when no certificate was received, or none by `until`
        (the loop's time): the first connection's result must not be lost to a timeout.
        """
        try:
            async with asyncio.timeout_at(until):
                return await self._describe_certificate(resolution, port, host, starttls)
        except TimeoutError:
            return None

    async def _describe_certificate(
        self, resolution: Resolution, port: int, host: str, starttls: Callable[[Channel], Awaitable[None]] | None
    ) -> CertificateSummary | None:
        try:
            channel = await self.connect(resolution, port)
        except ChannelFault:
            return None
        try:
            if starttls is not None:
                await starttls(channel)
            await channel.start_tls(
                host, self.tls_context(verify=False), self.limits.tls, starttls=starttls is not None
            )
            return describe(channel.peer_certificates())
        except (ChannelFault, NotACertificate):
            return None
        finally:
            channel.close()

    def _is_refused(self, address: IPAddress) -> bool:
        if is_forbidden(address, self.config.allowed_networks):
            return True
        return not any(address in network for network in self.config.allowed_networks) and net_own.is_own(address)

    def _make_context(self, verify: bool) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        # Python 3.13 sets this flag by default; mail clients and older Pythons accept what it refuses.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.config.extra_ca_file is not None:
            context.load_verify_locations(self.config.extra_ca_file)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # a weak key is one of the faults to describe
        return context

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """A new resolver for each query: the system's name servers change when the machine changes networks."""
        resolver = dns.asyncresolver.Resolver(configure=not self.config.dns_servers)
        if self.config.dns_servers:
            resolver.nameservers = [
                dns.nameserver.Do53Nameserver(address, port) for address, port in self.config.dns_servers
            ]
        resolver.use_edns(0, 0, 1232)
        return resolver

    async def _ask_both_families(self, name: dns.name.Name) -> list[_AddressLookup]:
        """AAAA and A at the same time, within `Limits.dns`."""
        try:
            resolver = self._resolver()
        except dns.resolver.NoResolverConfiguration:
            return [_AddressLookup(cause="dns.temp")]
        until = monotonic() + self.limits.dns
        tasks = [asyncio.create_task(self._ask(resolver, name, kind)) for kind in (dns.rdatatype.AAAA, dns.rdatatype.A)]
        try:
            done, slower = await asyncio.wait(tasks, timeout=self.limits.dns, return_when=asyncio.FIRST_COMPLETED)
            if slower:
                left = max(0.0, until - monotonic())
                is_settled = any(task.result().addresses or task.result().cause == "dns.nxdomain" for task in done)
                await asyncio.wait(slower, timeout=min(left, _SECOND_FAMILY) if is_settled else left)
            return [task.result() if task.done() else _AddressLookup(cause="dns.timeout") for task in tasks]
        finally:
            await _cancel(tasks)

    async def _ask(
        self, resolver: dns.asyncresolver.Resolver, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> _AddressLookup:
        try:
            answer = await resolver.resolve(name, kind, search=False, lifetime=self.limits.dns)
        except dns.exception.DNSException as failure:
            return _AddressLookup(cause=cause_of(failure))
        if len(answer.chaining_result.cnames) > self.limits.cname_chain:
            return _AddressLookup(cause="dns.servfail")
        return _AddressLookup(
            addresses=tuple(ipaddress.ip_address(record.address) for record in answer),
            canonical=answer.canonical_name.to_text(omit_final_dot=True).lower(),
        )


async def _cancel(tasks: Sequence[asyncio.Task[_AddressLookup]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
