"""Explaining a pasted text, a bounce or another automatic message: its causes, their owners and the reasons.

No network, no database, no state. Bounded: a text of a megabyte takes well under a second.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from guides.mail.diagnosis import bounces, markers
from guides.mail.diagnosis.bounces import Bounce, Kind, Recipient
from guides.mail.diagnosis.classes import owner_of
from guides.mail.diagnosis.enhanced import ENHANCED
from guides.mail.diagnosis.judging import HIGH, LEAST, MAX_CAUSES, OWN_SIDE, Basis, Cause, best, judge
from guides.mail.diagnosis.messages import (
    MAX_BYTES,
    MAX_TEXT,
    Parts,
    decoded,
    looks_like_message,
    take_apart,
    text_of_html,
)
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.diagnosis.statements import Statement, plain, statement_of, statements

JUDGING_SECONDS = 2.0  # of the thread's processor time; a text of 120 statements takes a tenth of a second
MAX_FORWARDED = 8  # levels of forwarded messages

_AUTO = {
    Kind.DELAYED: "auto.delayed",
    Kind.DELIVERED: "auto.delivered",
    Kind.FEEDBACK: "auto.feedback",
    Kind.VACATION: "auto.vacation",
    Kind.CHALLENGE: "auto.challenge",
}
_ARCHIVES = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
    b"%PDF",
    b"\xd0\xcf\x11\xe0",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
)

# Control characters that do not occur in text; ESC does, in ISO-2022-JP.
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1b")

ProviderOf = Callable[[Sequence[str]], str | None]


class NotTextError(ValueError):
    """The input is not a text: a picture, an archive, a program. The message names the kind."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The meaning of a text. `causes`: at most three, the likeliest first; may be empty.

    `provider`, `domain` and `hosts` are the visitor's, as far as recognised.
    """

    causes: tuple[Cause, ...] = ()
    bounce: Bounce | None = None
    provider: str | None = None
    domain: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether the first cause has a high confidence."""
        return bool(self.causes) and self.causes[0].confidence >= HIGH


def diagnose(
    source: str | bytes, patterns: PatternSet | None = None, *, provider_of: ProviderOf | None = None
) -> Explanation:
    """Explain a text or a whole message. `provider_of` finds a provider by host names and domains, in addition to the
    built-in markers. Raises NotTextError only.
    """
    patterns = PatternSet() if patterns is None else patterns
    data = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    data = data[:MAX_BYTES]
    _refuse_binary(data)
    if looks_like_message(data):
        return _of_message(_innermost(data), patterns, provider_of)
    text = source[:MAX_BYTES] if isinstance(source, str) else decoded(data)
    return _of_text(text[: MAX_TEXT * 2], patterns, provider_of)


def _refuse_binary(data: bytes) -> None:
    head = data[:4096]
    if head.startswith(_ARCHIVES):
        raise NotTextError("archive")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    odd = len(head) - len(head.translate(None, _CONTROLS))
    if odd > len(head) // 50 + 2:
        raise NotTextError("binary")


def _innermost(data: bytes) -> Parts:
    """A message, or the bounce that it contains."""
    parts = take_apart(data)
    for _ in range(MAX_FORWARDED):
        if parts.statuses or parts.feedback or parts.receipts or not parts.nested:
            break
        if not looks_like_message(parts.nested[0]):
            break
        inner = take_apart(parts.nested[0])
        if not (inner.statuses or inner.nested or _from_a_server(inner)) or (
            _from_a_server(parts) and not inner.statuses
        ):
            break
        parts = inner
    return parts


def _from_a_server(parts: Parts) -> bool:
    return bounces.kind_of(parts, [], "\n".join(parts.texts)) is not None


def _of_message(parts: Parts, patterns: PatternSet, provider_of: ProviderOf | None) -> Explanation:
    human = bounces.without_original(plain("\n".join(parts.texts)))
    reporter, recipients = bounces.recipients_in("\n\n".join(parts.statuses))
    if not recipients and bounces.holds_fields(human):
        reporter, recipients = bounces.recipients_in(human)
    kind = bounces.kind_of(parts, recipients, human)
    sender = bounces.sender_domain_of(parts)
    if kind is None:  # an ordinary message, which may quote an error
        return _of_text(human or "\n".join(parts.texts), patterns, provider_of)
    return _of_bounce(kind, human, reporter or _reporter(parts), recipients, sender, patterns, provider_of)


def _reporter(parts: Parts) -> str:
    match = re.search(r"@([\w-]+(?:\.[\w-]+)+)", parts.header("From"))
    return match.group(1).lower() if match else ""


def _of_text(text: str, patterns: PatternSet, provider_of: ProviderOf | None) -> Explanation:
    read = plain(text)
    if re.search(r"(?i)<(?:html|body|div|p|br|table)\b", read[:20_000]):
        read = text_of_html(read)
    if bounces.holds_fields(read):
        human = bounces.without_original(read)
        reporter, recipients = bounces.recipients_in(read)
        kind = Kind.FAILURE
        actions = {recipient.action for recipient in recipients}
        if "delayed" in actions and "failed" not in actions:
            kind = Kind.DELAYED
        elif actions and actions <= {"delivered", "relayed", "expanded"}:
            kind = Kind.DELIVERED
        return _of_bounce(kind, human, reporter, recipients, "", patterns, provider_of)
    kind_seen = bounces.kind_of_text(read)
    if kind_seen is not None and kind_seen is not Kind.FAILURE:
        return _of_bounce(kind_seen, bounces.without_original(read), "", [], "", patterns, provider_of)
    provider, domain, hosts = _own_side(read, provider_of)
    bounced = kind_seen is Kind.FAILURE
    human = bounces.without_original(read) if bounced else read
    found = _judged(human, patterns, provider, bounced=False)
    if bounced:
        found += _judged(human, patterns, provider, bounced=True)
    causes = _merged(found)
    bounce = None
    if bounced and causes and causes[0].name.partition(".")[0] not in OWN_SIDE:
        bounce = Bounce(Kind.FAILURE, recipients=tuple(Recipient(address) for address in bounces.named_in(human)))
    if not causes or causes[0].name.partition(".")[0] not in OWN_SIDE:
        domain = ""  # an address in it may be the recipient's
    return Explanation(causes, bounce, provider, domain, hosts)


