"""Registrable domains (Public Suffix List), who owns the names below one, and the hosts of mail filtering services."""

from __future__ import annotations

import re
from functools import cache

from publicsuffixlist import PublicSuffixList

# Filtering services: they relay a domain's mail to its mailbox provider and host no mailboxes.
GATEWAYS = frozenset(
    {
        "antispamcloud.com",
        "antispameurope.com",
        "barracudanetworks.com",
        "expurgate.de",
        "expurgate.net",
        "fireeyecloud.com",
        "fortimailcloud.com",
        "gpphosted.com",
        "hornetsecurity.com",
        "iphmx.com",
        "mailchannels.net",
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
        "securemx.jp",
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
# Forwarding services: there is no mailbox at such a domain, only addresses that lead to another one. `cloudflare.net`
# is in the Public Suffix List, so the domain of Cloudflare's exchangers is the one below it.
FORWARDERS = frozenset(
    {
        "addy.io",
        "anonaddy.com",
        "anonaddy.me",
        "forwardemail.net",
        "improvmx.com",
        "mx.cloudflare.net",
        "simplelogin.co",
    }
)

# Services that answer for any name below them with the address that the name holds, and providers' names for rented
# machines. The Public Suffix List has neither.
MACHINE_NAMES = frozenset(
    {
        "backname.io",
        "clients.your-server.de",
        "googleusercontent.com",
        "localtest.me",
        "lvh.me",
        "nip.io",
        "poneytelecom.eu",
        "sslip.io",
        "traefik.me",
        "vps.ovh.net",
        "xip.io",
    }
)
# The four numbers of an IPv4 address.
_NUMBERED = re.compile(r"(?<!\d)\d{1,3}([.-])\d{1,3}\1\d{1,3}\1\d{1,3}(?!\d)")


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_encoded_idn=True)


def registrable_domain(host: str) -> str:
    """The registrable domain of a host (`example.co.jp` of `a.b.example.co.jp`); a public suffix itself is returned."""
    return _suffixes().privatesuffix(host) or host


def has_known_ending(name: str) -> bool:
    """Whether a name ends in a suffix that exists (Public Suffix List), so that it could be registered."""
    return bool(_suffixes().publicsuffix(name, accept_unknown=False))


def is_public_suffix(name: str) -> bool:
    """Whether it is in the Public Suffix List, so that names below it have different owners (`co.jp`)."""
    return _suffixes().privatesuffix(name) is None


def have_one_owner(host: str, domain: str) -> bool:
    """Whether a host belongs to the owner of a domain: both below one registrable domain, the host no rented machine.

    False at a public suffix (`co.uk`, `compute-1.amazonaws.com`), below MACHINE_NAMES, and for a host whose name holds
    an IPv4 address, as those of rented machines and of customers' lines do.
    """
    if is_public_suffix(domain) or not is_within(host, domain) or _NUMBERED.search(host):
        return False
    labels = host.split(".")
    return MACHINE_NAMES.isdisjoint(".".join(labels[at:]) for at in range(len(labels)))


def is_within(host: str, domain: str) -> bool:
    """Whether both have the same registrable domain."""
    return registrable_domain(host) == registrable_domain(domain)


def is_gateway(host: str) -> bool:
    """Whether a mail exchanger belongs to a filtering service."""
    return registrable_domain(host) in GATEWAYS


def is_forwarder(host: str) -> bool:
    """Whether a mail exchanger belongs to a forwarding service, which keeps no mailboxes."""
    return registrable_domain(host) in FORWARDERS
