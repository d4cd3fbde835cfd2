"""What is published of an account, and on whose behalf: the same for every format."""

from __future__ import annotations

from dataclasses import dataclass

from guides.mail.accounts import Account, AuthMethod, PasswordKind, Protocol, Security, Server

_NO_PASSWORD = frozenset({PasswordKind.OAUTH2, PasswordKind.BRIDGE, PasswordKind.NONE})


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the portal that a client may open, with a few words about it."""

    language: str
    url: str
    words: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An account to publish.

    `domains` are all mail domains that it holds for, `guides` pages that help with it in each language, `to_do` pages
    that say what must be done at the provider first, `webmail` an https URL or "".
    """

    account: Account
    domains: tuple[str, ...] = ()
    guides: tuple[Page, ...] = ()
    to_do: tuple[Page, ...] = ()
    webmail: str = ""

    @property
    def name(self) -> str:
        """What people call the provider."""
        return self.account.provider_name or self.account.domain

    @property
    def incoming(self) -> tuple[Server, ...]:
        """Encrypted servers that mail is read from: IMAP first, and within a protocol in the provider's order."""
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
        """Whether there is a server for either direction; clients reject what has only one."""
        return bool(self.incoming and self.outgoing)

    def with_password(self, protocol: Protocol) -> Server | None:
        """The first server of a protocol that a client can sign in to with a password; None when there is none."""
        if self.account.password in _NO_PASSWORD:
            return None
        servers = self.outgoing if protocol is Protocol.SMTP else self.incoming
        return next((server for server in servers if server.protocol is protocol and takes_password(server)), None)

    @property
    def password_protocols(self) -> tuple[Protocol, ...]:
        """The ways to receive mail that a client can be set up for with a password, sending included."""
        if self.with_password(Protocol.SMTP) is None:
            return ()
        return tuple(protocol for protocol in (Protocol.IMAP, Protocol.POP3) if self.with_password(protocol))


def takes_password(server: Server) -> bool:
    """Whether a server lets a client sign in with some password."""
    return any(method is not AuthMethod.OAUTH2 for method in server.auth)
