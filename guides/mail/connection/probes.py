"""What tests of the same server share: the result of the stages without a credential, and never a connection.

One leg probes an endpoint; legs that come meanwhile wait for its result. A failure before the login is shown to all of
them; after a success each connects for itself, because a login needs a connection of its own
(docs/decisions/0005-shared-probes.md). The classes that hold state live in guides/limits and are given to a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol as TypingProtocol

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.limits import ChannelFault
from guides.mail.connection.redact import ADDRESS_MARK, PASSWORD_MARK, USER_MARK
from guides.mail.connection.session import StageFault
from guides.mail.network import Resolution
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult
from guides.mail.vetting import IPAddress

HALF_OPEN_ADDRESSES = 2  # of an endpoint behind an open circuit breaker, a test tries at most so many addresses

# The stages that need no credential. `input` is the visitor's own.
PUBLIC_STAGES = (Stage.DNS, Stage.CONNECT, Stage.TLS, Stage.GREETING, Stage.CAPABILITIES)

# Details of a failing stage that was copied from another test's probe.
SEEN_AT = "seen_at"
SILENT_SINCE = "silent_since"

_MARKS = tuple(mark.decode() for mark in (PASSWORD_MARK, ADDRESS_MARK, USER_MARK))

# No answer at all. A name that does not exist, a wrong certificate or a greeting of another protocol are answers.
UNREACHABLE = frozenset(
    {
        "dns.servfail",
        "dns.timeout",
        "tcp.refused",
        "tcp.timeout",
        "tcp.reset",
        "tls.handshake_timeout",
        "tls.eof",
        "greet.timeout",
        "greet.closed",
    }
)

# More likely this portal's own trouble: neither an answer nor silence of the endpoint.
UNDECIDED = frozenset({"dns.temp", "tcp.unreachable"})

# Endings that say nothing about the server: this portal's own doing, or the end of one test's time.
OURS_ALONE = frozenset({"limit.deadline", "limit.busy", "unknown.unknown"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Host, port, encryption and protocol that a test speaks there.

    `hidden`: closed, filtered and forbidden ports of this host must look alike, so its results are kept apart.
    """

    protocol: Protocol
    host: str
    port: int
    security: Security
    hidden: bool = False

    @classmethod
    def of(cls, server: Server, hidden_hosts: frozenset[str] = frozenset()) -> Endpoint:
        """A server's endpoint."""
        return cls(server.protocol, server.host, server.port, server.security, server.host in hidden_hosts)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The results of an endpoint's public stages, as found at `at` (seconds since 1970)."""

    results: tuple[StageResult, ...]
    at: float
    since: float = 0.0  # when the failures began, without a success since; 0: this is the first one
    is_open: bool = False  # the circuit breaker is open

    @property
    def failure(self) -> StageResult | None:
        """The stage that failed; None when the endpoint works."""
        last = self.results[-1] if self.results else None
        return last if last is not None and last.outcome not in (Outcome.OK, Outcome.WARN) else None

    @property
    def is_unreachable(self) -> bool:
        """Whether the endpoint did not answer at all."""
        return self.failure is not None and self.failure.cause in UNREACHABLE

    @property
    def is_an_answer(self) -> bool:
        """Whether the endpoint failed, but answered."""
        return self.failure is not None and self.failure.cause not in UNREACHABLE | UNDECIDED

    def replayed(self, leg: Leg) -> tuple[StageResult, ...]:
        """The results as the leg of another test shows them: nothing was measured for it; the last says when it was."""
        results = [replace(result, leg=leg, milliseconds=0, started=None) for result in self.results]
        times = {SEEN_AT: _iso(self.at)}
        if self.is_open and self.is_unreachable:
            times[SILENT_SINCE] = _iso(self.since or self.at)
        results[-1] = replace(results[-1], details=results[-1].details | times)
        return tuple(results)


def shareable(results: Sequence[StageResult]) -> tuple[StageResult, ...]:
    """Results without anything of one visitor's.

    Behind the public stages only class and time are left. Within them, a result loses its words where the redactor
    cut something: other visitors could tell from a mark what had stood in its place.
    """
    return tuple(_without_words(result) for result in results)


def _without_words(result: StageResult) -> StageResult:
    if result.stage not in PUBLIC_STAGES:
        return replace(result, evidence=(), details={}, article=None)
    return replace(result, evidence=(), details={}) if _holds_mark(result) else result


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _holds_mark(result: StageResult) -> bool:
    texts = [evidence.text for evidence in result.evidence] + list(result.details.values())
    return any(mark in text for mark in _MARKS for text in texts)


