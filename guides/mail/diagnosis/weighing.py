"""Which of the causes in a text is the first: the innermost remote reply before a report's own words, a cause before
the consequence that a program draws from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from guides.mail.diagnosis.judging import HIGH, LEAST, MAX_CAUSES, Basis, Cause, best
from guides.mail.diagnosis.utterances import Speaker, Utterance

_PLAUSIBLE = 0.5  # a cause from this confidence on comes before a consequence
_SECOND_HAND = 0.6  # factor for a program's summary beside the reply that it sums up
_TROUBLE = 0.7  # the confidence that a server's own trouble needs, to be a reason
_SHARE = 0.45  # of the first cause's confidence that a further cause needs

# How an attempt ended, or where something failed, without the reason.
CONSEQUENCES = frozenset(
    {"route.expired", "system.mailer", "smtp.temp", "smtp.other", "rcpt.generic", "generic.hidden", "net.generic"}
    | {"unknown.unknown", "auto.delayed", "smtp.policy"}
)
# A heading names the first; a sentence below it is more exact.
_FINER = {
    "rcpt.unknown": ("rcpt.domain_unknown",),
    "dns.nxdomain": ("dns.temp",),
    "auth.rejected": ("auth.app_password_required", "auth.protocol_disabled", "auth.smtp_auth_disabled", "auth.locked"),
}
_EMPTY = re.compile(r"(?i)service (?:is )?(?:currently )?unavailable|transaction failed|mailer error|exit status")


@dataclass(frozen=True, slots=True)
class Judged:
    """An utterance with its causes; `is_field`: it is the diagnosis in a report's field of a recipient (RFC 3464)."""

    utterance: Utterance
    causes: Sequence[Cause]
    is_field: bool = False

    @property
    def remote(self) -> bool:
        """Whether another server or the visitor's own server said it, in its own words."""
        return self.utterance.direct and self.utterance.speaker in (Speaker.FOREIGN, Speaker.OWN)


def weighed(found: Sequence[Judged]) -> tuple[Cause, ...]:
    """The causes of all utterances, each class once, at most MAX_CAUSES, without far weaker ones than the first.

    Where a remote reply is clear, prose may only support its classes.
    """
    replied = [one for one in found if one.remote and one.causes]
    clear = [one for one in replied if one.is_field and _is_reason(one.causes[0]) and one.causes[0].confidence >= HIGH]
    named = {cause.name for one in clear for cause in one.causes}
    said = {cause.name for one in replied for cause in one.causes}
    rows: list[Cause] = []
    for one in found:
        causes = one.causes
        if clear and not one.is_field:
            causes = [cause for cause in causes if cause.name in named and Basis.PATTERN in cause.why]
        elif replied and not one.remote and one.utterance.speaker is Speaker.REPORTER:
            causes = [
                cause if cause.name in said else replace(cause, confidence=round(cause.confidence * _SECOND_HAND, 3))
                for cause in causes
            ]
        rows += causes
    causes = best(rows)
    if not causes:
        return ()
    causes = _reasons_first(causes)
    least = max(LEAST, causes[0].confidence * _SHARE)
    return tuple(cause for cause in causes if cause.confidence >= least)[:MAX_CAUSES]


def _is_reason(cause: Cause) -> bool:
    if cause.name.startswith("system.") and cause.confidence < _TROUBLE:
        return False  # "error" and "failure" stand in any reply
    return cause.name not in CONSEQUENCES and not _EMPTY.fullmatch(cause.matched)


def _reasons_first(causes: list[Cause]) -> list[Cause]:
    """Consequences behind the first plausible reason, and less sure than it."""
    reason = next((cause for cause in causes if _is_reason(cause) and cause.confidence >= _PLAUSIBLE), None)
    if reason is None:
        return causes
    finer = next(
        (
            one
            for one in causes
            if one.name in _FINER.get(reason.name, ()) and one.confidence > reason.confidence - 0.15
        ),
        None,
    )
    if finer is not None:
        causes.remove(finer)
        finer = replace(finer, confidence=max(finer.confidence, reason.confidence))
        return _reasons_first([finer, *causes])
    place = causes.index(reason)
    above = [replace(cause, confidence=round(reason.confidence - 0.01, 3)) for cause in causes[:place]]
    return [reason, *above, *causes[place + 1 :]]
