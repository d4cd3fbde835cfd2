"""One visitor's test in the crowd: what is known beforehand, its places in the queue, what it finds out for others."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.conf import settings

from guides import runtime
from guides.crowd import memory, outages
from guides.crowd.memory import Outlook
from guides.crowd.moments import once_a_moment
from guides.crowd.outages import ServerName
from guides.crowd.queue import ACROSS_SECONDS, RETRY_SECONDS, Entry, HostQueue
from guides.crowd.turns import arriving, let_readers_go_first, resting
from guides.ledger import Refused
from guides.mail.accounts import Security
from guides.mail.connection import alternatives
from guides.mail.connection.plan import LEG_OF_PROTOCOL, TestPlan
from guides.mail.connection.precedence import Precedence
from guides.mail.connection.shared import OURS_ALONE, PUBLIC_STAGES, SEEN_AT, UNREACHABLE, Crowd, Place
from guides.mail.connection.told import tell
from guides.mail.diagnosis.codes import PORTAL_CAUSES
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from guides.models import ProviderServer

queue = HostQueue()
precedence = Precedence(arriving)  # only the loop's thread may use it

# Causes beside "it does not answer" that are a server's own trouble, and will pass for everybody at once.
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


@dataclass
class Visit:
    """Made by `look` before a test starts; `close` gives back what it holds."""

    plan: TestPlan
    places: dict[Leg, Place]
    listed: dict[Leg, ServerName]  # of servers in the provider table
    visitor: str
    outlook: Outlook
    probes: frozenset[Place] = frozenset()
    _entry: Entry | None = None
    _results: dict[Leg, list[StageResult]] = field(default_factory=dict)

    @classmethod
    def look(cls, plan: TestPlan, visitor: str) -> Visit:
        """What is known of a plan's servers. One query, one read of the cache; none where a crowd has asked already."""
        places = {LEG_OF_PROTOCOL[server.protocol]: Place.of(server, plan.hidden_hosts) for server in plan.servers}
        names = listed_among(place.host for place in places.values())
        listed = {}
        for leg, place in places.items():
            name = ServerName(place.host.lower(), place.port, place.security)
            if name in names:
                listed[leg] = name
        asked = frozenset(places.values())
        outlook = once_a_moment(("outlook", asked), lambda: memory.outlook(asked), lambda it: it.settles(asked))
        return cls(plan, places, listed, visitor, outlook)

    @property
    def must_connect(self) -> bool:
        """Whether anything is left to be asked of a server: its own, or others that could have been meant."""
        return any(self._connects())

    def enter(self, reserve_failures: Callable[[Iterable[str]], bool]) -> None:
        """Wait for places at the hosts that must be asked, then reserve a failure where there will be a login.

        Raises Refused, and then holds nothing. Afterwards `must_connect` may be False: others have found out meanwhile.
        """
        until = time.monotonic() + settings.LIMIT_QUEUE_SECONDS
        self.probes = memory.claim_probes(self.outlook)
        self.outlook = Outlook(self.outlook.known, self.probes)
        try:
            while self.must_connect:
                self._entry = queue.enter(self._hosts(), self._is_settled)
                if self._entry is not None:
                    self._reserve(reserve_failures, until)
                    return
        except BaseException:
            self.close()
            memory.give_probes_back(self.outlook)
            raise

    def _reserve(self, reserve_failures: Callable[[Iterable[str]], bool], until: float) -> None:
        """Failures that others have reserved are waited for: most of them come to a good end."""
        hosts = {place.host.lower() for place in self.places.values() if self._is_asked(place)}
        while not reserve_failures(hosts):
            if time.monotonic() >= until:
                raise Refused("host", RETRY_SECONDS)
            with resting():
                time.sleep(ACROSS_SECONDS)

    def crowd(self) -> Crowd:
        """What the test itself gets to know."""
        return Crowd(
            runtime.looks(),
            runtime.address_places(),
            self.outlook.known,
            self.probes,
            precedence,
            let_readers_go_first,
        )

    def tell(self, secret: Secret, egress: Egress, patterns: PatternSet) -> list[StageResult | Verdict]:
        """The whole test, when nobody must be asked. Whoever is told of a failure is counted among those it met."""
        told = tell(self.plan, secret, egress, patterns, self.outlook.known)
        for item in told:
            if isinstance(item, StageResult):
                self.take(item)
        return told

    def take(self, result: StageResult) -> None:
        """Note a stage, and tell others when it settles what a place is like."""
        if result.stage is Stage.INPUT or result.leg not in self.places:
            return
        results = self._results.setdefault(result.leg, [])
        results.append(result)
        works = result.outcome in (Outcome.OK, Outcome.WARN)
        if result.stage in PUBLIC_STAGES and works:
            return
        if result.outcome is Outcome.BLOCKED and any(r.outcome not in (Outcome.OK, Outcome.WARN) for r in results[:-1]):
            return  # it was settled by the stage that failed
        self._settle(result, results)

    def close(self) -> None:
        """Give the places back."""
        if self._entry is not None:
            self._entry.release()

    def _settle(self, result: StageResult, results: list[StageResult]) -> None:
        """The first stage that failed before login, or the login: either says what the place is like."""
        place, server = self.places[result.leg], self.listed.get(result.leg)
        is_public, looked = result.stage in PUBLIC_STAGES, SEEN_AT not in result.details
        refuses_portal = result.cause in PORTAL_CAUSES
        fails = result.outcome in (Outcome.FAIL, Outcome.UNCLEAR) and result.cause not in OURS_ALONE
        if is_public and (refuses_portal or fails):
            memory.learn_failure(place, results, looked=looked)
        elif result.stage is Stage.LOGIN and looked:
            if refuses_portal:
                memory.learn_refusal(place, results, self.visitor)
            else:
                memory.learn_success(place)
        if server is None or not looked:  # what others found is no outage once more
            return
        if result.cause in _SERVERS_TROUBLE:
            outages.note(server, self.visitor, result.cause)
        elif result.stage is Stage.LOGIN:
            outages.note(server, self.visitor, None)

    def _connects(self) -> Iterator[Place]:
        """The places of the legs that open a connection. One that looks for other settings has one at a time, too."""
        for server in self.plan.servers:
            place = self.places[LEG_OF_PROTOCOL[server.protocol]]
            told = self.outlook.known.get(place)
            if self._is_asked(place) or (told is not None and alternatives.are_sought(server, told, self.plan)):
                yield place

    def _is_asked(self, place: Place) -> bool:
        """Whether the leg goes there itself, as far as it gets."""
        return place not in self.outlook.known or place in self.outlook.may_probe

    def _hosts(self) -> Counter[str]:
        return Counter(place.host.lower() for place in self._connects())

    def _is_settled(self) -> bool:
        """Whether others have found out meanwhile what all places are like."""
        if self.probes:
            return False
        self.outlook = Outlook(memory.outlook(self.places.values()).known)
        return not self.must_connect


def listed_among(hosts: Iterable[str]) -> frozenset[ServerName]:
    """The servers of the provider table on these hosts. One query; none for somebody who comes in a crowd."""
    table = once_a_moment("servers", _listed)
    return frozenset().union(*(table.get(host.lower(), frozenset()) for host in hosts))


def _listed() -> dict[str, frozenset[ServerName]]:
    """The whole table, by host: a few hundred rows, read as fast as the two that one test needs."""
    listed: dict[str, frozenset[ServerName]] = {}
    for host, port, security in ProviderServer.objects.order_by().values_list("host", "port", "security"):
        name = ServerName(host.lower(), port, Security(security))
        listed[name.host] = listed.get(name.host, frozenset()) | {name}
    return listed
