"""The DNS records to publish for an own domain, so that mail clients find their settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.publish import pacc
from guides.mail.publish.offer import Offer


class DiscoveryMethod(StrEnum):
    """The discovery method that uses a record."""

    AUTOCONFIG = "autoconfig"  # Thunderbird and many others
    AUTODISCOVER = "autodiscover"  # Outlook and others
    PACC = "pacc"  # new; hardly any client yet
    SRV = "srv"  # RFC 6186 and RFC 8314
    MAILCONF = "mailconf"  # the file's URL in a TXT record; few clients


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record. `name` is fully qualified, without a final dot; `value` is in the syntax of zone files."""

    name: str
    kind: Literal["CNAME", "SRV", "TXT"]
    value: str
    method: DiscoveryMethod

    @property
    def line(self) -> str:
        """The record as a line of a zone file."""
        return f"{self.name}. 3600 IN {self.kind} {self.value}"


_SERVICES = {
    (Protocol.IMAP, Security.TLS): "_imaps",
    (Protocol.IMAP, Security.STARTTLS): "_imap",
    (Protocol.POP3, Security.TLS): "_pop3s",
    (Protocol.POP3, Security.STARTTLS): "_pop3",
    (Protocol.SMTP, Security.TLS): "_submissions",
    (Protocol.SMTP, Security.STARTTLS): "_submission",
}
# RFC 6186 section 3.4: the lower priority is preferred, also between IMAP and POP3.
_PRIORITIES = {Protocol.IMAP: 0, Protocol.POP3: 10, Protocol.SMTP: 0}


def records_for(offer: Offer, portal: str, base_url: str, documentation: str) -> tuple[DnsRecord, ...]:
    """The records for the offer's domain. `portal` is the portal's host name, `base_url` its URL.

    With an empty `portal`, only the SRV records are made.
    """
    return (*(_portal_records(offer, portal, base_url, documentation) if portal else ()), *srv_records(offer))


def _portal_records(offer: Offer, portal: str, base_url: str, documentation: str) -> list[DnsRecord]:
    domain = offer.account.domain
    made = [DnsRecord(f"autoconfig.{domain}", "CNAME", f"{portal}.", DiscoveryMethod.AUTOCONFIG)]
    if offer.password_protocols:
        made += [
            DnsRecord(f"autodiscover.{domain}", "CNAME", f"{portal}.", DiscoveryMethod.AUTODISCOVER),
            DnsRecord(f"_autodiscover._tcp.{domain}", "SRV", f"0 1 443 {portal}.", DiscoveryMethod.AUTODISCOVER),
        ]
    try:
        digest = pacc.txt_record(pacc.write(offer, documentation))
    except pacc.NoPacc:
        pass
    else:
        made += [
            DnsRecord(f"ua-auto-config.{domain}", "CNAME", f"{portal}.", DiscoveryMethod.PACC),
            DnsRecord(f"_ua-auto-config.{domain}", "TXT", f'"{digest}"', DiscoveryMethod.PACC),
        ]
    made.append(DnsRecord(domain, "TXT", f'"mailconf={base_url}/v1.1/{domain}"', DiscoveryMethod.MAILCONF))
    return made


def srv_records(offer: Offer) -> list[DnsRecord]:
    """One SRV record per service; the target `.` means that it is not offered (RFC 2782)."""
    made = []
    for (protocol, security), service in _SERVICES.items():
        server = first_of(offer, protocol, security)
        target = f"{server.port} {server.host}." if server else "0 ."
        rank = f"{_PRIORITIES[protocol]} 1" if server else "0 0"
        made.append(DnsRecord(f"{service}._tcp.{offer.account.domain}", "SRV", f"{rank} {target}", DiscoveryMethod.SRV))
    return made


def first_of(offer: Offer, protocol: Protocol, security: Security) -> Server | None:
    """The preferred server of a protocol with one kind of encryption."""
    servers = offer.outgoing if protocol is Protocol.SMTP else offer.incoming
    return next((each for each in servers if (each.protocol, each.security) == (protocol, security)), None)