class ProbeFlights(TypingProtocol):
    """Single flight over endpoints; `guides.limits.single_flight` is the implementation."""

    def fresh(self, endpoint: Endpoint) -> ProbeResult | None: ...

    async def join_or_lead(self, endpoint: Endpoint) -> ProbeResult | None: ...

    def resolve(self, endpoint: Endpoint, results: Sequence[StageResult] | None) -> ProbeResult | None: ...


class AddressPermit(TypingProtocol):
    """Leave to connect to some addresses."""

    def __contains__(self, address: object) -> bool: ...

    def keep_only(self, address: str) -> None: ...

    def release(self) -> None: ...


class AddressLimits(TypingProtocol):
    """Bounds the connections to one address; `guides.limits.address_semaphore` is the implementation."""

    async def acquire(self, addresses: Iterable[IPAddress], port: int) -> AddressPermit: ...


@dataclass(slots=True)
class LoginAttempt:
    """Leave to send one login. It counts as refused unless the leg says otherwise, also when it is cancelled."""

    counts: bool = True


# Limits refused logins: asked with user name, host and IP address before each; None: no login now.
# `guides.limits.refused_logins` is the implementation.
LoginLimit = Callable[[str, str, str], AbstractAsyncContextManager[LoginAttempt | None]]


@dataclass(frozen=True)
class SharedState:
    """What a test shares with others of its process. `testmail` runs without it and probes by itself."""

    flights: ProbeFlights
    addresses: AddressLimits
    known: Mapping[Endpoint, ProbeResult] = field(default_factory=dict)  # failures that other processes found
    half_open: frozenset[Endpoint] = frozenset()  # of these, the ones that this test alone tries again
    login_limit: LoginLimit | None = None  # None: logins are not limited


class LegProbe:
    """One leg's public stages: copied from a known failure, awaited from another leg, or led by this one."""

    def __init__(self, shared: SharedState | None, endpoint: Endpoint, leg: Leg) -> None:
        self._shared = shared
        self._endpoint = endpoint
        self._leg = leg
        self._leads = False
        self._results: list[StageResult] = []

    @property
    def is_half_open(self) -> bool:
        """Whether this leg alone tries an endpoint that answers no test, and so connects as little as it can."""
        return self._shared is not None and self._endpoint in self._shared.half_open

    async def known_failure(self) -> tuple[StageResult, ...]:
        """The failure that another test has found, to be shown instead of connecting. Empty: connect."""
        if self._shared is None:
            return ()
        if self.is_half_open:  # no other test connects there, so there is no flight to wait for
            self._leads = True
            return ()
        known = self._shared.known.get(self._endpoint) or await self._shared.flights.join_or_lead(self._endpoint)
        self._leads = known is None
        return () if known is None or known.failure is None else known.replayed(self._leg)

    async def acquire(self, resolution: Resolution, port: int) -> tuple[Resolution, AddressPermit | None]:
        """The addresses that this leg may connect to now, with the permit for them. Raises StageFault `limit.busy`."""
        if self._shared is None:
            return resolution, None
        addresses = resolution.addresses
        if self.is_half_open:
            addresses = addresses[:HALF_OPEN_ADDRESSES]
        try:
            permit = await self._shared.addresses.acquire(addresses, port)
        except ChannelFault as fault:
            raise StageFault(fault.cause, outcome=Outcome.OURS) from None
        free = tuple(address for address in addresses if str(address) in permit)
        return replace(resolution, addresses=free), permit

    def login(self, username: str, ip_address: str) -> AbstractAsyncContextManager[LoginAttempt | None]:
        """To be entered before the login; None: too many have been refused to this mailbox or at this server."""
        if self._shared is None or self._shared.login_limit is None:
            return nullcontext(LoginAttempt())
        return self._shared.login_limit(username, self._endpoint.host, ip_address)

    def record(self, result: StageResult) -> None:
        """Add a stage that this leg has gone through by itself; a failure ends the flight."""
        if not self._leads or result.stage not in PUBLIC_STAGES:
            return
        self._results.append(result)
        if result.outcome not in (Outcome.OK, Outcome.WARN):
            self._resolve(None if result.cause in OURS_ALONE else self._results)

    def succeed(self) -> None:
        """All public stages are done: other legs need not wait for this one's login."""
        if self._leads:
            self._resolve(self._results)

    def close(self) -> None:
        """The leg has ended, perhaps without a result."""
        if self._leads:
            self._resolve(None)

    def _resolve(self, results: Sequence[StageResult] | None) -> None:
        assert self._shared is not None  # noqa: S101
        self._leads = False
        self._shared.flights.resolve(self._endpoint, results)
