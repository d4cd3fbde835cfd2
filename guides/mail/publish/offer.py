"""The input of all formats: the account to publish, with its domains and pages."""

from __future__ import annotations

from dataclasses import dataclass

from guides.mail.accounts import Account, AuthMethod, PasswordKind, Protocol, Security, Server

_NO_PASSWORD = frozenset({PasswordKind.OAUTH2, PasswordKind.BRIDGE, PasswordKind.NONE})


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the portal that a client may open, with its title."""

    language: str
    url: str
    words: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An account to publish.

    `domains` are all its mail domains, `guides` help pages per language, `to_do` pages about what must be done at the
    provider first, `webmail` an https URL or "".
    """

    account: Account
    domains: tuple[str, ...] = ()
    guides: tuple[Page, ...] = ()
    to_do: tuple[Page, ...] = ()
    webmail: str = ""

    @property
    def name(self) -> str:
        """The provider's display name."""
        return self.account.provider_name or self.account.domain

    @property
    def incoming(self) -> tuple[Server, ...]:
        """Encrypted servers for receiving mail: IMAP first, within a protocol in the provider's order."""
        return tuple(
            server
            for protocol in (Protocol.IMAP, Protocol.POP3)
            for server in self.account.servers
            if server.protocol is protocol and server.security is not Security.NONE
        )

    @property
    def outgoing(self) -> tuple[Server, ...]:
        """Encrypted submission servers, in the provider's order."""
        return tuple(
            server
            for server in self.account.servers
            if server.protocol is Protocol.SMTP and server.security is not Security.NONE
        )

    @property
    def is_complete(self) -> bool:
        """Whether there are servers for receiving and sending; clients reject other settings."""
        return bool(self.incoming and self.outgoing)

    def with_password(self, protocol: Protocol) -> Server | None:
        """The first server of a protocol that accepts a password, or None."""
        if self.account.password in _NO_PASSWORD:
            return None
        servers = self.outgoing if protocol is Protocol.SMTP else self.incoming
        return next((server for server in servers if server.protocol is protocol and takes_password(server)), None)

    @property
    def password_protocols(self) -> tuple[Protocol, ...]:
        """IMAP and POP3 as far as receiving and sending with a password is possible."""
        if self.with_password(Protocol.SMTP) is None:
            return ()
        return tuple(protocol for protocol in (Protocol.IMAP, Protocol.POP3) if self.with_password(protocol))


def takes_password(server: Server) -> bool:
    """Whether a server accepts any kind of password."""
    return any(method is not AuthMethod.OAUTH2 for method in server.auth)
