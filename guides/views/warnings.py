"""What is known against a provider's servers before a visitor types a password for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from guides.limits import circuit_breaker
from guides.limits.shared_cache import cache_optional
from guides.mail.accounts import Server
from guides.mail.connection.probes import Endpoint, ProbeResult
from guides.mail.diagnosis.codes import PORTAL_CAUSES


@dataclass(frozen=True, slots=True)
class ServerWarning:
    """A server that refuses this portal (`blocked`), or has answered no test; since when."""

    host: str
    blocked: bool
    at: datetime


def server_warnings(servers: Iterable[Server]) -> list[ServerWarning]:
    """One for each host with something known against it. One read of the cache."""
    known: Mapping[Endpoint, ProbeResult] = {}
    with cache_optional("nothing is said of servers that fail"):
        known = circuit_breaker.known_failures(map(Endpoint.of, servers)).known
    warnings: dict[tuple[str, bool], ServerWarning] = {}
    for endpoint, answer in known.items():
        blocked = answer.failure is not None and answer.failure.cause in PORTAL_CAUSES
        if blocked or answer.is_open:
            at = answer.since if answer.is_open else answer.at
            warnings.setdefault(
                (endpoint.host, blocked), ServerWarning(endpoint.host, blocked, datetime.fromtimestamp(at, UTC))
            )
    return list(warnings.values())
