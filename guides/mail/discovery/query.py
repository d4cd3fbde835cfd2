"""The input of every source: the domain, network access, and the portal's own data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from guides.mail.accounts import Account, Address, AuthMethod, PasswordKind, Server
from guides.mail.discovery.servers import ranked
from guides.mail.network import Egress

# Looks up a domain in the copy of the ISPDB: its account, or None. Called in the caller's thread, never by a source.
Snapshot = Callable[[str], Account | None]


@dataclass(frozen=True)
class Query:
    """The domain to search settings for. `address` only when a source needs it and the visitor has given it."""

    domain: str
    egress: Egress
    address: Address | None = None
    mx_suffixes: Mapping[str, str] = field(default_factory=dict)  # suffix of mail exchangers -> slug of a provider

    @property
    def allowed_suffixes(self) -> frozenset[str]:
        """Special names that the operator allows."""
        return self.egress.config.allowed_suffixes

    def account(self, servers: tuple[Server, ...], name: str = "", links: dict[str, str] | None = None) -> Account:
        """An account of this domain with a source's values."""
        methods = {method for server in servers for method in server.auth}
        password = PasswordKind.OAUTH2 if methods == {AuthMethod.OAUTH2} else PasswordKind.PASSWORD
        return Account(
            domain=self.domain, provider_name=name, password=password, servers=ranked(servers), links=links or {}
        )
