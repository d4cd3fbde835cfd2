"""IMAP strings (RFC 9051 section 4.3): quoted, or as a literal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """An argument that cannot be quoted."""

    octets: bytes

    def __repr__(self) -> str:
        return "<literal>"


def imap_string(value: bytes) -> list[bytes | Literal]:
    """A value as an IMAP string: quoted where that is allowed, else a literal."""
    if all(0x20 <= octet < 0x7F for octet in value):
        return [b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"']
    return [Literal(value)]
