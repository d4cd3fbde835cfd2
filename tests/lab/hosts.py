"""The lab's hosts: each stands on a loopback address of its own, on the same ports as all others."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.people import DOMAIN


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of the lab. `number` is the last part of its address."""

    number: int
    labels: tuple[str, ...]
    certificate: str = "good"  # a kind of tests.lab.certificates; "" for a host that offers no STARTTLS

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{label}.{DOMAIN}" for label in self.labels)


MAIL = Host(1, ("imap", "pop", "smtp", "mail"))
EXPIRED = Host(2, ("expired",), "expired")
NOT_YET = Host(3, ("notyet",), "not_yet")
SELF_SIGNED = Host(4, ("selfsigned",), "self_signed")
WRONG_NAME = Host(5, ("wrongname",), "wrong_name")
UNKNOWN_CA = Host(6, ("unknownca",), "unknown_ca")
INCOMPLETE = Host(7, ("incomplete",), "incomplete")
PLAIN = Host(8, ("plain",), "")
CLOSED = Host(9, ("closed",))  # nothing listens
SILENT = Host(10, ("silent",))  # accepts, and never says a word
BLACK_HOLE = Host(11, ("blackhole",))  # never answers a SYN
HANG_UP = Host(12, ("hangup",))  # accepts, and closes at once
ECHO = Host(13, ("echo",))  # refuses every login and repeats what it was sent

REAL = (MAIL, EXPIRED, NOT_YET, SELF_SIGNED, WRONG_NAME, UNKNOWN_CA, INCOMPLETE, PLAIN)
HOSTS = (*REAL, CLOSED, SILENT, BLACK_HOLE, HANG_UP, ECHO)


@dataclass(frozen=True, slots=True)
class Ports:
    """One set of ports, the same at every host."""

    imap: int
    imaps: int
    pop3: int
    pop3s: int
    submission: int
    submissions: int
    dns: int

    @classmethod
    def at(cls, base: int) -> Ports:
        """The well-known ports, moved up by `base`."""
        return cls(base + 143, base + 993, base + 110, base + 995, base + 587, base + 465, base + 53)

    def mail(self) -> tuple[int, ...]:
        """Every port but that of the DNS server."""
        return (self.imap, self.imaps, self.pop3, self.pop3s, self.submission, self.submissions)
