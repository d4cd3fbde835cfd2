"""Checking what a domain publishes: what each family of mail clients finds, and what is missing or contradictory.

The sources are those of discovery; this module puts their findings into the order in which each family of clients asks:
that of Thunderbird 128 and newer (its `FindConfig` module), of Thunderbird for Android, of [MS-OXDISCO] for classic
Outlook, and of the RFCs and drafts for the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

from guides.mail.accounts import Protocol, Server
from guides.mail.discovery.autodiscover import LOCAL_PART, autodiscover
from guides.mail.discovery.files import NOT_THERE, autoconfig, well_known
from guides.mail.discovery.findings import Finding
from guides.mail.discovery.mx import mx
from guides.mail.discovery.pacc import pacc
from guides.mail.discovery.query import Query
from guides.mail.discovery.srv import srv
from guides.mail.network import CnameRecord, DnsFailure, Egress, FetchFailure, HostForbidden, SrvRecord, TxtRecord
from guides.mail.publish.autodiscover import OUTLOOK, write_request
from guides.mail.publish.offer import Offer
from guides.mail.publish.records import DnsRecord

XML_TYPES = frozenset({"text/xml", "application/xml"})  # Thunderbird accepts no other type
_NOT_THERE = frozenset(
    {"not_there", "no_record", "dns.nxdomain", "dns.no_address", "not_offered", "own_host", "gateway"}
)


class Family(StrEnum):
    """Mail clients with the same way of searching settings."""

    THUNDERBIRD = "thunderbird"
    ANDROID = "android"  # Thunderbird and K-9 Mail for Android
    OUTLOOK = "outlook"
    APPLE = "apple"
    SRV = "srv"
    PACC = "pacc"


class Location(StrEnum):
    """Where a client looks."""

    AUTOCONFIG = "autoconfig"
    WELL_KNOWN = "well_known"
    ISPDB = "ispdb"
    MX = "mx"
    POX = "pox"
    POX_SRV = "pox_srv"
    SRV = "srv"
    PACC = "pacc"
    PROFILE = "profile"  # Apple: clients read nothing that a domain publishes


class State(StrEnum):
    """What a client finds at a location."""

    FOUND = "found"
    DIFFERS = "differs"  # settings, but not those that the portal has
    MISSING = "missing"
    BROKEN = "broken"  # something is there, and clients cannot use it
    NOT_LOOKED = "not_looked"  # the portal does not ask there


@dataclass(frozen=True, slots=True)
class Step:
    """One location and its state. `error` is a cause of discovery, or one of: media_type (no XML), no_outgoing and half
    (nothing for one direction), one_server (a strict client rejects the file); "" without an error."""

    location: Location
    where: str
    state: State
    error: str = ""
    servers: tuple[Server, ...] = ()
    differing: tuple[Server, ...] = ()

    @property
    def is_an_answer(self) -> bool:
        """Whether a client would take its settings from here."""
        return self.state in (State.FOUND, State.DIFFERS)


@dataclass(frozen=True, slots=True)
class FamilyCheck:
    """The steps of one family of clients."""

    family: Family
    steps: tuple[Step, ...]

    @property
    def answer(self) -> Step | None:
        """The first step with settings, which ends the client's search."""
        return next((step for step in self.steps if step.is_an_answer), None)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two locations with different best servers of one protocol."""

    protocol: Protocol
    one: Location
    one_server: Server
    other: Location
    other_server: Server


class Published(StrEnum):
    """Whether a record is in the DNS."""

    YES = "yes"
    NO = "no"
    OTHER = "other"  # a record of that name and kind, with another value
    UNKNOWN = "unknown"  # the DNS did not answer


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """A record to publish, its state, and the value published instead."""

    record: DnsRecord
    published: Published
    instead: str = ""


@dataclass(frozen=True, slots=True)
class PublicationCheck:
    """The result of a check."""

    families: tuple[FamilyCheck, ...]
    contradictions: tuple[Contradiction, ...]
    records: tuple[RecordCheck, ...]


async def check_publication(query: Query, offer: Offer | None, records: Iterable[DnsRecord]) -> PublicationCheck:
    """Check all locations concurrently. `offer`: the portal's settings for the domain, if any."""
    records = tuple(records)
    async with asyncio.TaskGroup() as group:
        config, known, exchanger, service, pox, file = (
            group.create_task(source(query)) for source in (autoconfig, well_known, mx, srv, autodiscover, pacc)
        )
        types = [group.create_task(_media_type(query.egress, url)) for url in _files(query.domain)]
        pox_srv = group.create_task(_pox_srv(query))
        published = [group.create_task(_published(query.egress, record)) for record in records]
    host, address = _files(query.domain)
    at_host = _file_step(Location.AUTOCONFIG, host, config.result(), types[0].result(), offer)
    at_domain = _file_step(Location.WELL_KNOWN, address, known.result(), types[1].result(), offer)
    at_exchanger = _step(Location.MX, f"MX {query.domain}", exchanger.result(), offer)
    ispdb = Step(Location.ISPDB, "autoconfig.thunderbird.net", State.NOT_LOOKED)
    by_srv = _step(Location.SRV, f"_imaps._tcp.{query.domain}", service.result(), offer)
    if by_srv.is_an_answer and not service.result().is_whole:
        by_srv = replace(by_srv, error="half")
    by_pox = _step(Location.POX, pox.result().origin, pox.result(), offer)
    by_pacc = _step(Location.PACC, file.result().origin, file.result(), offer)
    way = (at_host, at_domain, ispdb, at_exchanger)
    strict = (_strictly(at_host, config.result()), _strictly(at_domain, known.result()), ispdb, at_exchanger)
    families = (
        FamilyCheck(Family.THUNDERBIRD, way),
        FamilyCheck(Family.ANDROID, strict),
        FamilyCheck(Family.OUTLOOK, (by_pox, pox_srv.result())),
        FamilyCheck(Family.APPLE, (Step(Location.PROFILE, "", State.NOT_LOOKED),)),
        FamilyCheck(Family.SRV, (by_srv,)),
        FamilyCheck(Family.PACC, (by_pacc,)),
    )
    found = tuple(_contradictions([at_host, at_domain, by_srv, by_pox, by_pacc]))
    return PublicationCheck(families, found, tuple(task.result() for task in published))


