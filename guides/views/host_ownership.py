"""The servers that a visitor typed in: which belong to the domain, which have a stated form of user name."""

from __future__ import annotations

from collections.abc import Iterable

from guides.limits.listed_servers import listed_on
from guides.mail.accounts import Server
from guides.mail.discovery.findings import ConfigSource, Discovery
from guides.mail.discovery.names import have_one_owner, is_gateway
from guides.services import discovering
from guides.views.visitor import VisitorContext

# Sources that say which user name a server wants. The settings that the mail exchangers lead to come from the table,
# a file or the ISPDB as well; names alone, Autodiscover and guesses say nothing of it.
_STATING = frozenset(
    {ConfigSource.TABLE, ConfigSource.AUTOCONFIG, ConfigSource.WELL_KNOWN, ConfigSource.ISPDB, ConfigSource.MX}
)


def stated_hosts(visitor: VisitorContext) -> frozenset[str]:
    """Hosts for which a source states the form of user name."""
    if visitor.discovery is None:
        return frozenset(server.host for server in visitor.account.servers)
    return frozenset(
        server.host
        for finding in visitor.discovery.findings
        if finding.source in _STATING
        for server in finding.servers
    )


def hidden_hosts(visitor: VisitorContext, by_hand: Iterable[Server]) -> frozenset[str]:
    """Hosts typed in that do not belong to the address's domain: for them, closed, filtered and forbidden look alike.

    Otherwise a visitor could scan a network's ports through the portal.
    """
    strangers = frozenset(
        server.host for server in by_hand if not (_is_own(visitor, server.host) or _is_named(visitor, server.host))
    )
    return strangers - {server.host for server in listed_on(strangers)}


def must_look_up(visitor: VisitorContext, by_hand: Iterable[Server]) -> bool:
    """Whether hosts would be hidden only because the domain has not been looked up yet."""
    discovery = visitor.discovery
    is_known = visitor.is_settled and (discovery is None or not discovering.lacks_exchangers(discovery))
    return not is_known and bool(hidden_hosts(visitor, by_hand))


def _is_own(visitor: VisitorContext, host: str) -> bool:
    """Whether a host is at or below the address's domain and has the same owner."""
    domain = visitor.domain
    return (host == domain or host.endswith(f".{domain}")) and have_one_owner(host, domain)


def _is_named(visitor: VisitorContext, host: str) -> bool:
    """Whether the domain names a host, by whatever source, or the host stands beside those that take its mail."""
    discovery = visitor.discovery
    if discovery is None:
        return False
    if any(server.host == host for finding in discovery.findings for server in finding.servers):
        return True
    return any(host == exchanger or _is_beside(host, exchanger) for exchanger in _exchangers(discovery))


def _exchangers(discovery: Discovery) -> Iterable[str]:
    return (host for finding in discovery.findings for host in finding.exchangers)


def _is_beside(host: str, exchanger: str) -> bool:
    """Whether one provider runs both. A filtering gateway runs no mailboxes."""
    return not is_gateway(exchanger) and have_one_owner(host, exchanger)