def _judged(text: str, patterns: PatternSet, provider: str | None, *, bounced: bool) -> list[list[Cause]]:
    """The causes of each statement of a text, as far as they are found within JUDGING_SECONDS."""
    end = time.thread_time() + JUDGING_SECONDS
    found: list[list[Cause]] = []
    for statement in statements(text):
        found.append(judge(statement, patterns, provider, bounced=bounced))
        if time.thread_time() > end:
            break
    return found


def _of_bounce(
    kind: Kind,
    human: str,
    reporter: str,
    recipients: list[Recipient],
    sender: str,
    patterns: PatternSet,
    provider_of: ProviderOf | None,
) -> Explanation:
    provider, _, hosts = _own_side(f"{human[:20_000]}\n" + "\n".join(r.diagnostic for r in recipients), provider_of)
    judged: list[Recipient] = []
    found: list[list[Cause]] = []
    for recipient in recipients:
        own_causes = _of_recipient(recipient, patterns, provider)
        judged.append(replace(recipient, cause=own_causes[0].name if own_causes else ""))
        found.append(own_causes)
    own = [causes for recipient, causes in zip(judged, found, strict=True) if _counts(recipient, kind)]
    sure = any(causes and causes[0].confidence >= HIGH for causes in own)
    prose = _judged(human, patterns, provider, bounced=True)
    if sure:  # the report's fields are clear: prose may only support the same classes
        named = {cause.name for causes in own for cause in causes}
        prose = [[cause for cause in causes if cause.name in named and Basis.PATTERN in cause.why] for causes in prose]
    causes = _merged([*own, *prose])
    if kind is not Kind.FAILURE:
        rest = tuple(replace(cause, confidence=round(cause.confidence * 0.6, 3)) for cause in causes)
        name = _AUTO[kind]
        first = Cause(name, owner_of(name), 0.9, line=_first_line(human), why=(Basis.KIND,))
        causes = (first, *(rest if kind is Kind.DELAYED else ()))[:MAX_CAUSES]
    if not judged:
        judged = [Recipient(address) for address in bounces.named_in(human)]
    bounce = Bounce(kind, reporter, sender, tuple(judged))
    return Explanation(causes, bounce, provider, sender, hosts)


def _counts(recipient: Recipient, kind: Kind) -> bool:
    """Whether a recipient's cause counts: in a failure report, not if its delivery succeeded or is only delayed."""
    return (
        kind is not Kind.FAILURE
        or recipient.action in ("failed", "")
        or recipient.action not in ("delivered", "relayed", "expanded", "delayed")
    )


def _of_recipient(recipient: Recipient, patterns: PatternSet, provider: str | None) -> list[Cause]:
    line = recipient.diagnostic
    status = ENHANCED.search(recipient.status)
    statement = statement_of(_untyped(line), direct=True) if line else None
    if statement is not None and status is not None and not ENHANCED.search(statement.text):
        statement = replace(statement, layers=(*statement.layers, f"{statement.text} ({status.group()})"))
    if statement is None and status is not None:
        statement = Statement(status.group(), (status.group(),), direct=True)
    return judge(statement, patterns, provider, bounced=True) if statement is not None else []


def _untyped(line: str) -> str:
    """A diagnostic without its type. A bare number of a Unix program is its exit status (sysexits.h)."""
    line = re.sub(r"^\s*x-unix\s*;\s*(?=\d{1,3}\s*$)", "exit status ", line, flags=re.IGNORECASE)
    return re.sub(r"^\s*(?:smtp|x-[\w-]+|lmtp|dns|local|unix|500)\s*;\s*", "", line, flags=re.IGNORECASE)


def _merged(found: list[list[Cause]]) -> tuple[Cause, ...]:
    """The causes of all statements, each class once, at most three, without ones that are far weaker than the first."""
    causes = best([cause for causes in found for cause in causes])
    if not causes:
        return ()
    least = max(LEAST, causes[0].confidence * 0.45)
    return tuple(cause for cause in causes if cause.confidence >= least)[:MAX_CAUSES]


def _first_line(text: str) -> str:
    return next((line.strip()[:300] for line in text.splitlines() if line.strip()), "")


def _own_side(text: str, provider_of: ProviderOf | None) -> tuple[str | None, str, tuple[str, ...]]:
    """The recognised provider, the visitor's domain if it is in the text, and the mail servers named there."""
    head = text[:20_000]
    hosts = tuple(markers.mail_hosts(head)[:6])
    domains = markers.address_domains(head)[:6]
    names = (*hosts, *domains)
    provider = provider_of(names) if provider_of is not None and names else None
    return provider or markers.provider_in(head), domains[0] if len(domains) == 1 else "", hosts
