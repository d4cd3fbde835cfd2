"""What visitors who test the same server at the same time share: what a first look found, and never a connection.

One leg looks (it leads a flight); the others wait for what it finds. A failure before login is shown to all of them
and to those who come within the next minute; a success lets them all connect for themselves, because a login needs
a connection of its own. Nothing that has a credential in it is shared (docs/decisions/0005-what-a-crowd-shares.md).

Everything here belongs to one asyncio loop, and no thread but its own may touch it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.limits import ChannelFault
from guides.mail.connection.places import AddressPlaces, Reservation
from guides.mail.connection.precedence import Precedence
from guides.mail.connection.redact import ADDRESS_MARK, PASSWORD_MARK, USER_MARK
from guides.mail.connection.session import StageFault
from guides.mail.network import Resolution
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult

SHARED_SECONDS = 60.0
MOST_PLACES = 2000  # remembered at a time; the oldest are forgotten first
PROBE_ADDRESSES = 2  # of a place that has not answered anybody, a test tries at most so many

# The stages that need no credential. `input` is the visitor's own.
PUBLIC_STAGES = (Stage.DNS, Stage.CONNECT, Stage.TLS, Stage.GREETING, Stage.CAPABILITIES)

# Details of a failing stage that was shown from what others found.
SEEN_AT = "seen_at"
SILENT_SINCE = "silent_since"

_MARKS = tuple(mark.decode() for mark in (PASSWORD_MARK, ADDRESS_MARK, USER_MARK))

# What a failing place did not do: answer. A name that does not exist, a certificate that is wrong or a greeting of
# another protocol are answers.
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

# More likely this portal's own trouble: they say neither that a place answers nor that it does not.
UNDECIDED = frozenset({"dns.temp", "tcp.unreachable"})

# How a flight can end without saying anything about the server: our own doing, or the end of one visitor's time.
OURS_ALONE = frozenset({"limit.deadline", "limit.busy", "unknown.unknown"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test connects to, and what it speaks there: a mail server fails for who speaks another protocol.

    Hosts that must not be told apart (`hidden_hosts`) have places of their own.
    """

    protocol: Protocol
    host: str
    port: int
    security: Security
    hidden: bool = False

    @classmethod
    def of(cls, server: Server, hidden_hosts: frozenset[str] = frozenset()) -> Place:
        """A server's place."""
        return cls(server.protocol, server.host, server.port, server.security, server.host in hidden_hosts)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a look at a place ended: the results of its public stages, seen at `at` (seconds since 1970)."""

    results: tuple[StageResult, ...]
    at: float
    since: float = 0.0  # when it began to fail, with nobody getting through since; 0: this is the first time
    is_open: bool = False  # the breaker is open: so many have failed that nobody needs to try

    @property
    def failure(self) -> StageResult | None:
        """The stage that failed; None when the place works."""
        last = self.results[-1] if self.results else None
        return last if last is not None and last.outcome not in (Outcome.OK, Outcome.WARN) else None

    @property
    def is_unreachable(self) -> bool:
        """Whether the place did not answer at all."""
        return self.failure is not None and self.failure.cause in UNREACHABLE

    @property
    def is_an_answer(self) -> bool:
        """Whether the place failed, but answered."""
        return self.failure is not None and self.failure.cause not in UNREACHABLE | UNDECIDED

    def replayed(self, leg: Leg) -> tuple[StageResult, ...]:
        """The results as another visitor's leg shows them: nothing was measured for it; the last says when it was."""
        results = [replace(result, leg=leg, milliseconds=0, started=None) for result in self.results]
        times = {SEEN_AT: _iso(self.at)}
        if self.is_open and self.is_unreachable:
            times[SILENT_SINCE] = _iso(self.since or self.at)
        results[-1] = replace(results[-1], details=results[-1].details | times)
        return tuple(results)


