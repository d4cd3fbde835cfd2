"""What the connection test says: stages, outcomes, owners, and the records that carry them.

The names are contract (`testmail --json`); `docs/classes.md` describes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from guides.mail.accounts import Protocol, Security, Server


class Leg(StrEnum):
    """One side of the test."""

    IMAP = "imap"
    POP3 = "pop3"
    SMTP = "smtp"
    DELIVERY = "delivery"


class Stage(StrEnum):
    """Steps of a leg in their order. With STARTTLS: connect, greeting, capabilities, tls, capabilities."""

    INPUT = "input"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    CAPABILITIES = "capabilities"
    LOGIN = "login"
    IDENTITY = "identity"
    MAILBOX = "mailbox"
    QUOTA = "quota"
    FOLDERS = "folders"
    ENVELOPE = "envelope"
    DELIVERY = "delivery"


class Outcome(StrEnum):
    """How a stage ended: a closed set."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    BLOCKED = "blocked"  # not run: an earlier stage failed
    SKIPPED = "skipped"  # by choice
    UNCLEAR = "unclear"  # the server's words fit several causes
    OURS = "ours"  # the test itself failed, or the server refuses this portal


class Owner(StrEnum):
    """Who can fix a cause."""

    VISITOR = "visitor"
    ADMIN = "admin"
    PROVIDER = "provider"
    RECIPIENT = "recipient"
    SENDER_NETWORK = "sender_network"
    PROGRAM = "program"
    PORTAL = "portal"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A server's own words: decoded, redacted, control and bidi characters made visible, cut at 500 characters."""

    text: str
    before_encryption: bool = False  # anybody on the way could have written it


@dataclass(frozen=True, slots=True)
class PossibleCause:
    """One of the causes that a server's words fit. `article` and `next_step` are as of a stage."""

    name: str
    owner: Owner
    confidence: float
    article: str | None = None
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class StageResult:
    """One finished stage of one leg."""

    leg: Leg
    stage: Stage
    outcome: Outcome
    cause: str | None = None  # a class of `guides.mail.diagnosis.classes`, e.g. "auth.rejected"
    owner: Owner | None = None
    milliseconds: int = 0
    host: str = ""
    ip_address: str = ""
    port: int = 0
    security: Security | None = None
    evidence: tuple[Evidence, ...] = ()
    details: dict[str, str] = field(default_factory=dict)  # named facts for the page: protocol, cipher, expires ...
    article: str | None = None  # slug of an error article that a matching pattern names; else chosen by cause
    started: datetime | None = None  # in UTC; None for what was not run, or was seen by another test
    confidence: float | None = None  # 0 to 1: how sure the cause is; None where there is none
    next_step: str = ""  # title of the article that says what to do, where the record is written
    causes: tuple[PossibleCause, ...] = ()  # where several fit, the likeliest first, which is `cause`; at most three


@dataclass(frozen=True, slots=True)
class Alternative:
    """Settings that answer, in the place of some that did not. They were tried without a password."""

    leg: Leg
    instead_of: Server
    server: Server


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the whole test comes to, after comparing the legs."""

    outcome: Outcome
    legs: dict[Leg, Outcome]
    cause: str | None = None
    owner: Owner | None = None
    milliseconds: int = 0
    article: str | None = None
    leg: Leg | None = None  # the leg whose failure the verdict speaks of
    confidence: float | None = None  # as of a stage
    next_step: str = ""  # as of a stage
    causes: tuple[PossibleCause, ...] = ()  # as of a stage
    alternatives: tuple[Alternative, ...] = ()  # at most one for a leg that failed before its login


PROTOCOL_OF_LEG = {Leg.IMAP: Protocol.IMAP, Leg.POP3: Protocol.POP3, Leg.SMTP: Protocol.SMTP}


def causes_of(found: StageResult | Verdict) -> tuple[PossibleCause, ...]:
    """All causes of a record, the likeliest first; none where it names none."""
    if found.causes or found.cause is None or found.owner is None:
        return found.causes
    confidence = 1.0 if found.confidence is None else found.confidence
    return (PossibleCause(found.cause, found.owner, confidence, found.article, found.next_step),)
