"""Registrable domains (Public Suffix List), and the hosts of mail filtering services."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

# Filtering services: they relay a domain's mail to its mailbox provider and host no mailboxes.
GATEWAYS = frozenset(
    {
        "antispamcloud.com",
        "antispameurope.com",
        "barracudanetworks.com",
        "cloudflare.net",
        "expurgate.de",
        "expurgate.net",
        "fireeyecloud.com",
        "fortimailcloud.com",
        "gpphosted.com",
        "hornetsecurity.com",
        "iphmx.com",
        "mailcontrol.com",
        "mailspamprotection.com",
        "mailroute.net",
        "messagelabs.com",
        "mimecast.com",
        "mimecast.co.za",
        "mxlogic.net",
        "mxthunder.com",
        "pphosted.com",
        "ppe-hosted.com",
        "reflexion.net",
        "retarus.com",
        "sophos.com",
        "spamexperts.com",
        "spamexperts.eu",
        "spamexperts.net",
        "spamtitan.com",
        "trendmicro.com",
        "trendmicro.eu",
        "vadesecure.com",
    }
)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_encoded_idn=True)


def registrable_domain(host: str) -> str:
    """The registrable domain of a host (`example.co.jp` of `a.b.example.co.jp`); a public suffix itself is returned."""
    return _suffixes().privatesuffix(host) or host


def is_public_suffix(name: str) -> bool:
    """Whether it is in the Public Suffix List, so that names below it have different owners (`co.jp`)."""
    return _suffixes().privatesuffix(name) is None


def is_within(host: str, domain: str) -> bool:
    """Whether both have the same registrable domain."""
    return registrable_domain(host) == registrable_domain(domain)


def is_gateway(host: str) -> bool:
    """Whether a mail exchanger belongs to a filtering service."""
    return registrable_domain(host) in GATEWAYS