def shareable(results: Sequence[StageResult]) -> tuple[StageResult, ...]:
    """Results without words that are one visitor's: others see class and time of what came after the public stages.

    Before those, only what the redactor had to cut: from a mark others could tell what had stood in its place.
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


@dataclass(slots=True)
class _Flight:
    """A look under way, and those who wait for it."""

    landed: asyncio.Event = field(default_factory=asyncio.Event)


class SharedLooks:
    """The flights and fresh answers of one loop."""

    def __init__(self, seconds: float = SHARED_SECONDS, clock: Callable[[], float] = time.time) -> None:
        self._seconds = seconds
        self._clock = clock
        self._flights: dict[Place, _Flight] = {}
        self._answers: dict[Place, Answer] = {}

    def fresh(self, place: Place) -> Answer | None:
        """What was found within the last minute."""
        answer = self._answers.get(place)
        if answer is None or self._clock() - answer.at >= self._seconds:
            return None
        return answer

    async def wait_or_lead(self, place: Place) -> Answer | None:
        """A fresh answer, own or of a flight that was waited for. None: the caller leads, and must `land`."""
        if self._seconds <= 0:
            return None
        while (answer := self.fresh(place)) is None:
            flight = self._flights.get(place)
            if flight is None:
                self._flights[place] = _Flight()
                return None
            await flight.landed.wait()
        return answer

    def land(self, place: Place, results: Sequence[StageResult] | None) -> Answer | None:
        """End the caller's flight. None: it found nothing out (its visitor left); one who waits leads the next."""
        answer = None
        if results is not None:
            answer = Answer(shareable(results), self._clock())
            self._answers.pop(place, None)
            self._answers[place] = answer
            while len(self._answers) > MOST_PLACES:
                del self._answers[next(iter(self._answers))]
        flight = self._flights.pop(place, None)
        if flight is not None:
            flight.landed.set()
        return answer


@dataclass(frozen=True)
class Crowd:
    """What a test knows of others. Without one (`testmail`), a test looks for itself."""

    looks: SharedLooks
    addresses: AddressPlaces
    known: Mapping[Place, Answer] = field(default_factory=dict)  # what other processes found, breaker included
    probes: frozenset[Place] = frozenset()  # of these, the ones that this test tries again, and is alone to do so
    precedence: Precedence = field(default_factory=Precedence)  # whose legs go first
    courtesy: Callable[[], None] = lambda: None  # called before each stage: it may wait a little for other threads


class Approach:
    """One leg's way through the public stages: shown from what others found, waited for, or gone first."""

    def __init__(self, crowd: Crowd | None, place: Place, leg: Leg) -> None:
        self._crowd = crowd
        self._place = place
        self._leg = leg
        self._leads = False
        self._results: list[StageResult] = []

    @property
    def is_probe(self) -> bool:
        """Whether this leg tries a place that has not answered anybody, and so connects as little as it can."""
        return self._crowd is not None and self._place in self._crowd.probes

    async def told(self) -> tuple[StageResult, ...]:
        """The failure that others have found, to be shown instead of looking. Empty: go on yourself."""
        if self._crowd is None:
            return ()
        if self.is_probe:  # it goes where nobody else does, so it waits for nobody
            self._leads = True
            return ()
        known = self._crowd.known.get(self._place) or await self._crowd.looks.wait_or_lead(self._place)
        self._leads = known is None
        return () if known is None or known.failure is None else known.replayed(self._leg)

    async def reserve(self, resolution: Resolution, port: int) -> tuple[Resolution, Reservation | None]:
        """Where this leg may connect to now, and its leave to do so. Raises StageFault `limit.busy`."""
        if self._crowd is None:
            return resolution, None
        addresses = resolution.addresses
        if self.is_probe:
            addresses = addresses[:PROBE_ADDRESSES]
        try:
            reservation = await self._crowd.addresses.reserve(addresses, port)
        except ChannelFault as fault:
            raise StageFault(fault.cause, outcome=Outcome.OURS) from None
        free = tuple(address for address in addresses if str(address) in reservation)
        return replace(resolution, addresses=free), reservation

    def note(self, result: StageResult) -> None:
        """Note a stage that this leg has gone through by itself; a failure ends the flight."""
        if not self._leads or result.stage not in PUBLIC_STAGES:
            return
        self._results.append(result)
        if result.outcome not in (Outcome.OK, Outcome.WARN):
            self._land(None if result.cause in OURS_ALONE else self._results)

    def through(self) -> None:
        """All public stages are done: nobody need wait for the login."""
        if self._leads:
            self._land(self._results)

    def close(self) -> None:
        """The leg has ended, perhaps before it found anything out."""
        if self._leads:
            self._land(None)

    def _land(self, results: Sequence[StageResult] | None) -> None:
        assert self._crowd is not None  # noqa: S101
        self._leads = False
        self._crowd.looks.land(self._place, results)
