"""SASL mechanisms that carry a password: PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login).

Both are spoken over TLS only; the password goes out as UTF-8, unchanged.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from enum import StrEnum

from guides.mail.secret import Secret


class Mechanism(StrEnum):
    """A mechanism that the test speaks, best first."""

    PLAIN = "PLAIN"
    LOGIN = "LOGIN"


def choose(offered: Iterable[str]) -> Mechanism | None:
    """The best mechanism of those that a server offers (names in upper case), or None."""
    names = set(offered)
    return next((mechanism for mechanism in Mechanism if mechanism in names), None)


class Exchange:
    """The client's side of one authentication: base64 answers, handed out in order.

    It holds the password in encoded form, so its `repr` gives nothing away.
    """

    __slots__ = ("__answers", "mechanism")

    def __init__(self, mechanism: Mechanism, username: str, secret: Secret) -> None:
        self.mechanism = mechanism
        user = username.encode()
        plain = mechanism is Mechanism.PLAIN
        raw = [b"\0".join((b"", user, secret.utf8()))] if plain else [user, secret.utf8()]
        self.__answers = [b64encode(part) for part in raw]

    def __repr__(self) -> str:
        return f"<Exchange {self.mechanism}>"

    @property
    def initial_length(self) -> int | None:
        """Length of the answer that may go out with the command; None for LOGIN, where the server speaks first."""
        return len(self.__answers[0]) if self.mechanism is Mechanism.PLAIN and self.__answers else None

    def next_answer(self) -> bytes | None:
        """The next answer; None when the server asks for more than the mechanism has."""
        return self.__answers.pop(0) if self.__answers else None
