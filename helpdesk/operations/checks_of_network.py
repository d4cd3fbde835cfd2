"""Checks of what the portal needs of the network: certificates, DNS, and the ports of mail servers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.db import DatabaseError

from guides import runtime
from guides.mail.connection.limits import ChannelFault
from guides.mail.network import DnsFailure, HostForbidden
from guides.mail.vetting import MAIL_PORTS
from guides.models import Provider, ProviderServer
from helpdesk.operations.findings import Finding

KNOWN_DOMAIN = "gmail.com"  # asked for when the library has none
_SERVERS_A_PORT = 3  # of different providers: one may be down, or refuse this machine
_RENEWED_DAYS = 14


def certificates_are_there() -> Iterator[Finding]:
    """The system's certificate authorities; those of EXTRA_CA_FILE and the signature of Apple profiles, in time."""
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    if not paths.cafile and not (folder and any(folder.glob("*.0"))):
        yield Finding(
            "The system has no certificate authorities: every TLS connection fails.", "Install ca-certificates."
        )
    for name, pem in (
        ("EXTRA_CA_FILE", settings.EXTRA_CA_FILE),
        ("PROFILE_SIGNING_CERT", settings.PROFILE_SIGNING_CERT),
    ):
        if not pem:
            continue
        text = str(pem).encode() if str(pem).startswith("-----BEGIN ") else Path(pem).read_bytes()
        for certificate in x509.load_pem_x509_certificates(text):
            ends = certificate.not_valid_after_utc
            if ends < datetime.now(UTC) + timedelta(days=_RENEWED_DAYS):
                yield Finding(f"{name}: {certificate.subject.rfc4514_string()} ends on {ends.date()}.", "Renew it.")


def names_are_found() -> Iterator[Finding]:
    """The name servers answer for a domain with mail, and know the portal's own name."""
    domain = _domain()
    try:
        runtime.background_loop().run(runtime.egress().query(domain, "MX"))
    except (DnsFailure, HostForbidden) as error:
        asked = ", ".join(f"{host}:{port}" for host, port in settings.DNS_SERVERS) or "those of /etc/resolv.conf"
        yield Finding(
            f"The name servers ({asked}) do not answer for {domain}: {_cause(error)}.",
            "Correct DNS_SERVERS or /etc/resolv.conf, and let UDP and TCP port 53 out.",
        )
        return
    host = urlsplit(settings.BASE_URL).hostname or ""
    if "." not in host or host.replace(".", "").isdecimal():
        return
    try:
        runtime.background_loop().run(runtime.egress().resolve(host))
    except (DnsFailure, HostForbidden) as error:
        if _cause(error) in ("dns.nxdomain", "dns.no_address"):
            yield Finding(f"{host}, the portal's own name, is not in DNS.", "Publish its A and AAAA records.")


def ports_are_open() -> Iterator[Finding]:
    """For each usual port, one of a few servers of different providers can be reached."""
    chosen = _servers()
    if not chosen:
        yield Finding("No servers are known to try.", "Run manage.py prepare, which loads the library.", is_advice=True)
        return

    async def try_all() -> list[list[str]]:
        return await asyncio.gather(*(_reach(port, hosts) for port, hosts in chosen.items()))

    tried = dict(zip(chosen, runtime.background_loop().run(try_all()), strict=True))
    if all(causes and all(" dns." in cause for cause in causes) for causes in tried.values()):
        yield Finding("They cannot be tried while no name is found.", "Mend DNS first.")
        return
    for port, causes in tried.items():
        if causes:
            yield Finding(
                f"Port {port}: {'; '.join(causes)}.",
                f"Let TCP port {port} out of this machine (firewall, hosting provider), or tests of it always fail.",
            )


def _domain() -> str:
    try:
        own = Provider.objects.own().first()
        found = own.domains.first() if own else None
        return found.domain if found else KNOWN_DOMAIN
    except DatabaseError:
        return KNOWN_DOMAIN


def _servers() -> dict[int, list[str]]:
    """Port -> hosts of different providers, the operator's own first."""
    found: dict[int, dict[int, str]] = {port: {} for port in sorted(MAIL_PORTS | settings.ALLOWED_PORTS)}
    try:
        rows = ProviderServer.objects.order_by("-provider__is_own", "provider__position", "position", "pk")
        for provider, host, port in rows.filter(port__in=found).values_list("provider_id", "host", "port"):
            if len(found[port]) < _SERVERS_A_PORT and "%" not in host and host not in found[port].values():
                found[port].setdefault(provider, host)
    except DatabaseError:
        return {}
    return {port: list(hosts.values()) for port, hosts in found.items() if hosts}


async def _reach(port: int, hosts: list[str]) -> list[str]:
    """Nothing when one answers, else why each does not."""
    causes = []
    for host in hosts:
        try:
            channel = await runtime.egress().connect(await runtime.egress().resolve(host), port)
        except (DnsFailure, HostForbidden, ChannelFault) as error:
            causes.append(f"{host} {_cause(error)}")
        else:
            channel.close()
            return []
    return causes


def _cause(error: Exception) -> str:
    return str(getattr(error, "cause", "")) or type(error).__name__
