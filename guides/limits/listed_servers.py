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
    return frozenset().union(*(table.get(host.lower(), frozenset()) for host in hosts))


def _by_host() -> Mapping[str, frozenset[ServerName]]:
    """The whole table, a few hundred rows."""
    listed: dict[str, frozenset[ServerName]] = {}
    for host, port, security in ProviderServer.objects.order_by().values_list("host", "port", "security"):
        name = ServerName(host.lower(), port, Security(security))
        listed[name.host] = listed.get(name.host, frozenset()) | {name}
    return listed
