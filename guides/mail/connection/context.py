"""What all legs of one test share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from guides.mail.connection.channel import Limits
from guides.mail.connection.login_lock import LoginLock
from guides.mail.connection.plan import TestPlan
from guides.mail.connection.probes import SharedState
from guides.mail.connection.redact import Redactor
from guides.mail.connection.session_loan import SessionLoan
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress, Resolution
from guides.mail.outcomes import StageResult
from guides.mail.secret import Secret


@dataclass(frozen=True)
class TestContext:
    """Made anew for each test."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    plan: TestPlan
    secret: Secret
    egress: Egress
    patterns: PatternSet
    limits: Limits
    redactor: Redactor
    login_lock: LoginLock
    until: float  # the loop's time at which the whole test ends
    report: Callable[[StageResult | None], None]  # None: this leg reports nothing more
    shared: SharedState | None = None  # what is shared with other tests; None: this one probes by itself
    session_loan: SessionLoan | None = None  # when a message is to be delivered
    _resolutions: dict[str, Resolution] = field(default_factory=dict)

    async def resolve(self, host: str) -> Resolution:
        """Resolve a host once per test. Raises as `Egress.resolve` does."""
        if host not in self._resolutions:
            self._resolutions[host] = await self.egress.resolve(host)
        return self._resolutions[host]
