"""One visitor's test in the crowd: what is known beforehand, its places in the queue, what it finds out for others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from guides import runtime
from guides.crowd import memory, outages
from guides.crowd.memory import Outlook
from guides.crowd.outages import ServerName
from guides.crowd.queue import Entry, HostQueue
from guides.crowd.turns import once_a_moment
from guides.mail.accounts import Security
from guides.mail.connection.plan import LEG_OF_PROTOCOL, TestPlan
from guides.mail.connection.shared import OURS_ALONE, PUBLIC_STAGES, SEEN_AT, UNREACHABLE, Crowd, Place
from guides.mail.diagnosis.codes import PORTAL_CAUSES
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult
from guides.models import ProviderServer

queue = HostQueue()

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

    places: dict[Leg, Place]
    listed: dict[Leg, ServerName]  # of servers in the provider table
    visitor: str
    outlook: Outlook
    probes: frozenset[Place] = frozenset()
    _entry: Entry | None = None
    _results: dict[Leg, list[StageResult]] = field(default_factory=dict)

    @classmethod
    def look(cls, plan: TestPlan, visitor: str) -> Visit:
        """What is known of a plan's servers. One query, one read of the cache."""
        places = {LEG_OF_PROTOCOL[server.protocol]: Place.of(server, plan.hidden_hosts) for server in plan.servers}
        names = listed_among(place.host for place in places.values())
        listed = {}
        for leg, place in places.items():
            name = ServerName(place.host.lower(), place.port, place.security)
            if name in names:
                listed[leg] = name
        return cls(places, listed, visitor, memory.outlook(places.values()))

    @property
    def must_connect(self) -> bool:
        """Whether anything is left to be asked of a server."""
        return any(place not in self.outlook.known or place in self.outlook.may_probe for place in self.places.values())

    def enter(self) -> None:
        """Wait for places at the hosts that must be asked. Raises Refused.

        Afterwards `must_connect` may be False: others have found out meanwhile.
        """
        self.probes = frozenset(place for place in self.outlook.may_probe if memory.claim_probe(place))
        self.outlook = Outlook(self.outlook.known, self.probes)
        while self.must_connect:
            self._entry = queue.enter(self._hosts(), self._is_settled)
            if self._entry is not None:
                return

    def crowd(self) -> Crowd:
        """What the test itself gets to know."""
        return Crowd(runtime.looks(), runtime.address_places(), self.outlook.known, self.probes)

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
        is_public = result.stage in PUBLIC_STAGES
        refuses_portal = result.cause in PORTAL_CAUSES and (is_public or result.stage is Stage.LOGIN)
        fails = is_public and result.outcome in (Outcome.FAIL, Outcome.UNCLEAR) and result.cause not in OURS_ALONE
        if fails or refuses_portal:
            memory.learn_failure(place, results, looked=SEEN_AT not in result.details)
        elif result.stage is Stage.LOGIN:
            memory.learn_success(place)
        if server is None:
            return
        if result.cause in _SERVERS_TROUBLE:
            outages.note(server, self.visitor, result.cause)
        elif result.stage is Stage.LOGIN:
            outages.note(server, self.visitor, None)

    def _hosts(self) -> Counter[str]:
        return Counter(
            place.host.lower()
            for place in self.places.values()
            if place not in self.outlook.known or place in self.probes
        )

    def _is_settled(self) -> bool:
        """Whether others have found out meanwhile what all places are like."""
        if self.probes:
            return False
        self.outlook = Outlook(memory.outlook(self.places.values()).known)
        return not self.must_connect


def listed_among(hosts: Iterable[str]) -> frozenset[ServerName]:
    """The servers of the provider table on these hosts. One query; none for somebody who comes in a crowd."""
    names = frozenset(host.lower() for host in hosts)
    return once_a_moment(("listed", names), lambda: _listed_among(names)) if names else frozenset()


def _listed_among(names: frozenset[str]) -> frozenset[ServerName]:
    rows = ProviderServer.objects.filter(host__in=names).values_list("host", "port", "security")
    return frozenset(ServerName(host.lower(), port, Security(security)) for host, port, security in rows)
