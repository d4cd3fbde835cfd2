"""DNS records other than addresses: MX, SRV, TXT, CNAME. Part of `guides.mail.network`, which alone imports it.

Answers are untrusted: a host in one may be connected to only after `Egress.resolve` has checked it.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from guides.mail.connection.limits import Limits
from guides.mail.vetting import HostForbidden, check_host

RecordKind = Literal["MX", "SRV", "TXT", "CNAME"]

MOST_RECORDS = 32
LONGEST_TEXT = 4096
_SERVICE_LABEL = re.compile(r"_[a-z0-9-]{1,62}", re.IGNORECASE)  # RFC 8552
_MOST_SERVICE_LABELS = 3


class DnsFailure(Exception):  # noqa: N818
    """A DNS query gave no usable answer. `cause` is a class, `dns.*`."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True, order=True)
class MxRecord:
    """A mail exchanger (RFC 5321 section 5.1). An empty host: the domain takes no mail (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class SrvRecord:
    """The host and port of a service (RFC 2782). An empty target: the service is not offered."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class TxtRecord:
    """A text, its strings joined (RFC 7208 section 3.3)."""

    text: str


@dataclass(frozen=True, slots=True)
class CnameRecord:
    """The name that an alias points to."""

    target: str


Record = MxRecord | SrvRecord | TxtRecord | CnameRecord


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The records of a name: at most MOST_RECORDS, the preferred ones first, of `total` in the answer; may be none."""

    name: str
    kind: RecordKind
    found: tuple[Record, ...] = ()
    total: int = 0


def check_record_name(text: str, allowed_suffixes: Iterable[str] = ()) -> str:
    """A host name that may have service labels in front (`_imaps._tcp.`). Raises HostForbidden."""
    labels = text.split(".", _MOST_SERVICE_LABELS)
    services = []
    while len(labels) > 1 and labels[0].startswith("_"):
        services.append(labels.pop(0).lower())
    if not all(_SERVICE_LABEL.fullmatch(label) for label in services):
        raise HostForbidden("syntax")
    name = ".".join([*services, check_host(".".join(labels), allowed_suffixes)])
    if len(name) > 253:
        raise HostForbidden("syntax")
    return name


async def ask_records(
    make_resolver: Callable[[], dns.asyncresolver.Resolver], name: str, kind: RecordKind, limits: Limits
) -> RecordSet:
    """Query the records of a checked name. Raises DnsFailure; no records of that kind is an empty set, no failure."""
    try:
        resolver = make_resolver()
        answer = await resolver.resolve(dns.name.from_text(f"{name}."), kind, search=False, lifetime=limits.dns)
    except dns.resolver.NoAnswer:
        return RecordSet(name, kind)
    except dns.exception.DNSException as failure:
        raise DnsFailure(cause_of(failure)) from None
    if len(answer.chaining_result.cnames) > limits.cname_chain:
        raise DnsFailure("dns.servfail")
    found = tuple(heapq.nsmallest(MOST_RECORDS, (_record(kind, rdata) for rdata in answer), key=_preference))
    return RecordSet(name, kind, found, len(answer))


def cause_of(failure: dns.exception.DNSException) -> str:
    """The class of a failed query: no such name, no record, timeout, no reachable name server, or a server failure."""
    match failure:
        case dns.resolver.NXDOMAIN():
            return "dns.nxdomain"
        case dns.resolver.NoAnswer():
            return "dns.no_address"
        case dns.exception.Timeout():
            return "dns.timeout"
        case dns.resolver.NoResolverConfiguration():
            return "dns.temp"
        case dns.resolver.NoNameservers():
            # When no name server can be reached, the fault is in our network, not in the name.
            unasked = all(isinstance(error[3], OSError) for error in failure.kwargs["errors"])
            return "dns.temp" if unasked else "dns.servfail"
        case _:
            return "dns.servfail"


def _record(kind: RecordKind, rdata: Any) -> Record:
    match kind:
        case "MX":
            return MxRecord(rdata.preference, _host(rdata.exchange))
        case "SRV":
            return SrvRecord(rdata.priority, rdata.weight, rdata.port, _host(rdata.target))
        case "TXT":
            return TxtRecord(b"".join(rdata.strings)[:LONGEST_TEXT].decode("utf-8", "replace"))
        case "CNAME":
            return CnameRecord(_host(rdata.target))


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower().removesuffix(".")


def _preference(record: Record) -> tuple[int, int]:
    """The order of RFC 5321 and RFC 2782 without their random choice, so that equal answers give equal settings."""
    match record:
        case MxRecord():
            return record.preference, 0
        case SrvRecord():
            return record.priority, -record.weight
        case _:
            return 0, 0
