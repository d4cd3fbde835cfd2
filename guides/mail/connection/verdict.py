"""The verdict of the whole test, from comparing its legs (docs/connection-test.md, "The verdict")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guides.mail.diagnosis.classes import owner_of
from guides.mail.diagnosis.codes import PORTAL_CAUSES
from guides.mail.diagnosis.rulebook import CLEAR
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult, Verdict

# The worst first.
_GRAVITY = (Outcome.FAIL, Outcome.UNCLEAR, Outcome.OURS, Outcome.BLOCKED, Outcome.WARN, Outcome.SKIPPED, Outcome.OK)

# Legs with these outcomes are compared by stage and cause, not by outcome: a refused login is more informative than a
# closed port.
_FAILED = frozenset({Outcome.FAIL, Outcome.UNCLEAR, Outcome.OURS})

# The most informative stage first: login, then the stages after it, then the stages before it.
_TELLING = (
    Stage.LOGIN,
    Stage.IDENTITY,
    Stage.MAILBOX,
    Stage.QUOTA,  # a full mailbox refuses its own message too, in words about a recipient
    Stage.ENVELOPE,
    Stage.DELIVERY,
    Stage.FOLDERS,
    Stage.CAPABILITIES,
    Stage.TLS,
    Stage.GREETING,
    Stage.INPUT,
    Stage.CONNECT,
    Stage.DNS,
)

# The order of causes at one stage. Then follow causes that are not listed, plain refusals, and faults of the portal.
_ORDER = (
    (
        "auth.protocol_disabled",
        "auth.protocol_disabled_by_admin",
        "auth.smtp_auth_disabled",
        "mbox.not_enabled_after_login",
    ),
    ("auth.app_password_required", "auth.authcode_required", "auth.web_login_required", "auth.basic_disabled"),
    ("auth.policy", "auth.plan", "auth.account_suspended", "auth.account_disabled", "auth.contact_admin"),
    ("auth.locked", "auth.throttled", "auth.login_delay", "mbox.conn_limit"),
    ("auth.temp_unavailable", "mbox.temp"),
    ("auth.username_unknown",),
)
_WEIGHT = {cause: weight for weight, causes in enumerate(_ORDER) for cause in causes}

# Refusals without a reason; the other legs may show it.
_PLAIN_REFUSALS = frozenset({"auth.rejected", "auth.user_or_disabled_ambiguous", "auth.authz", "unknown.unknown"})

_COMPARED = CLEAR  # the confidence of a cause that follows from comparing the legs

# Causes named by the server that a fault of the input can explain. It explains no lock and no switched-off protocol.
_EXPLAINED_BY_INPUT = _PLAIN_REFUSALS | {
    "auth.app_password_required",
    "auth.authcode_required",
    "auth.username_unknown",
}

_SWITCHED_OFF = {Leg.IMAP: "cross.imap_off", Leg.POP3: "cross.pop3_off", Leg.SMTP: "cross.smtp_off"}


@dataclass(frozen=True, slots=True)
class _Judgement:
    cause: str | None
    owner: Owner | None
    outcome: Outcome
    article: str | None


def leg_outcome(results: Sequence[StageResult]) -> Outcome:
    """The worst outcome of a leg's stages."""
    outcomes = {result.outcome for result in results}
    run = outcomes - {Outcome.SKIPPED} or outcomes  # skipped stages count only when all were skipped
    return min(run, key=_GRAVITY.index, default=Outcome.BLOCKED)


def verdict(results: Sequence[StageResult], milliseconds: int) -> Verdict:
    """Compare the legs of one finished test."""
    legs: dict[Leg, list[StageResult]] = {}
    for result in results:
        legs.setdefault(result.leg, []).append(result)
    outcomes = {leg: leg_outcome(stages) for leg, stages in legs.items()}
    worst = min(outcomes.values(), key=_GRAVITY.index)
    if worst in (Outcome.OK, Outcome.SKIPPED):
        return Verdict(Outcome.OK, outcomes, milliseconds=milliseconds)
    telling = _FAILED if worst in _FAILED else {worst}
    told = min(
        (result for result in results if result.outcome in telling),
        key=lambda result: (_rank(result), _weight(result), list(Leg).index(result.leg)),
    )
    judged = _judge(told, legs)
    return Verdict(
        judged.outcome,
        outcomes,
        cause=judged.cause,
        owner=judged.owner,
        milliseconds=milliseconds,
        article=judged.article,
        leg=told.leg,
        confidence=told.confidence if judged.cause == told.cause else _COMPARED,
        causes=told.causes if judged.cause == told.cause else (),
    )


def _rank(result: StageResult) -> int:
    return _TELLING.index(result.stage) if result.stage in _TELLING else len(_TELLING)


def _weight(result: StageResult) -> int:
    if result.outcome is Outcome.OURS and result.cause not in PORTAL_CAUSES:
        return len(_ORDER) + 2
    plain = result.cause in _PLAIN_REFUSALS
    return _WEIGHT.get(result.cause or "", len(_ORDER) + 1 if plain else len(_ORDER))


def _judge(told: StageResult, legs: dict[Leg, list[StageResult]]) -> _Judgement:
    """The cause of the failed stage, given the other legs' results and the input's faults."""
    if told.cause in PORTAL_CAUSES:
        return _Judgement("cross.portal_blocked", Owner.PORTAL, Outcome.OURS, None)
    if told.outcome is Outcome.OURS:  # a fault of the portal, so the visitor's input is not examined
        return _Judgement(told.cause, Owner.PORTAL, Outcome.OURS, told.article)
    if told.stage is Stage.LOGIN and told.cause in _EXPLAINED_BY_INPUT:
        is_plain = told.cause in _PLAIN_REFUSALS
        if any(_logged_in(stages) for leg, stages in legs.items() if leg is not told.leg):
            cause = _SWITCHED_OFF[told.leg] if is_plain else None
        else:
            cause = _input_cause(legs[told.leg], is_plain=is_plain)
        if cause is not None:
            return _Judgement(cause, owner_of(cause), Outcome.FAIL, None)
    return _Judgement(told.cause, told.owner, told.outcome, told.article)


def _logged_in(stages: list[StageResult]) -> bool:
    return any(stage.stage is Stage.LOGIN and stage.outcome in (Outcome.OK, Outcome.WARN) for stage in stages)


def _input_cause(stages: list[StageResult], *, is_plain: bool) -> str | None:
    """The fault of the input that explains a refusal; it takes precedence over the server's cause.

    The password's format does so only for plain refusals (`is_plain`).
    """
    for stage in stages:
        if stage.stage is Stage.INPUT and stage.cause is not None:
            causes = [stage.cause, *stage.details.get("also", "").split()]
            for cause in ("input.password_space", "input.username_form", "input.nonascii_password"):
                if cause in causes:
                    return cause
            if is_plain and "input.password_shape" in causes:
                return "cross.account_password_used"
    return None
