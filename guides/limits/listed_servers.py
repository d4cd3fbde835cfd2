"""The servers of the provider table: tests of these, and of no others, say something about an outage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guides.library_cache import library_cached
from guides.limits.outages import ServerName
from guides.mail.accounts import Security
from guides.models import ProviderServer


def listed_on(hosts: Iterable[str]) -> frozenset[ServerName]:
    """The listed servers on these hosts."""
    table = library_cached("listed servers", _by_host)
    return frozenset(
        ServerName(host, port, Security(security))
        for host in {host.lower() for host in hosts}
        for port, security in table.get(host, ())
    )


def _by_host() -> Mapping[str, list[tuple[int, str]]]:
    """Port and security of every listed server, by host: plain values, which the cache copies quickly."""
    listed: dict[str, list[tuple[int, str]]] = {}
    for host, port, security in ProviderServer.objects.order_by().values_list("host", "port", "security"):
        listed.setdefault(host.lower(), []).append((port, security))
    return listed
