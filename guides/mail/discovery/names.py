"""Which domains belong together: the Public Suffix List, and the hosts that only filter mail for others."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

# Mail for a domain passes through these on its way to the mailbox; they hold no mailboxes.
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
    """The part of a host's name that somebody registered (`example.co.jp` of `a.b.example.co.jp`).

    A public suffix itself stands for itself.
    """
    return _suffixes().privatesuffix(host) or host


def is_public_suffix(name: str) -> bool:
    """Whether names below it are registered by different people (`co.jp`)."""
    return _suffixes().privatesuffix(name) is None


def is_within(host: str, domain: str) -> bool:
    """Whether both were registered together."""
    return registrable_domain(host) == registrable_domain(domain)


def is_gateway(host: str) -> bool:
    """Whether a mail exchanger filters mail for others."""
    return registrable_domain(host) in GATEWAYS