def _files(domain: str) -> tuple[str, str]:
    return (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )


def _step(location: Location, where: str, finding: Finding, offer: Offer | None) -> Step:
    if finding.error or finding.account is None:
        state = State.MISSING if finding.error in _NOT_THERE else State.BROKEN
        return Step(location, where, state, finding.error)
    differing = tuple(_differing(finding.servers, offer)) if offer else ()
    return Step(location, where, State.DIFFERS if differing else State.FOUND, "", finding.servers, differing)


def _file_step(location: Location, where: str, finding: Finding, media_type: str, offer: Offer | None) -> Step:
    step = _step(location, where, finding, offer)
    if step.is_an_answer and media_type not in XML_TYPES:
        return replace(step, state=State.BROKEN, error="media_type")
    if step.is_an_answer and not finding.is_whole:
        return replace(step, state=State.BROKEN, error="no_outgoing")
    return step


def _strictly(step: Step, finding: Finding) -> Step:
    """The step for a strict client, which rejects a whole file for one server that it does not understand."""
    return replace(step, state=State.BROKEN, error="one_server") if step.is_an_answer and finding.skipped else step


def _differing(servers: Iterable[Server], offer: Offer) -> Iterator[Server]:
    """The best server of each protocol, where the portal has no such server or another user name for it."""
    known = {(s.protocol, s.host, s.port, s.security): s for s in (*offer.incoming, *offer.outgoing)}
    for server in _best(servers):
        same = known.get((server.protocol, server.host, server.port, server.security))
        if same is None or same.username is not server.username:
            yield server


