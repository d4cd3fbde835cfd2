"""A server's refusal in the live test: what it comes to, and how sure that is.

The scale is the one of pasted texts (`judging.py`): the provider's own words make surer than words of anybody's,
these surer than a code, and a bare no says least.
"""

from __future__ import annotations

from dataclasses import dataclass

from guides.mail.accounts import Protocol
from guides.mail.diagnosis import enhanced, words
from guides.mail.diagnosis.classes import owner_of
from guides.mail.diagnosis.codes import UNKNOWN, Reply, contradicts
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.diagnosis.rulebook import CLEAR, DELIVERY, LIKELY, Rules
from guides.mail.outcomes import Owner, Stage

MAX_WORDS = 8192  # of a refusal, handed to the patterns

PROVIDERS_WORDS = 0.98
KNOWN_WORDS = 0.965
CODE = 0.88
LATE_PRIORITY = 100  # patterns with a larger number stand back behind the built-in rules

_TABLES = {
    Stage.GREETING: (words.CONNECTION,),
    Stage.CAPABILITIES: (words.CONNECTION,),
    Stage.LOGIN: (words.LOGIN, words.TEMPORARY_LOGIN, words.CONNECTION),
    Stage.ENVELOPE: (words.SENDER, words.RECIPIENT, words.CONNECTION),
    Stage.DELIVERY: (words.MESSAGE, words.SENDER, words.RECIPIENT, words.CONNECTION),
}
_OF_DELIVERY = (Stage.ENVELOPE, Stage.DELIVERY)


@dataclass(frozen=True, slots=True)
class Judged:
    """One cause that a refusal speaks of. `article` is the one that a pattern names."""

    name: str
    owner: Owner
    confidence: float
    article: str | None = None


def judge_refusal(
    reply: Reply, cause: str, patterns: PatternSet, *, protocol: Protocol, stage: Stage, provider: str | None
) -> Judged:
    """What a refusal comes to: staff's patterns first, then `cause`, which the reply's codes and words gave."""
    match = patterns.match(reply.words[:MAX_WORDS], protocol=protocol, stage=stage, provider=provider)
    if match is not None and not contradicts(reply, match.pattern.cause):
        return _of(match.pattern)
    return Judged(cause, owner_of(cause), _sureness(reply, cause, stage))


def _of(pattern: Pattern) -> Judged:
    sure = KNOWN_WORDS if pattern.provider is None else PROVIDERS_WORDS
    confidence = min(sure, LIKELY) if pattern.priority > LATE_PRIORITY else sure
    return Judged(pattern.cause, pattern.owner or owner_of(pattern.cause), confidence, pattern.article or None)


def _sureness(reply: Reply, cause: str, stage: Stage) -> float:
    """How sure codes and words make by themselves."""
    if cause == UNKNOWN:
        return 0.0
    if stage in _OF_DELIVERY:
        return _sureness_of_delivery(reply, cause, stage)
    if reply.code:
        return CODE
    return CLEAR if _says(reply, cause, stage) else LIKELY


def _sureness_of_delivery(reply: Reply, cause: str, stage: Stage) -> float:
    """Codes are used carelessly there, so that words say more."""
    if _says(reply, cause, stage):
        return CLEAR
    hit = next((hit for hit in Rules.of(*DELIVERY).hits(reply.words) if hit.cause == cause), None)
    if hit is not None:
        return hit.strength
    by_code = enhanced.class_of(reply.code, reply.status)
    return by_code[1] if by_code is not None and by_code[0] == cause else enhanced.BARE


def _says(reply: Reply, cause: str, stage: Stage) -> bool:
    """Whether some line of the reply has words of `cause`."""
    tables = [
        tuple(row for row in table if row[0] == cause) for table in _TABLES.get(stage, (words.MAILBOX, words.LOGIN))
    ]
    return words.cause_in(reply.words, *tables) is not None
