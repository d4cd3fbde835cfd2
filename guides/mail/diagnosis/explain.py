"""Explaining a pasted text, a bounce or another automatic message: its causes, their owners and the reasons.

No network, no database, no state. Bounded: a text of a megabyte takes well under a second.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from guides.mail.diagnosis import bounces, markers
from guides.mail.diagnosis.bounces import Bounce, Kind, Recipient
from guides.mail.diagnosis.classes import Context, owner_of
from guides.mail.diagnosis.enhanced import ENHANCED
from guides.mail.diagnosis.judging import HIGH, MAX_CAUSES, OWN_SIDE, Basis, Cause, judge
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
from guides.mail.diagnosis.second_opinion import confirmed
from guides.mail.diagnosis.unwrapping import event_in
from guides.mail.diagnosis.utterances import Speaker, Utterance, plain, utterance_of, utterances
from guides.mail.diagnosis.weighing import Judged, weighed

LONGEST_OPINION = 500  # characters
JUDGING_SECONDS = 2.0  # of the thread's processor time; a text of 120 utterances takes a tenth of a second
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


def essence(source: str | bytes) -> str:
    """The words of a text that give a reason, as the second opinion reads them: replies first, then prose."""
    data = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    found: list[Utterance] = []
    if looks_like_message(data):
        parts = _innermost(data[:MAX_BYTES])
        whole = plain("\n".join(parts.texts))
        _, recipients = bounces.recipients_in("\n\n".join(parts.statuses) or whole)
        for recipient in recipients[:2]:
            said = utterance_of(_untyped(recipient.diagnostic), direct=True, bounced=True)
            found += [said] if said is not None else []
        found += utterances(bounces.without_original(whole), bounced=True)
    else:
        text = source if isinstance(source, str) else decoded(data)
        found += utterances(text[:MAX_TEXT])
    return essential(found)


def essential(found: Sequence[Utterance]) -> str:
    """The innermost words of some utterances, replies first, each once."""
    ordered = sorted(found, key=lambda one: not one.direct)
    return " / ".join(dict.fromkeys(one.layers[0][:300] for one in ordered))[:LONGEST_OPINION]


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
    whole = plain("\n".join(parts.texts))
    human = bounces.without_original(whole)
    reporter, recipients = bounces.recipients_in("\n\n".join(parts.statuses))
    if not recipients and bounces.holds_fields(whole):  # a report inside a text, where an original would be cut off
        reporter, recipients = bounces.recipients_in(whole)
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
    event = event_in(read)
    if event is not None and (event.kind is not None or event.lines):
        read = "\n".join(event.lines)
        if event.kind is not None:
            found = _of_bounce(event.kind, read, "", [], "", patterns, provider_of)
            if event.kind is not Kind.DELAYED or len(found.causes) < 2:
                return found
            return replace(found, causes=found.causes[1:] + found.causes[:1])  # the reason, then that it is delayed
    if bounces.holds_fields(read):
        human = bounces.without_original(read)
        reporter, recipients = bounces.recipients_in(read)
        kind = bounces.by_actions(recipients, "")
        return _of_bounce(kind, human, reporter, recipients, "", patterns, provider_of)
    kind_seen = bounces.kind_of_text(read)
    if kind_seen is not None and kind_seen is not Kind.FAILURE:
        return _of_bounce(kind_seen, bounces.without_original(read), "", [], "", patterns, provider_of)
    provider, domain, hosts = _own_side(read, provider_of)
    bounced = kind_seen is Kind.FAILURE
    human = bounces.without_original(read) if bounced else read
    found_here = [_judged(one, patterns, provider, bounced=_is_foreign(one)) for one in _in_time(utterances(human))]
    if bounced:
        found_here += [
            _judged(one, patterns, provider, bounced=True)
            for one in _in_time(utterances(human, bounced=True))
            if not _is_foreign(one) or one.speaker is Speaker.REPORTER
        ]
    context = Context.FOREIGN if bounced else Context.OWN if any(one.remote for one in found_here) else Context.DIALOG
    causes = confirmed(weighed(found_here), essential([one.utterance for one in found_here]), context)
    bounce = None
    if bounced and causes and causes[0].name.partition(".")[0] not in OWN_SIDE:
        bounce = Bounce(Kind.FAILURE, recipients=tuple(Recipient(address) for address in bounces.named_in(human)))
    if not causes or causes[0].name.partition(".")[0] not in OWN_SIDE:
        domain = ""  # an address in it may be the recipient's
    return Explanation(causes, bounce, provider, domain, hosts)


def _in_time(found: Iterable[Utterance]) -> Iterator[Utterance]:
    """The first utterance, and those after it for JUDGING_SECONDS of this thread's processor time."""
    end = time.thread_time() + JUDGING_SECONDS
    for one in found:
        yield one
        if time.thread_time() > end:
            return


def _is_foreign(utterance: Utterance) -> bool:
    return utterance.speaker in (Speaker.FOREIGN, Speaker.REPORTER)


def _judged(
    utterance: Utterance,
    patterns: PatternSet,
    provider: str | None,
    *,
    bounced: bool,
    senders: frozenset[str] = frozenset(),
) -> Judged:
    return Judged(utterance, judge(utterance, patterns, provider, bounced=bounced, senders=senders))


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
    addressed = {recipient.address.rpartition("@")[2].lower() for recipient in recipients}
    addressed |= {address.rpartition("@")[2].lower() for address in bounces.named_in(human)}
    senders = frozenset([sender] if sender else ()) - addressed
    judged: list[Recipient] = []
    found: list[Judged] = []
    for recipient in recipients:
        own = _of_recipient(recipient, patterns, provider, senders)
        judged.append(replace(recipient, cause=own.causes[0].name if own and own.causes else ""))
        if own is not None and _counts(recipient, kind):
            found.append(own)
    found += [
        _judged(one, patterns, provider, bounced=True, senders=senders)
        for one in _in_time(utterances(human, bounced=True))
    ]
    causes = confirmed(weighed(found), essential([one.utterance for one in found]), Context.FOREIGN) if found else ()
    if kind is not Kind.FAILURE:
        rest = tuple(replace(cause, confidence=round(cause.confidence * 0.6, 3)) for cause in causes)
        name = _AUTO[kind]
        owner = owner_of(name, Context.FOREIGN)
        first = Cause(name, owner, 0.9, line=_first_line(human), why=(Basis.KIND,), context=Context.FOREIGN)
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


def _of_recipient(
    recipient: Recipient, patterns: PatternSet, provider: str | None, senders: frozenset[str]
) -> Judged | None:
    line = recipient.diagnostic
    status = ENHANCED.search(recipient.status)
    said = utterance_of(_untyped(line), direct=True, bounced=True) if line else None
    if said is not None and status is not None and not ENHANCED.search(said.text):
        said = replace(said, layers=(*said.layers, f"{said.text} ({status.group()})"))
    if said is None and status is not None:
        said = Utterance(status.group(), (status.group(),), direct=True, speaker=Speaker.FOREIGN)
    if said is None:
        return None
    return Judged(said, judge(said, patterns, provider, bounced=True, senders=senders), is_field=True)


def _untyped(line: str) -> str:
    """A diagnostic without its type. A bare number of a Unix program is its exit status (sysexits.h)."""
    line = re.sub(r"^\s*x-unix\s*;\s*(?=\d{1,3}\s*$)", "exit status ", line, flags=re.IGNORECASE)
    return re.sub(r"^\s*(?:smtp|x-[\w-]+|lmtp|dns|local|unix|500)\s*;\s*", "", line, flags=re.IGNORECASE)


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
