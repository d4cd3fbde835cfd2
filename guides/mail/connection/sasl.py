"""SASL: the authentication mechanisms of the test. One attempt each, and only over TLS.

A password: SCRAM (RFC 5802, 7677), PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), CRAM-MD5 (RFC 2195).
A token: OAUTHBEARER (RFC 7628), XOAUTH2 (Google's and Microsoft's variant).
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from enum import StrEnum

from guides.mail.connection.scram import Scram, ScramFault, is_prepared
from guides.mail.connection.session import Refusal, StageFault
from guides.mail.diagnosis.codes import REJECTED, UNKNOWN, Reply, cause_of
from guides.mail.outcomes import Stage
from guides.mail.secret import Secret


class Mechanism(StrEnum):
    """A mechanism that the test supports."""

    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_1 = "SCRAM-SHA-1"
    PLAIN = "PLAIN"
    LOGIN = "LOGIN"
    CRAM_MD5 = "CRAM-MD5"
    OAUTHBEARER = "OAUTHBEARER"
    XOAUTH2 = "XOAUTH2"


SCRAM = (Mechanism.SCRAM_SHA_256, Mechanism.SCRAM_SHA_1)
# CRAM-MD5 comes last: under TLS it adds no protection, and servers with hashed passwords offer it although they cannot
# check it; the refusal would look like a wrong password.
BY_PASSWORD = (*SCRAM, Mechanism.PLAIN, Mechanism.LOGIN, Mechanism.CRAM_MD5)
BY_TOKEN = (Mechanism.OAUTHBEARER, Mechanism.XOAUTH2)


def choose(offered: Iterable[str], *, token: bool = False, plain_first: bool = False) -> Mechanism | None:
    """The best of the mechanisms that a server offers (names in upper case), or None."""
    names = set(offered)
    order: tuple[Mechanism, ...] = BY_TOKEN if token else BY_PASSWORD
    if plain_first:
        order = (*(mechanism for mechanism in order if mechanism not in SCRAM), *SCRAM)
    return next((mechanism for mechanism in order if mechanism in names), None)


def needs_plain(username: str, secret: Secret) -> bool:
    """Whether SCRAM would change the name or the password (SASLprep, RFC 4013); then PLAIN is preferred.

    Servers differ in whether they prepare the stored value; PLAIN sends it as typed.
    """
    return not (is_prepared(username) and is_prepared(secret.utf8().decode()))


class Exchange:
    """The client's side of one authentication: a response in base64 to each challenge.

    It holds the password, so its `repr` shows nothing.
    """

    __slots__ = ("__client", "_challenges", "_has_begun", "_limit", "mechanism")

    def __init__(self, mechanism: Mechanism, username: str, secret: Secret, *, challenges: int = 2) -> None:
        self.mechanism = mechanism
        self.__client = _CLIENTS[mechanism](mechanism, username, secret)
        self._has_begun = False
        self._challenges = 0
        self._limit = challenges

    def __repr__(self) -> str:
        return f"<Exchange {self.mechanism}>"

    def initial(self, longest: int) -> bytes | None:
        """The initial response to send with the command; None when the server goes first, or it is too long."""
        first = self.__client.first()
        if first is None:
            return None
        encoded = b64encode(first)
        if len(encoded) > longest:
            return None
        self._has_begun = True
        return encoded or b"="

    async def next_answer(self, challenge: bytes) -> bytes:
        """The response to a challenge (base64, as received). Raises StageFault after too many challenges."""
        first = None if self._has_begun else self.__client.first()
        self._has_begun = True
        if first is not None:  # the server's empty challenge; its content does not matter
            return b64encode(first)
        self._challenges += 1
        if self._challenges > self._limit:
            raise StageFault("net.protocol", challenge)
        return b64encode(await self.__client.answer(challenge))

    def check_success(self, raw: bytes) -> None:
        """Raise StageFault when the server reports success without the proof that the mechanism requires of it."""
        if not self.__client.done:
            raise StageFault("auth.protocol_error", raw)

    def refusal(self, reply: Reply, raw: bytes) -> Refusal:
        """The refusal of this authentication with its cause."""
        cause = cause_of(reply, Stage.LOGIN)
        if self.mechanism in BY_TOKEN and cause in (REJECTED, UNKNOWN):
            cause = "auth.oauth_token_expired"
        complaint = self.__client.complaint
        return Refusal(reply, complaint + b"\n" + raw if complaint else raw, cause)


class _Client(ABC):
    """One mechanism. Messages are raw here; `Exchange` adds the base64."""

    done = True  # whether the server's success is valid now
    complaint = b""  # the server's error message for a token

    def __init__(self, mechanism: Mechanism, username: str, secret: Secret) -> None:
        self._mechanism = mechanism
        self._user = username
        self._secret = secret

    def first(self) -> bytes | None:
        """The client's first message, or None when the server goes first."""
        return None

    @abstractmethod
    async def answer(self, challenge: bytes) -> bytes:
        """The response to a challenge."""


