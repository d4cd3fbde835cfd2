"""The limits of a test of a mail server, and the failure of a connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, bytes and counts."""

    dns: float = 4.0
    dns_addresses: int = 8
    cname_chain: int = 8
    connect_each: float = 4.0
    connect_per_family: int = 2
    connect_apart: float = 0.25
    connect_total: float = 10.0
    connect_other_family: float = 1.0  # how long to wait for the other family after one has answered
    tls: float = 6.0
    greeting: float = 12.0
    command: float = 8.0
    message: float = 25.0  # servers filter a message before they accept it
    delivery: float = 40.0
    delivery_poll: float = 0.5  # the first pause; later ones grow
    delivery_slow: float = 15.0
    authentication: float = 25.0  # Dovecot alone delays a failure by up to 15 s
    alternatives: float = 6.0  # the search for other settings, concurrent with the other legs
    leg: float = 45.0
    test: float = 60.0
    line: int = 8 * 1024
    reply_lines: int = 128
    list_lines: int = 1000  # some mailboxes have hundreds of folders; `reply_bytes` also applies
    reply_bytes: int = 64 * 1024
    connection_bytes: int = 256 * 1024
    literal_bytes: int = 4 * 1024
    literals: int = 4
    literal_digits: int = 10
    sasl_continuations: int = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to connect to one address. One that was cancelled because another address answered is not listed."""

    ip: str
    outcome: str | None  # None: connected; else a class, `tcp.*`
    milliseconds: int


class ChannelFault(Exception):  # noqa: N818
    """A connection failed. `cause` is a class of `guides.mail.diagnosis.classes`.

    `evidence` is what the server had sent, raw. It may echo a password, so neither `str` nor `repr` shows it, and it
    is not shortened here, as a redactor cannot find half a password. `is_cut`: it ends within a line.
    """

    def __init__(
        self, cause: str, evidence: bytes = b"", *, is_cut: bool = False, attempts: tuple[Attempt, ...] = ()
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.evidence = evidence
        self.is_cut = is_cut
        self.attempts = attempts
