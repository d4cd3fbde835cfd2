"""What all legs of one test share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guides.mail.connection.channel import Limits
from guides.mail.connection.gate import LoginGate
from guides.mail.connection.handover import Handover
from guides.mail.connection.plan import TestPlan
from guides.mail.connection.redact import Redactor
from guides.mail.connection.shared import Crowd
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Door
from guides.mail.outcomes import StageResult
from guides.mail.secret import Secret


@dataclass(frozen=True)
class TestContext:
    """Made anew for each test."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    plan: TestPlan
    secret: Secret
    door: Door
    patterns: PatternSet
    limits: Limits
    redactor: Redactor
    gate: LoginGate
    until: float  # the loop's time at which the whole test ends
    report: Callable[[StageResult | None], None]  # None: this leg reports nothing more
    crowd: Crowd | None = None  # what is shared with others' tests; None: this one looks for itself
    handover: Handover | None = None  # when a message is to be delivered
