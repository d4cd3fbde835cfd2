"""The plan of a connection test, and the stages of its legs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guides.mail.accounts import Address, AddressError, PasswordKind, Protocol, Security, Server
from guides.mail.outcomes import Leg, Stage


@dataclass(frozen=True)
class TestPlan:
    """One mailbox and the servers to test: at most one per protocol, with a leg for each."""

    __test__ = False  # not a test class for pytest

    address: Address
    servers: tuple[Server, ...]
    username: str | None = None  # as typed; None: the server's `username_for`
    password: PasswordKind = PasswordKind.PASSWORD
    provider: str | None = None  # slug of a known provider
    password_pattern: str = ""  # RE2 for the whole password, where the provider documents its format
    known_servers: tuple[Server, ...] = ()  # the provider's, to try when a leg fails before its login
    stated_hosts: frozenset[str] = frozenset()  # hosts whose user name form a source states
    token: bool = False  # the secret is an OAuth 2.0 token, no password
    deliver: bool = False  # the visitor asked for the delivery test
    # Hosts that the visitor typed and that do not belong to their domain: closed, filtered and forbidden have the same
    # result and duration, so that the portal cannot be used as a port scanner.
    hidden_hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("a plan needs a server")
        if len({server.protocol for server in self.servers}) != len(self.servers):
            raise ValueError("a plan has at most one server per protocol")
        if self.deliver and not self.can_deliver:
            raise ValueError("a delivery needs IMAP and SMTP")
        if self.deliver and not self.signs_in_as_address:
            raise ValueError("a delivery goes only to the mailbox that is signed in to")

    @property
    def can_deliver(self) -> bool:
        """Whether the servers allow the delivery test."""
        return {Protocol.IMAP, Protocol.SMTP} <= {server.protocol for server in self.servers}

    @property
    def signs_in_as_address(self) -> bool:
        """Whether IMAP and SMTP are signed in to as the address itself, so that a message to it goes to nobody else.

        The part before the @ alone means the address only on servers of its domain.
        """
        servers = [server for server in self.servers if server.protocol is not Protocol.POP3]
        return all(self._is_address_on(server) for server in servers)

    def _is_address_on(self, server: Server) -> bool:
        username = self.username_on(server) or ""
        if "@" not in username:
            return server.host not in self.hidden_hosts and username.lower() == self.address.local_part.lower()
        try:
            return str(Address.parse(username)).lower() == str(self.address).lower()
        except AddressError:
            return False

    def username_on(self, server: Server) -> str | None:
        """The user name to send to `server`; None when only the visitor knows it and has not typed it."""
        return self.username or server.username_for(self.address)

    def usernames(self) -> Iterable[str]:
        """Every user name that the test may send."""
        return filter(None, {self.username_on(server) for server in self.servers})


AFTER_LOGIN = {
    Protocol.IMAP: (Stage.IDENTITY, Stage.MAILBOX, Stage.QUOTA, Stage.FOLDERS),
    Protocol.POP3: (Stage.MAILBOX,),
    Protocol.SMTP: (Stage.ENVELOPE,),
}
AT_DELIVERY = (Stage.DELIVERY,)
LEG_OF_PROTOCOL = {Protocol.IMAP: Leg.IMAP, Protocol.POP3: Leg.POP3, Protocol.SMTP: Leg.SMTP}


def before_login(server: Server) -> tuple[Stage, ...]:
    """The stages before the login. With STARTTLS, capabilities are read twice."""
    begin = (Stage.INPUT, Stage.DNS, Stage.CONNECT)
    if server.security is Security.STARTTLS:
        return (*begin, Stage.GREETING, Stage.CAPABILITIES, Stage.TLS, Stage.CAPABILITIES)
    return (*begin, Stage.TLS, Stage.GREETING, Stage.CAPABILITIES)


def stages_of(server: Server) -> tuple[Stage, ...]:
    """The stages of a server's leg, in order."""
    return (*before_login(server), Stage.LOGIN, *AFTER_LOGIN[server.protocol])