class _Plain(_Client):
    def first(self) -> bytes:
        return b"\0".join((b"", self._user.encode(), self._secret.utf8()))

    async def answer(self, challenge: bytes) -> bytes:
        raise StageFault("net.protocol", challenge)


class _Login(_Client):
    _asked = 0

    async def answer(self, challenge: bytes) -> bytes:  # noqa: ARG002 (the texts are not standardised; the order is)
        self._asked += 1
        return self._user.encode() if self._asked == 1 else self._secret.utf8()


class _CramMd5(_Client):
    _asked = 0

    async def answer(self, challenge: bytes) -> bytes:
        self._asked += 1
        if self._asked > 1:
            raise StageFault("net.protocol", challenge)
        digest = hmac.new(self._secret.utf8(), _decoded(challenge), "md5").hexdigest()
        return f"{self._user} {digest}".encode()


class _ScramClient(_Client):
    done = False

    def __init__(self, mechanism: Mechanism, username: str, secret: Secret) -> None:
        super().__init__(mechanism, username, secret)
        digest = "sha256" if mechanism is Mechanism.SCRAM_SHA_256 else "sha1"
        self._scram = Scram(digest, username, secret.utf8())
        self._has_proved = False

    def first(self) -> bytes:
        return self._scram.first()

    async def answer(self, challenge: bytes) -> bytes:
        message = _decoded(challenge)
        if not self._has_proved:
            self._has_proved = True
            try:
                return await self._scram.final(message)
            except ScramFault:
                raise StageFault("auth.protocol_error", message) from None
        if message.startswith(b"e="):  # the server's error; its refusal follows
            return b""
        if not self._scram.verifies(message):
            raise StageFault("auth.protocol_error", message)
        self.done = True
        return b""


class _OAuth(_Client):
    """OAuth: a refusal arrives as a challenge with JSON; after a response to it the real reply follows."""

    def first(self) -> bytes:
        token = self._secret.utf8()
        if self._mechanism is Mechanism.XOAUTH2:
            return b"user=%s\1auth=Bearer %s\1\1" % (self._user.encode(), token)
        name = self._user.encode().replace(b"=", b"=3D").replace(b",", b"=2C")
        return b"n,a=%s,\1auth=Bearer %s\1\1" % (name, token)

    async def answer(self, challenge: bytes) -> bytes:
        if self.complaint:
            raise StageFault("net.protocol", challenge)
        self.complaint = _decoded(challenge)[:1024] or b"{}"
        self.done = False
        return b"" if self._mechanism is Mechanism.XOAUTH2 else b"\1"


_CLIENTS: Mapping[Mechanism, type[_Client]] = {
    Mechanism.SCRAM_SHA_256: _ScramClient,
    Mechanism.SCRAM_SHA_1: _ScramClient,
    Mechanism.PLAIN: _Plain,
    Mechanism.LOGIN: _Login,
    Mechanism.CRAM_MD5: _CramMd5,
    Mechanism.OAUTHBEARER: _OAuth,
    Mechanism.XOAUTH2: _OAuth,
}


def _decoded(challenge: bytes) -> bytes:
    try:
        return b64decode(challenge.strip(), validate=True)
    except ValueError:
        raise StageFault("net.protocol", challenge) from None
