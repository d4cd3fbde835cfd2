"""The servers of the provider table: tests of these, and of no others, say something about an outage."""

from __future__ import annotations

from collections.abc import Iterable

from guides.library_cache import library_cached
from guides.limits.outages import ServerName
from guides.mail.accounts import Security
from guides.models import ProviderServer


def listed_on(hosts: Iterable[str]) -> frozenset[ServerName]:
    """The listed servers on these hosts."""
    return frozenset(
        ServerName(host, port, Security(security))
        for host in {host.lower() for host in hosts}
        for port, security in _listed(host)
    )


def _listed(host: str) -> list[tuple[int, str]]:
    """Port and security of the listed servers on a host. Cached by host: a copy of the whole table takes 1.5 ms."""
    rows = ProviderServer.objects.filter(host__iexact=host).order_by().values_list("port", "security").distinct()
    return library_cached(f"listed servers:{host}", lambda: list(rows))
