"""Who has a mailbox in the lab. Each person stands for one cause that the connection test must tell."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass

DOMAIN = "lab.test"
# An address that the first of the people may send from, and that has no mailbox.
GONE = f"gone@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Person:
    """A mailbox. `login` is the user name where it is not the address."""

    name: str
    password: str
    login: str = ""
    disabled: bool = False  # the administrator closed the account, and the server says so to the right password
    denied: bool = False  # on a list of those who may not log in; the server says no more than for a wrong password
    shut_at: tuple[str, ...] = ()  # Dovecot's service names that refuse this login: imap, pop3, smtp
    full: bool = False  # the mailbox holds more than its quota
    may_send: bool = True  # whether Postfix accepts the address as a sender
    spammed: bool = False  # what is sent to them is sorted out as spam
    nearly_full: bool = False  # the mailbox holds more than nine tenths of its quota
    broken: bool = False  # the password is right, but the mailbox cannot be opened

    @property
    def address(self) -> str:
        return f"{self.name}@{DOMAIN}"

    @property
    def username(self) -> str:
        """What this person types as user name."""
        return self.login or self.address

    @property
    def quota(self) -> int:
        """The octets that the mailbox may hold where it is not the general rule; a message of 10,857 is in it."""
        return 8192 if self.full else 12288 if self.nearly_full else 0

    def passwd_line(self, home: str) -> str:
        """The line in Dovecot's passwd-file; Base64 because the format cannot quote a colon or a space."""
        secret = base64.b64encode(self.password.encode()).decode("ascii")
        extra = "nologin=y" if self.disabled else f"userdb_quota_rule=*:bytes={self.quota}" if self.quota else ""
        return f"{self.username}:{{PLAIN.b64}}{secret}::::{home}::{extra}"


def _found_nowhere_else() -> str:
    """A password whose ends can be searched for: 12 random letters on each side of what writers escape."""
    letters = secrets.token_hex(12)
    return f"{letters[:12]} \"ж\\<&%+'{letters[12:]}"


PEOPLE = (
    Person("anna", "correct horse battery staple"),
    Person("boris", "Grüße, мир 秘密 🗝"),
    Person("clara", "  blanks at both ends  "),
    Person("dmitri", r"""a "double", a 'single' and a \ back\\slash: %s {x} <b>&amp;"""),
    Person("emiko", "0123456789abcdef" * 16),
    Person("closed", "the right password", disabled=True, shut_at=("smtp",)),  # Postfix does not hear of `nologin`
    Person("denied", "on the black list", denied=True),
    Person("full", "a full mailbox", full=True),
    Person("nearly.full", "almost no room left", nearly_full=True),
    Person("spammed", "sorted out as spam", spammed=True),
    Person("mute", "may not send", may_send=False),
    Person("short.login", "logs in by another name", login="shorty"),
    Person("no.imap", "without imap", shut_at=("imap",)),
    Person("no.pop3", "without pop3", shut_at=("pop3",)),
    Person("no.smtp", "without smtp", shut_at=("smtp",)),
    Person("canary", _found_nowhere_else()),
    Person("broken", "a broken mailbox", broken=True),
)
