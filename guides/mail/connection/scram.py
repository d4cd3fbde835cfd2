"""SCRAM (RFC 5802, 7677): client and server prove to each other that they know the password.

Without channel binding, which mail servers rarely offer and none requires.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable
from secrets import token_urlsafe

# Servers use 4,096 to 100,000 iterations; the limit keeps a hostile server from using seconds of processor time.
MAX_ITERATIONS = 500_000
_ITERATIONS_AT_ONCE = 10_000  # more are computed in a thread, so that the event loop is not blocked
_NO_BINDING = b"n,,"  # GS2 header: no channel binding, no authorization identity

_PROHIBITED: tuple[Callable[[str], bool], ...] = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,  # code points unassigned in Unicode 3.2 are prohibited in stored strings
)


class ScramFault(ValueError):  # noqa: N818
    """The server's message violates the protocol. Contains no part of it."""


def saslprep(text: str) -> str:
    """Prepare a name or password (RFC 4013, as a stored string). Raises ValueError for what it prohibits."""
    if text.isascii() and text.isprintable():  # which it leaves as they are
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(prohibited(char) for char in prepared for prohibited in _PROHIBITED):
        raise ValueError("prohibited character")
    if any(map(stringprep.in_table_d1, prepared)):  # RFC 3454 section 6
        ends_are_right_to_left = stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])
        if any(map(stringprep.in_table_d2, prepared)) or not ends_are_right_to_left:
            raise ValueError("mixed directions")
    return prepared


def is_prepared(text: str) -> bool:
    """Whether SASLprep leaves `text` unchanged, so that it does not matter whether the server uses it."""
    try:
        return saslprep(text) == text
    except ValueError:
        return False


def _prepared(text: str) -> bytes:
    try:
        return saslprep(text).encode()
    except ValueError:  # most servers do not prepare, and compare the password as typed
        return text.encode()


class Scram:
    """The client's side of one authentication. It holds the password, so its `repr` shows nothing."""

    __slots__ = ("__password", "_auth_message", "_digest", "_first_bare", "_nonce", "_server_signature")

    def __init__(self, digest: str, username: str, password: bytes, nonce: str | None = None) -> None:
        self._digest = digest
        self.__password = _prepared(password.decode())
        self._nonce = nonce or token_urlsafe(24)
        name = _prepared(username).replace(b"=", b"=3D").replace(b",", b"=2C")
        self._first_bare = b"n=%s,r=%s" % (name, self._nonce.encode())
        self._auth_message = b""
        self._server_signature = b""

    def __repr__(self) -> str:
        return f"<Scram {self._digest}>"

    def first(self) -> bytes:
        """The client's first message."""
        return _NO_BINDING + self._first_bare

    async def final(self, server_first: bytes) -> bytes:
        """The client's final message. Raises ScramFault when the server's first message is invalid."""
        nonce, salt, iterations = self._read_first(server_first)
        if iterations > _ITERATIONS_AT_ONCE:
            salted = await asyncio.to_thread(hashlib.pbkdf2_hmac, self._digest, self.__password, salt, iterations)
        else:
            salted = hashlib.pbkdf2_hmac(self._digest, self.__password, salt, iterations)
        without_proof = b"c=%s,r=%s" % (b64encode(_NO_BINDING), nonce)
        self._auth_message = b",".join((self._first_bare, server_first, without_proof))
        client_key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._digest, client_key).digest(), self._auth_message)
        proof = bytes(key ^ sign for key, sign in zip(client_key, signature, strict=True))
        self._server_signature = self._hmac(self._hmac(salted, b"Server Key"), self._auth_message)
        return without_proof + b",p=" + b64encode(proof)

    def verifies(self, server_final: bytes) -> bool:
        """Whether the server's final message proves that it knows the password."""
        mark, _, value = server_final.split(b",")[0].partition(b"=")
        if mark != b"v" or not self._server_signature:
            return False
        try:
            signature = b64decode(value, validate=True)
        except ValueError:
            return False
        return hmac.compare_digest(signature, self._server_signature)

    def _read_first(self, message: bytes) -> tuple[bytes, bytes, int]:
        """Nonce, salt and iterations, in this order (RFC 5802 section 7); an extension before them is refused."""
        attributes = [part.partition(b"=") for part in message.split(b",")[:3]]
        if [mark for mark, _, _ in attributes] != [b"r", b"s", b"i"]:
            raise ScramFault("attributes")
        nonce, salt, iterations = (value for _, _, value in attributes)
        if not nonce.startswith(self._nonce.encode()) or len(nonce) == len(self._nonce):
            raise ScramFault("nonce")
        if not iterations.isdigit() or not 0 < len(iterations) < 8 or not 0 < int(iterations) <= MAX_ITERATIONS:
            raise ScramFault("iterations")
        try:
            return nonce, b64decode(salt, validate=True), int(iterations)
        except ValueError:
            raise ScramFault("salt") from None

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, self._digest).digest()
