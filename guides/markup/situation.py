"""The values that a text is rendered with: an account, the chosen protocol and version, the provider's terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from guides.mail.accounts import Account, Address, PasswordKind, Protocol, Security, Server, UsernameForm
from guides.markup.vocabulary import LINKS, TRUE_WHEN_UNKNOWN

_PASSWORD_WORDS = {PasswordKind.OAUTH2: "oauth2_only", PasswordKind.NONE: "no_clients"}
_OTHER = {Protocol.IMAP: Protocol.POP3, Protocol.POP3: Protocol.IMAP}


@dataclass(frozen=True, slots=True)
class Situation:
    """The visitor's account and choices."""

    account: Account
    protocol: Protocol = Protocol.IMAP
    version: str = ""  # slug of the client's version; "" when the client has none
    address: Address | None = None
    password_name: str = ""  # the provider's term for the password of mail clients; "" = the usual one
    app_name: str = ""
    username_name: str = ""  # the provider's term for a user name of the form `other`; "" = the usual one
    in_guide: bool = False  # on the page of a mail app: the way to sign in is decided

    @classmethod
    def for_unknown(cls, domain: str = "", protocol: Protocol = Protocol.IMAP, version: str = "") -> Self:
        """The situation without known settings; `domain` is "" before the visitor has entered one."""
        return cls(Account(domain=domain), protocol, version)

    @property
    def known(self) -> bool:
        """Whether settings are known, from the provider table or another source."""
        return self.account.provider is not None or bool(self.account.servers)

    @property
    def mailbox(self) -> Address | None:
        """The address, if it was sent to the portal."""
        return self.address or self.account.address

    @property
    def chosen(self) -> Protocol:
        """The protocol for receiving mail: the chosen one, unless the provider offers only the other."""
        other = _OTHER[self.protocol]
        if self.account.best(self.protocol) is None and self.account.best(other) is not None:
            return other
        return self.protocol

    def server(self, group: str) -> Server | None:
        """The server of a placeholder's group (`incoming`, `imap`, `pop3`, `smtp`)."""
        return self.account.best(self.chosen if group == "incoming" else Protocol(group))

    def link(self, name: str) -> str | None:
        """The URL of a provider's page. Only http and https, so that it cannot be a `javascript:` link."""
        url = self.account.links.get(name, "")
        return url if url.startswith(("https://", "http://")) else None

    def truths(self) -> frozenset[str]:
        """The words of conditions that are true here (docs/markup.md, "Conditions")."""
        words = {self.chosen.value}
        if self.version:
            words.add(f"version:{self.version}")
        if self.in_guide:
            words.add("in_guide")
        if not self.known:
            return frozenset(words | TRUE_WHEN_UNKNOWN)
        account = self.account
        words.add("known")
        words.add(_PASSWORD_WORDS.get(account.password, account.password.value))
        words |= _server_words(self.server("incoming"), "incoming", "username")
        words |= _server_words(self.server("smtp"), "smtp", "smtp_username")
        words |= {f"has_link:{name}" for name in LINKS if self.link(name)}
        flags = {
            "oauth2": account.offers_oauth2 or account.password is PasswordKind.OAUTH2,
            "must_enable": account.must_enable,
            "has_imap": account.best(Protocol.IMAP) is not None,
            "has_pop3": account.best(Protocol.POP3) is not None,
            "has_app": bool(self.app_name),
            f"provider:{account.provider}": account.provider is not None,
        }
        return frozenset(words | {word for word, true in flags.items() if true})


def _server_words(server: Server | None, security: str, username: str) -> set[str]:
    """The words about one server; the usual ones when the provider has none."""
    if server is None:
        return {f"{security}_{Security.TLS}", f"{username}_{UsernameForm.ADDRESS}"}
    words = {f"{username}_{server.username}"}
    if server.security is not Security.NONE:
        words.add(f"{security}_{server.security}")
    return words
