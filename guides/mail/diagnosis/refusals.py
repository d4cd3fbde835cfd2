"""The possible causes of a server's refusal in the live test, with their confidence.

The scale is that of pasted texts (`judging.py`): the highest confidence for a provider's own words, then for general
words, then for a code, the lowest for a refusal without a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import re2

from guides.mail.accounts import Protocol
from guides.mail.diagnosis import enhanced, words
from guides.mail.diagnosis.classes import owner_of
from guides.mail.diagnosis.codes import REJECTED, UNKNOWN, Reply, contradicts
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.diagnosis.rulebook import CLEAR, DELIVERY, LIKELY, Rules
from guides.mail.outcomes import PossibleCause, Stage

MOST_CAUSES = 3
MAX_WORDS = 8192  # characters of a refusal that patterns search

PROVIDERS_WORDS = 0.98
KNOWN_WORDS = 0.965
CODE = 0.88
LATE_PRIORITY = 100  # patterns with a larger number come after the built-in rules

_TABLES = {
    Stage.GREETING: (words.CONNECTION,),
    Stage.CAPABILITIES: (words.CONNECTION,),
    Stage.LOGIN: (words.LOGIN, words.TEMPORARY_LOGIN, words.CONNECTION),
    Stage.ENVELOPE: (words.SENDER, words.RECIPIENT, words.CONNECTION),
    Stage.DELIVERY: (words.MESSAGE, words.SENDER, words.RECIPIENT, words.CONNECTION),
}
_OF_DELIVERY = (Stage.ENVELOPE, Stage.DELIVERY)


# Classes that stand for several causes by definition.
AMBIGUOUS: Mapping[str, tuple[str, ...]] = {
    "auth.user_or_disabled_ambiguous": (REJECTED, "auth.protocol_disabled"),
    "tls.chain_or_unknown_ca": ("tls.chain_incomplete", "tls.unknown_ca"),
}

# A refusal without a reason is no alternative to a reason, unless the words say "or".
_GENERAL = frozenset(
    {REJECTED, UNKNOWN, "auth.authz", "rcpt.generic", "smtp.other", "smtp.policy", "smtp.sender_generic", "smtp.temp"}
    | {"auth.temp_unavailable", "auth.contact_admin", "mbox.temp", "mbox.noperm", "net.protocol"}
)

# Codes of a refused login that give a reason of their own, independent of the words.
_SPEAKING: Mapping[str, str] = {
    "EXPIRED": "auth.expired_password",
    "PRIVACYREQUIRED": "auth.encryption_required",
    "5.7.11": "auth.encryption_required",
    "5.7.13": "auth.account_disabled",
}

_EITHER = re2.compile(r"(?i)^[^.;:]{0,30}(\bor\b|\boder\b|\bили\b|または|もしくは|あるいは)[^.;:]{0,30}$")


def judge_refusal(
    reply: Reply, cause: str, patterns: PatternSet, *, protocol: Protocol, stage: Stage, provider: str | None
) -> tuple[PossibleCause, ...]:
    """The causes of a refusal, the likeliest first: by staff's patterns, then `cause`, which is from codes and words.

    There are several when patterns of the same rank disagree, the words say "or", or code and words give different
    reasons.
    """
    found = patterns.matches(reply.words[:MAX_WORDS], protocol=protocol, stage=stage, provider=provider)
    matched = [_of(match.pattern) for match in found if not contradicts(reply, match.pattern.cause)]
    first = matched[0] if matched else PossibleCause(cause, owner_of(cause), _sureness(reply, cause, stage))
    if first.name in AMBIGUOUS:
        return by_definition(first, protocol)
    if matched:
        rivals = [other for other in matched[1:] if other.name not in _GENERAL and first.name not in _GENERAL]
    else:
        rivals = [
            PossibleCause(name, owner_of(name), min(first.confidence, _sureness(reply, name, stage)))
            for name in _rivals(reply, cause, stage)
            if not contradicts(reply, name)
        ]
    return (first, *rivals)[:MOST_CAUSES]


def by_definition(first: PossibleCause, protocol: Protocol) -> tuple[PossibleCause, ...]:
    """An ambiguous class, then the causes that it stands for."""
    names = AMBIGUOUS[first.name]
    if protocol is Protocol.SMTP:
        names = tuple("auth.smtp_auth_disabled" if name == "auth.protocol_disabled" else name for name in names)
    share = round(first.confidence / len(names), 3)
    return (first, *(PossibleCause(name, owner_of(name), share) for name in names))


def _of(pattern: Pattern) -> PossibleCause:
    sure = KNOWN_WORDS if pattern.provider is None else PROVIDERS_WORDS
    confidence = min(sure, LIKELY) if pattern.priority > LATE_PRIORITY else sure
    return PossibleCause(pattern.cause, pattern.owner or owner_of(pattern.cause), confidence, pattern.article or None)


def _rivals(reply: Reply, cause: str, stage: Stage) -> Iterator[str]:
    """The other causes that words and code indicate."""
    named = dict.fromkeys(name for line in reply.words.splitlines() for name in _either(line, cause, stage))
    by_code = _SPEAKING.get(reply.code) if stage is Stage.LOGIN and not reply.temporary else None
    if by_code is not None and cause not in _GENERAL:
        named[by_code] = None
    named.pop(cause, None)
    return iter(named)


def _either(line: str, cause: str, stage: Stage) -> list[str]:
    """The causes in a line that an "or" joins to `cause`."""
    spans: dict[str, tuple[int, int]] = {}
    for table in _tables(stage):
        for name, expression in table:
            match = expression.search(line[: words.MAX_LINE])
            if match is not None:
                spans.setdefault(name, match.span())
    own = spans.get(cause)
    if own is None:
        return []
    return [
        name
        for name, (start, end) in spans.items()
        if (end <= own[0] and _EITHER.search(line[end : own[0]]))
        or (own[1] <= start and _EITHER.search(line[own[1] : start]))
    ]


def _sureness(reply: Reply, cause: str, stage: Stage) -> float:
    """The confidence from codes and words, without patterns."""
    if cause == UNKNOWN:
        return 0.0
    if stage in _OF_DELIVERY:
        return _sureness_of_delivery(reply, cause, stage)
    if reply.code:
        return CODE
    return CLEAR if _says(reply, cause, stage) else LIKELY


def _sureness_of_delivery(reply: Reply, cause: str, stage: Stage) -> float:
    """The same for a delivery, where codes are often used wrongly and words count more."""
    if _says(reply, cause, stage):
        return CLEAR
    hit = next((hit for hit in Rules.of(*DELIVERY).hits(reply.words) if hit.cause == cause), None)
    if hit is not None:
        return hit.strength
    by_code = enhanced.class_of(reply.code, reply.status)
    return by_code[1] if by_code is not None and by_code[0] == cause else enhanced.BARE


def _says(reply: Reply, cause: str, stage: Stage) -> bool:
    """Whether a line of the reply has words for `cause`."""
    tables = [tuple(row for row in table if row[0] == cause) for table in _tables(stage)]
    return words.cause_in(reply.words, *tables) is not None


def _tables(stage: Stage) -> tuple[words.Table, ...]:
    return _TABLES.get(stage, (words.MAILBOX,))