def _best(servers: Iterable[Server]) -> list[Server]:
    best: dict[Protocol, Server] = {}
    for server in servers:
        best.setdefault(server.protocol, server)
    return list(best.values())


def _contradictions(steps: Iterable[Step]) -> Iterator[Contradiction]:
    answers = [step for step in steps if step.is_an_answer and step.servers]
    for one, other in combinations(answers, 2):
        theirs = {server.protocol: server for server in _best(other.servers)}
        for server in _best(one.servers):
            against = theirs.get(server.protocol)
            if against and (against.host, against.port) != (server.host, server.port):
                yield Contradiction(server.protocol, one.location, server, other.location, against)


async def _media_type(egress: Egress, url: str) -> str:
    try:
        return (await egress.fetch(url)).media_type
    except FetchFailure:
        return ""  # the source's own error tells


async def _pox_srv(query: Query) -> Step:
    """Outlook's last step: the host of the `_autodiscover._tcp` SRV record, and whether it answers."""
    name = f"_autodiscover._tcp.{query.domain}"
    try:
        records = await query.egress.query(name, "SRV")
    except DnsFailure as failure:
        state = State.MISSING if failure.cause in _NOT_THERE else State.BROKEN
        return Step(Location.POX_SRV, name, state, failure.cause)
    except HostForbidden:
        return Step(Location.POX_SRV, name, State.MISSING, "no_record")
    target = next((record for record in records.found if isinstance(record, SrvRecord) and record.target), None)
    if target is None:
        return Step(Location.POX_SRV, name, State.MISSING, "no_record")
    error = await _pox_error(query, f"https://{target.target}:{target.port}/autodiscover/autodiscover.xml")
    where = f"{name} → {target.target}:{target.port}"
    return Step(Location.POX_SRV, where, State.BROKEN if error else State.FOUND, error)


async def _pox_error(query: Query, url: str) -> str:
    """Why a host gives no Autodiscover answer, or ""."""
    body = write_request(f"{LOCAL_PART}@{query.domain}")
    try:
        answer = await query.egress.fetch(url, body=body, media_type="text/xml", redirects=0)
    except FetchFailure as failure:
        return failure.cause
    if answer.status == 401:
        return "wants_password"
    if answer.status != 200:
        return "not_there" if answer.status in NOT_THERE else f"http_{answer.status}"
    return "" if OUTLOOK.encode() in answer.body else "no_server"


async def _published(egress: Egress, record: DnsRecord) -> RecordCheck:
    """Look a record up in the DNS and compare."""
    try:
        answer = await egress.query(record.name, record.kind)
    except DnsFailure as failure:
        state = Published.NO if failure.cause in _NOT_THERE else Published.UNKNOWN
        return RecordCheck(record, state)
    except HostForbidden:
        return RecordCheck(record, Published.UNKNOWN)
    values = [value for each in answer.found if (value := _value(each)) and _is_about(record, value)]
    if record.value in values or _without_rank(record.value) in map(_without_rank, values):
        return RecordCheck(record, Published.YES)
    return RecordCheck(record, Published.OTHER, values[0][:200]) if values else RecordCheck(record, Published.NO)


def _value(record: object) -> str:
    match record:
        case SrvRecord():
            return f"{record.priority} {record.weight} {record.port} {record.target}."
        case CnameRecord():
            return f"{record.target}."
        case TxtRecord():
            return f'"{record.text}"'
        case _:
            return ""


def _is_about(record: DnsRecord, value: str) -> bool:
    """Whether a record is of the same kind: a name has TXT records for many uses, which differ in their beginning."""
    return record.kind != "TXT" or value.split("=")[0] == record.value.split("=")[0]


def _without_rank(value: str) -> str:
    """An SRV record's port and target, without priority and weight, which are the operator's choice."""
    parts = value.split(" ")
    return " ".join(parts[2:]) if len(parts) == 4 and parts[0].isdigit() else value
