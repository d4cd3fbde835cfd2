"""One visitor's test among others: what is known of its servers, its permits, and what it finds out for later tests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from guides import metrics
from guides.limits import circuit_breaker, host_semaphore, outages, process_state, refused_logins
from guides.limits.circuit_breaker import KnownFailures
from guides.limits.host_semaphore import HostPermit
from guides.limits.listed_servers import listed_on
from guides.limits.outages import ServerName
from guides.limits.shared_cache import cache_optional
from guides.mail.connection import alternatives
from guides.mail.connection.plan import LEG_OF_PROTOCOL, TestPlan
from guides.mail.connection.probes import OURS_ALONE, PUBLIC_STAGES, SEEN_AT, UNREACHABLE, Endpoint, SharedState
from guides.mail.diagnosis.codes import PORTAL_CAUSES
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult

_working = threading.Lock()
WORK_SECONDS = 10.0  # a database that hangs must not make one test after the other wait for it

# Causes beside "it does not answer" that are a server's own trouble, and end for all visitors at once.
_SERVERS_TROUBLE = UNREACHABLE | {
    "greet.421",
    "greet.bye",
    "greet.refused",
    "tls.cert_expired",
    "auth.temp_unavailable",
    "net.closed",
    "net.reset",
    "net.timeout",
}


@contextmanager
def working() -> Iterator[None]:
    """For the parts of a test's request that compute: one thread of this process at a time, not while a test waits.

    Each thread that wants Python's lock can make a page wait 5 ms each time the page needs the lock: with 200 tests at
    once pages took 3 s (docs/decisions/0009-stock-servers.md).
    """
    is_held = _working.acquire(timeout=WORK_SECONDS)
    try:
        yield
    finally:
        if is_held:
            _working.release()


@dataclass
class TestSlot:
    """Made by `check` before a test starts; `close` releases what it holds."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    plan: TestPlan
    endpoints: dict[Leg, Endpoint]
    listed: dict[Leg, ServerName]  # of servers in the provider table
    visitor: str
    failures: KnownFailures
    _permit: HostPermit | None = None
    _results: dict[Leg, list[StageResult]] = field(default_factory=dict)

    @classmethod
    def check(cls, plan: TestPlan, visitor: str) -> TestSlot:
        """What is known of a plan's servers. Raises SharedCacheDown."""
        endpoints = {
            LEG_OF_PROTOCOL[server.protocol]: Endpoint.of(server, plan.hidden_hosts) for server in plan.servers
        }
        names = listed_on(endpoint.host for endpoint in endpoints.values())
        listed = {}
        for leg, endpoint in endpoints.items():
            name = ServerName(endpoint.host.lower(), endpoint.port, endpoint.security)
            if name in names:
                listed[leg] = name
        return cls(plan, endpoints, listed, visitor, circuit_breaker.known_failures(endpoints.values()))

    @property
    def must_connect(self) -> bool:
        """Whether anything is left to be asked of a server: of the plan's, or of others that could have been meant."""
        return any(self._connects())

    def acquire(self) -> None:
        """Wait for permits for the hosts to connect to.

        Raises RateLimited or SharedCacheDown, and then holds nothing. Afterwards `must_connect` may be False: other
        tests have found out meanwhile.
        """
        self.failures = KnownFailures(self.failures.known, circuit_breaker.claim_half_open(self.failures))
        try:
            while self.must_connect:
                with metrics.QUEUE.time():
                    self._permit = host_semaphore.acquire(self._hosts(), self._is_settled)
                if self._permit is not None:
                    return
        except BaseException:
            self.close()
            with cache_optional("no test tries the server again for a minute"):
                circuit_breaker.return_half_open(self.failures)
            raise

    def shared_state(self) -> SharedState:
        """What the test itself gets to know."""
        return SharedState(
            process_state.single_flight(),
            process_state.address_semaphore(),
            self.failures.known,
            self.failures.half_open,
            refused_logins.attempt,
        )

    def record(self, result: StageResult) -> None:
        """Keep a stage, and tell later tests when it settles what an endpoint is like."""
        if result.stage is Stage.INPUT or result.leg not in self.endpoints:
            return
        results = self._results.setdefault(result.leg, [])
        results.append(result)
        works = result.outcome in (Outcome.OK, Outcome.WARN)
        if result.stage in PUBLIC_STAGES and works:
            return
        if result.outcome is Outcome.BLOCKED and any(r.outcome not in (Outcome.OK, Outcome.WARN) for r in results[:-1]):
            return  # it was settled by the stage that failed
        with cache_optional("later tests do not learn what this one found"):
            self._settle(result, results)

    def close(self) -> None:
        """Release the permits. May be called twice."""
        if self._permit is not None:
            self._permit.release()

    def _settle(self, result: StageResult, results: list[StageResult]) -> None:
        """The first stage that failed before the login, or the login: either says what the endpoint is like."""
        endpoint, server = self.endpoints[result.leg], self.listed.get(result.leg)
        is_public, probed = result.stage in PUBLIC_STAGES, SEEN_AT not in result.details
        refuses_portal = result.cause in PORTAL_CAUSES
        fails = result.outcome in (Outcome.FAIL, Outcome.UNCLEAR) and result.cause not in OURS_ALONE
        if is_public and (refuses_portal or fails):
            circuit_breaker.record_failure(endpoint, results, probed=probed)
        elif result.stage is Stage.LOGIN and probed:
            if refuses_portal:
                circuit_breaker.record_refusal(endpoint, results, self.visitor)
            else:
                circuit_breaker.record_success(endpoint)
        if server is None or not probed:  # a result that another test found is no further outage
            return
        if result.cause in _SERVERS_TROUBLE:
            outages.record_outcome(server, self.visitor, result.cause)
        elif result.stage is Stage.LOGIN:
            outages.record_outcome(server, self.visitor, None)

    def _connects(self) -> Iterator[Endpoint]:
        """The endpoints of the legs that open a connection. One that tries alternatives counts as one connection."""
        for server in self.plan.servers:
            endpoint = self.endpoints[LEG_OF_PROTOCOL[server.protocol]]
            known = self.failures.known.get(endpoint)
            if self._is_probed(endpoint) or (known is not None and alternatives.are_sought(server, known, self.plan)):
                yield endpoint

    def _is_probed(self, endpoint: Endpoint) -> bool:
        """Whether the leg connects to its own endpoint."""
        return endpoint not in self.failures.known or endpoint in self.failures.half_open

    def _hosts(self) -> Counter[str]:
        return Counter(endpoint.host.lower() for endpoint in self._connects())

    def _is_settled(self) -> bool:
        """Whether other tests have found out meanwhile what all endpoints are like."""
        if self.failures.half_open:
            return False
        self.failures = KnownFailures(circuit_breaker.known_failures(self.endpoints.values()).known)
        return not self.must_connect
