"""Parsing bounces and other automatic messages: the kind of message, and the fields of each recipient."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from guides.mail.diagnosis.messages import Parts
from guides.mail.diagnosis.rulebook import phrases


class Kind(StrEnum):
    """The kinds of automatic messages."""

    FAILURE = "failure"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    FEEDBACK = "feedback"
    VACATION = "vacation"
    CHALLENGE = "challenge"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a report (RFC 3464, section 2.3), or of a bounce that names them in prose."""

    address: str
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    remote: str = ""
    cause: str = ""  # the class of its diagnostic text


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report: its kind, the reporting server, and the recipients."""

    kind: Kind
    reporter: str = ""  # the reporting server, as it names itself
    sender_domain: str = ""  # of the sender of the returned message
    recipients: tuple[Recipient, ...] = ()


MAX_RECIPIENTS = 20

_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)$")
_TYPED = re.compile(r"^\s*[\w-]+\s*;\s*")
_FIELDS = frozenset(
    {"final-recipient", "original-recipient", "action", "status", "diagnostic-code", "remote-mta", "reporting-mta"}
)
_STARTS = ("original-recipient", "final-recipient")

_FROM_MAILER = phrases("from-mailer")
_SUBJECT_FAILURE = phrases("subject-failure")
_SUBJECT_DELAY = phrases("subject-delay")
_SUBJECT_DELIVERED = phrases("subject-delivered")
_SUBJECT_AWAY = phrases("subject-away")
_TEXT_AWAY = phrases("text-away")
_TEXT_DELAY = phrases("text-delay")
_TEXT_CHALLENGE = phrases("text-challenge")
_TEXT_DELIVERED = phrases("text-delivered")
_TEXT_FAILURE = phrases("text-failure")
_ORIGINAL = phrases("original-follows", whole_line=True)
_LINE_START = re.compile(r"(?:^|\n)[ \t>*-]{0,8}<?\Z")
_DESK = re.compile(r"(?i)(?:abuse|postmaster|mailer-daemon|no-?reply|support|help|hostmaster)@")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")


def without_original(text: str) -> str:
    """The part of a bounce that the reporting system wrote, without the returned message."""
    for match in _ORIGINAL.finditer(text):
        if sum(char.isalpha() for char in text[: match.start()]) >= 40:
            return text[: match.start()]
    return text


def fields_in(text: str) -> list[dict[str, str]]:
    """The groups of fields in a report: first the message's, then each recipient's. Folded lines are joined."""
    groups: list[dict[str, str]] = []
    group: dict[str, str] = {}
    last = ""
    for line in text.splitlines()[:2000]:
        match = _FIELD.match(line)
        if match:
            name, value = match.group(1).lower(), match.group(2).strip()
            if name in _STARTS and any(key in group for key in ("action", "status", "diagnostic-code", name)):
                groups.append(group)
                group = {}
            if name not in group:
                group[name] = value
            last = name
        elif line[:1] in (" ", "\t") and line.strip() and last:
            group[last] = f"{group[last]} {line.strip()}"
        elif not line.strip() and group:
            groups.append(group)
            group, last = {}, ""
        else:
            last = ""
    return [*groups, group] if group else groups


def holds_fields(text: str) -> bool:
    """Whether a text contains the fields of a delivery report, pasted or sent as plain text."""
    names = {match.group(1).lower() for match in map(_FIELD.match, text.splitlines()[:2000]) if match}
    return len(names & _FIELDS) >= 2 and bool(names & {"final-recipient", "original-recipient", "diagnostic-code"})


def recipients_in(text: str) -> tuple[str, list[Recipient]]:
    """The reporting server and the recipients of a delivery report."""
    reporter = ""
    recipients: list[Recipient] = []
    for group in fields_in(text):
        reporter = reporter or untyped(group.get("reporting-mta", ""))
        address = group.get("final-recipient") or group.get("original-recipient") or ""
        if not address and not ("diagnostic-code" in group or ("status" in group and "action" in group)):
            continue
        if len(recipients) < MAX_RECIPIENTS:
            recipients.append(
                Recipient(
                    address=untyped(address).strip("<> "),
                    action=group.get("action", "").split(" ")[0].strip(";").lower(),
                    status=group.get("status", "").split(" ")[0],
                    diagnostic=group.get("diagnostic-code", "") or group.get("x-display-reason", ""),
                    remote=untyped(group.get("remote-mta", "")),
                )
            )
    return reporter, recipients


def untyped(value: str) -> str:
    """A field's value without its type: `dns; mx.example.com` is the host."""
    return _TYPED.sub("", value).strip()


