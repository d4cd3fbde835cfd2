"""Making one leg's stage results: classified and redacted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from guides.mail.accounts import Server
from guides.mail.connection.channel import Channel
from guides.mail.connection.context import TestContext
from guides.mail.connection.redact import visible
from guides.mail.connection.session import Refusal, StageFault, StageFinding, neutral_reply
from guides.mail.diagnosis.classes import owner_of
from guides.mail.diagnosis.codes import (
    ADDRESS_CAUSES,
    CREDENTIAL_CODES,
    PORTAL_CAUSES,
    UNKNOWN,
    Reply,
    cause_of,
    outcome_of,
)
from guides.mail.diagnosis.refusals import AMBIGUOUS, by_definition, judge_refusal
from guides.mail.outcomes import Leg, Outcome, Owner, PossibleCause, Stage, StageResult, causes_of


class StageResults:
    """Makes the `StageResult`s of a leg. `channel` is the leg's connection, once there is one."""

    def __init__(self, leg: Leg, server: Server, context: TestContext) -> None:
        self._leg = leg
        self._server = server
        self._context = context
        self.channel: Channel | None = None

    def refused(self, stage: Stage, refusal: Refusal, started: float) -> StageResult:
        """The result of a refusal: staff's patterns first, then the class from codes and words."""
        context = self._context
        if stage is Stage.LOGIN and refusal.reply.reason in CREDENTIAL_CODES:
            context.login_lock.refuse()
        causes = self._judged(stage, refusal.reply, refusal.cause)
        if causes[0].name in PORTAL_CAUSES:  # other visitors see this, so the visitor's own input must not decide it
            reply = neutral_reply(refusal.reply, context.redactor, plain_words=True)
            if reply != refusal.reply:
                causes = self._judged(stage, reply, cause_of(reply, stage))
        cause, owner, article = causes[0].name, causes[0].owner, causes[0].article
        outcome = outcome_of(cause)
        if cause in ADDRESS_CAUSES:  # the server blocks this portal's address, not the visitor's
            cause, article = "cross.portal_blocked", None
        if outcome is Outcome.OURS or owner is Owner.SENDER_NETWORK:  # the network that sends is this portal's
            outcome, owner = Outcome.OURS, Owner.PORTAL
        elif cause == "rcpt.full" and stage is Stage.ENVELOPE:  # the recipient is the visitor
            owner = Owner.VISITOR
        if len(causes) > 1 and outcome is Outcome.FAIL:
            outcome = Outcome.UNCLEAR
        result = self.failed(stage, cause, refusal.evidence, outcome=outcome, owner=owner, started=started)
        result = replace(result, article=article, confidence=causes[0].confidence)
        if outcome is not Outcome.UNCLEAR or len(causes) == 1:
            return result
        return replace(result, causes=(replace(causes[0], owner=owner), *map(_of_portal, causes[1:])))

    def _judged(self, stage: Stage, reply: Reply, cause: str) -> tuple[PossibleCause, ...]:
        """The causes of a reply, the likeliest first: from patterns, else `cause`, from codes and words."""
        context = self._context
        return judge_refusal(
            reply, cause, context.patterns, protocol=self._server.protocol, stage=stage, provider=context.plan.provider
        )

    def found(self, stage: Stage, finding: StageFinding, started: float | None = None) -> StageResult:
        """The result of a stage that did not fail."""
        cause = finding.cause
        return self.result(
            stage,
            Outcome.SKIPPED if finding.skipped else Outcome.OK if cause is None else Outcome.WARN,
            cause=cause,
            owner=None if cause is None else owner_of(cause),
            evidence=finding.evidence,
            details=finding.details,
            started=started,
        )

    def fault(self, stage: Stage, fault: StageFault, started: float | None = None) -> StageResult:
        """The result of a stage that failed with a fault that its session, or the portal, found."""
        return self.failed(
            stage,
            fault.cause,
            fault.evidence,
            outcome=fault.outcome,
            owner=fault.owner,
            details=fault.details,
            started=started,
        )

    def failed(
        self,
        stage: Stage,
        cause: str,
        evidence: bytes = b"",
        *,
        is_cut: bool = False,
        outcome: Outcome | None = None,
        owner: Owner | None = None,
        details: Mapping[str, str] | None = None,
        started: float | None = None,
    ) -> StageResult:
        """The result of a stage that failed with `cause`."""
        result = self.result(
            stage,
            outcome or outcome_of(cause),
            cause=cause,
            owner=owner or owner_of(cause),
            evidence=evidence,
            is_cut=is_cut,
            details=details or {},
            started=started,
        )
        if outcome is None and cause in AMBIGUOUS:
            (first,) = causes_of(result)
            return replace(result, outcome=Outcome.UNCLEAR, causes=by_definition(first, self._server.protocol))
        return result

    def result(
        self,
        stage: Stage,
        outcome: Outcome,
        *,
        cause: str | None = None,
        owner: Owner | None = None,
        evidence: bytes = b"",
        is_cut: bool = False,
        details: Mapping[str, str] | None = None,
        started: float | None = None,
    ) -> StageResult:
        """The result of a stage. All text from the server is redacted here."""
        redactor = self._context.redactor
        channel = self.channel
        clear = channel is not None and not channel.encrypted
        spent = 0.0 if started is None else asyncio.get_running_loop().time() - started
        return StageResult(
            leg=self._leg,
            stage=stage,
            outcome=outcome,
            cause=cause,
            owner=owner,
            milliseconds=round(spent * 1000),
            started=None if started is None else datetime.now(UTC) - timedelta(seconds=spent),
            confidence=_own_confidence(cause),
            host=self._server.host,
            ip_address="" if channel is None else channel.ip_address,
            port=self._server.port,
            security=self._server.security,
            evidence=(redactor.evidence(evidence, before_encryption=clear, is_cut=is_cut),) if evidence else (),
            details={
                name: visible(redactor.clean(value.encode("utf-8", "replace")).decode("utf-8", "replace"))
                for name, value in (details or {}).items()
            },
        )


def _of_portal(cause: PossibleCause) -> PossibleCause:
    """A possible cause with this portal as its owner when it is about the connecting address or network."""
    if cause.name in ADDRESS_CAUSES:
        return PossibleCause("cross.portal_blocked", Owner.PORTAL, cause.confidence)
    return replace(cause, owner=Owner.PORTAL) if cause.owner is Owner.SENDER_NETWORK else cause


def _own_confidence(cause: str | None) -> float | None:
    """The confidence of a cause that the portal observed itself, not read in a server's words."""
    if cause is None:
        return None
    return 0.0 if cause == UNKNOWN else 1.0
