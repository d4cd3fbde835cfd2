"""What every source is given: the domain, the door, and what the portal knows without the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from guides.mail.accounts import Account, Address, AuthMethod, PasswordKind, Server
from guides.mail.discovery.servers import ranked
from guides.mail.network import Door

# A snapshot of the ISPDB: a domain's account, or None. It is asked by the caller's thread, never by a source.
Snapshot = Callable[[str], Account | None]


@dataclass(frozen=True)
class Query:
    """One domain to look for. `address` only when a source needs it and the visitor has given it."""

    domain: str
    door: Door
    address: Address | None = None
    mx_suffixes: Mapping[str, str] = field(default_factory=dict)  # suffix of mail exchangers -> slug of a provider

    @property
    def allowed_suffixes(self) -> frozenset[str]:
        """Special names that the operator lets through."""
        return self.door.config.allowed_suffixes

    def account(self, servers: tuple[Server, ...], name: str = "", links: dict[str, str] | None = None) -> Account:
        """An account of this domain with what a source found."""
        methods = {method for server in servers for method in server.auth}
        password = PasswordKind.OAUTH2 if methods == {AuthMethod.OAUTH2} else PasswordKind.PASSWORD
        return Account(
            domain=self.domain,
            provider_name=name,
            password=password,
            servers=ranked(servers),
            links=links or {},
        )
