"""The results of a connection test: stages, outcomes, owners, and the dataclasses that hold them.

The values are part of the interface (`testmail --json`); `docs/classes.md` describes them.
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
    """The steps of a leg, in order. With STARTTLS: connect, greeting, capabilities, tls, capabilities."""

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
    """How a stage ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    BLOCKED = "blocked"  # not run: an earlier stage failed
    SKIPPED = "skipped"  # by choice
    UNCLEAR = "unclear"  # the server's words fit several causes
    OURS = "ours"  # the test itself failed, or the server refuses this portal


class Symptom(StrEnum):
    """What a person sees of an error: the groups of the list of error articles, in their order."""

    CONNECT = "connect"
    SIGN_IN = "sign-in"
    SEND = "send"
    RECEIVE = "receive"
    CERTIFICATE = "certificate"
    BOUNCE = "bounce"
    OTHER = "other"


class Owner(StrEnum):
    """The party that can fix a cause."""

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
    """A server's reply: decoded, redacted, control and bidi characters made visible, cut at 500 characters."""

    text: str
    before_encryption: bool = False  # received without TLS, so it can have been altered in transit


@dataclass(frozen=True, slots=True)
class PossibleCause:
    """One of several causes that a server's reply can have. `article` and `next_step` as in `StageResult`."""

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
    article: str | None = None  # slug of the error article that a matching pattern names; None: chosen by cause
    started: datetime | None = None  # in UTC; None when the stage did not run, or another test's result was used
    confidence: float | None = None  # 0 to 1; None without a cause
    next_step: str = ""  # title of the article that says what to do; set when the result is written out
    causes: tuple[PossibleCause, ...] = ()  # when several fit: at most three, the likeliest, `cause`, first


@dataclass(frozen=True, slots=True)
class Alternative:
    """Settings that work as far as the login, found after `instead_of` had failed. Tried without a password."""

    leg: Leg
    instead_of: Server
    server: Server


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the whole test, after comparing the legs."""

    outcome: Outcome
    legs: dict[Leg, Outcome]
    cause: str | None = None
    owner: Owner | None = None
    milliseconds: int = 0
    article: str | None = None
    leg: Leg | None = None  # the leg whose failure decided the verdict
    confidence: float | None = None  # this and the next two as in `StageResult`
    next_step: str = ""
    causes: tuple[PossibleCause, ...] = ()
    alternatives: tuple[Alternative, ...] = ()  # at most one for a leg that failed before its login


PROTOCOL_OF_LEG = {Leg.IMAP: Protocol.IMAP, Leg.POP3: Protocol.POP3, Leg.SMTP: Protocol.SMTP}


def causes_of(found: StageResult | Verdict) -> tuple[PossibleCause, ...]:
    """All causes of a result, the likeliest first."""
    if found.causes or found.cause is None or found.owner is None:
        return found.causes
    confidence = 1.0 if found.confidence is None else found.confidence
    return (PossibleCause(found.cause, found.owner, confidence, found.article, found.next_step),)
