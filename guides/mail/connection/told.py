"""The test of a plan whose servers have all just failed others: what they found is told, and nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from guides.mail.accounts import Server
from guides.mail.connection.context import TestContext
from guides.mail.connection.gate import LoginGate
from guides.mail.connection.input import check_input
from guides.mail.connection.plan import AT_DELIVERY, LEG_OF_PROTOCOL, TestPlan, stages_of
from guides.mail.connection.redact import Redactor
from guides.mail.connection.session import StageFault
from guides.mail.connection.shared import Answer, Place
from guides.mail.connection.stage_results import StageResults
from guides.mail.connection.tracebacks import without_locals
from guides.mail.connection.verdict import verdict
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult, Verdict
from guides.mail.secret import Secret


def tell(
    plan: TestPlan, secret: Secret, egress: Egress, patterns: PatternSet, known: Mapping[Place, Answer]
) -> list[StageResult | Verdict]:
    """What `run_test` would yield with a crowd that knows a failure of each server of the plan, leg by leg.

    It needs no loop and waits for nothing: after an outage, two hundred visitors want this at the same moment.
    A fault of our own is raised with the local variables of its frames cleared, as the loop does.
    """
    try:
        return _told(plan, secret, egress, patterns, known)
    except Exception as error:
        without_locals(error)
        raise


def _told(
    plan: TestPlan, secret: Secret, egress: Egress, patterns: PatternSet, known: Mapping[Place, Answer]
) -> list[StageResult | Verdict]:
    context = TestContext(
        plan=plan,
        secret=secret,
        egress=egress,
        patterns=patterns,
        limits=egress.limits,
        redactor=Redactor(plan.address, plan.usernames(), secret),
        gate=LoginGate(()),
        until=0.0,
        report=lambda _: None,
    )
    results = [result for server in plan.servers for result in _leg(server, context, known)]
    if plan.deliver:
        sending = next(server for server in plan.servers if LEG_OF_PROTOCOL[server.protocol] is Leg.SMTP)
        results += _blocked(StageResults(Leg.DELIVERY, sending, context), AT_DELIVERY)
    return [*results, verdict(results, 0)]


def _leg(server: Server, context: TestContext, known: Mapping[Place, Answer]) -> Iterator[StageResult]:
    """The visitor's own input, what others have found, and the stages behind it."""
    leg = LEG_OF_PROTOCOL[server.protocol]
    records = StageResults(leg, server, context)
    own, *others = stages_of(server)
    try:
        yield records.found(own, check_input(context.plan, server, context.secret, context.egress))
    except StageFault as fault:
        yield records.fault(own, fault)
        yield from _blocked(records, others)
        return
    told = known[Place.of(server, context.plan.hidden_hosts)].replayed(leg)
    yield from told
    yield from _blocked(records, others[len(told) :])


def _blocked(records: StageResults, stages: Sequence[Stage]) -> list[StageResult]:
    return [records.result(stage, Outcome.BLOCKED) for stage in stages]