def named_in(text: str) -> list[str]:
    """The recipients in a text without fields, in order: addresses at the beginning of a line, else any.

    Such texts also contain contact addresses, which are not recipients.
    """
    named = [(match.group(), match.start()) for match in _ADDRESS.finditer(text[:20_000])]
    leading = [address for address, start in named if _LINE_START.search(text[max(0, start - 20) : start])]
    others = [address for address, _start in named if not _DESK.match(address)]
    return list(dict.fromkeys(leading or others))[:MAX_RECIPIENTS]


def kind_of(parts: Parts, recipients: list[Recipient], human: str) -> Kind | None:
    """The kind of automatic message; None when it does not look like one."""
    subject, sender = parts.header("Subject"), parts.header("From")
    if parts.feedback or re.search(r"(?im)^feedback-type:", human):
        return Kind.FEEDBACK
    if recipients:
        return by_actions(recipients, subject)
    if parts.receipts or (_SUBJECT_DELIVERED.search(subject) and not _SUBJECT_FAILURE.search(subject)):
        return Kind.DELIVERED
    mailer = bool(_FROM_MAILER.search(sender)) or parts.header("Return-Path").strip() == "<>"
    automatic = _is_automatic(parts)
    if _SUBJECT_AWAY.search(subject) and not (_FROM_MAILER.search(sender) and _TEXT_FAILURE.search(human)):
        return Kind.VACATION
    if _SUBJECT_DELAY.search(subject) or (mailer and _TEXT_DELAY.search(human)):
        return Kind.DELAYED
    if mailer and (_SUBJECT_FAILURE.search(subject) or _TEXT_FAILURE.search(human)):
        return Kind.FAILURE
    if _TEXT_CHALLENGE.search(human) and not _TEXT_FAILURE.search(human):
        return Kind.CHALLENGE
    if automatic and not _FROM_MAILER.search(sender) and not _SUBJECT_FAILURE.search(subject):
        return Kind.VACATION if _TEXT_AWAY.search(human) else None
    answered = subject.lower().startswith(("re:", "fwd:", "fw:", "aw:", "wg:"))
    if _SUBJECT_FAILURE.search(subject) and (not answered or _TEXT_FAILURE.search(human)):
        return Kind.FAILURE
    return Kind.FAILURE if mailer else None


def by_actions(recipients: list[Recipient], subject: str) -> Kind:
    """The kind of a report by its recipients' actions (RFC 3464, section 2.3.3); `deliverable` is Postfix's own."""
    actions = {recipient.action for recipient in recipients}
    if recipients and all(recipient.status.startswith("2.") for recipient in recipients) and "failed" not in actions:
        return Kind.DELIVERED
    if "failed" in actions or not actions & {"delayed", "delivered", "relayed", "expanded", "deliverable"}:
        return Kind.DELAYED if not actions - {""} and _SUBJECT_DELAY.search(subject) else Kind.FAILURE
    return Kind.DELAYED if "delayed" in actions else Kind.DELIVERED


def _is_automatic(parts: Parts) -> bool:
    """Whether a message is marked as an automatic response (RFC 3834)."""
    return (
        parts.header("Auto-Submitted").lower().startswith("auto-replied")
        or any(parts.header(name) for name in ("X-Autoreply", "X-Autorespond", "X-Vacation"))
        or parts.header("Precedence").lower() in ("auto_reply", "auto-reply")
    )


def kind_of_text(text: str) -> Kind | None:
    """The same for a text without headers, as copied from a screen."""
    if re.search(r"(?im)^feedback-type:", text):
        return Kind.FEEDBACK
    if _TEXT_DELIVERED.search(text) and not _TEXT_FAILURE.search(text):
        return Kind.DELIVERED
    if _TEXT_DELAY.search(text):
        return Kind.DELAYED
    head = text[:300]
    if _SUBJECT_AWAY.search(head) and not _TEXT_FAILURE.search(text):
        return Kind.VACATION
    if _TEXT_FAILURE.search(text):
        return Kind.FAILURE
    return Kind.CHALLENGE if _TEXT_CHALLENGE.search(text) else None


def sender_domain_of(parts: Parts) -> str:
    """The domain of the sender of the returned message: from its headers, else from the bounce's To."""
    for original in parts.originals:
        match = re.search(r"(?im)^from:[^\n]*?@([\w-]+(?:\.[\w-]+)+)", original)
        if match:
            return match.group(1).lower()
    match = re.search(r"@([\w-]+(?:\.[\w-]+)+)", parts.header("To"))
    return match.group(1).lower() if match else ""
