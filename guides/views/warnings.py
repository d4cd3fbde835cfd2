"""What is known against a provider's servers before anybody types a password for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from guides.crowd import memory
from guides.mail.accounts import Server
from guides.mail.connection.shared import Place
from guides.mail.diagnosis.codes import PORTAL_CAUSES


@dataclass(frozen=True, slots=True)
class ServerWarning:
    """A server that refuses this portal (`blocked`), or has answered nobody; since when."""

    host: str
    blocked: bool
    at: datetime


def server_warnings(servers: Iterable[Server]) -> list[ServerWarning]:
    """One for each host with something known against it. One read of the cache."""
    places = [Place.of(server) for server in servers]
    if not places:
        return []
    warnings: dict[tuple[str, bool], ServerWarning] = {}
    for place, answer in memory.outlook(places).known.items():
        blocked = answer.failure is not None and answer.failure.cause in PORTAL_CAUSES
        if blocked or answer.is_open:
            at = answer.since if answer.is_open else answer.at
            warnings.setdefault(
                (place.host, blocked), ServerWarning(place.host, blocked, datetime.fromtimestamp(at, UTC))
            )
    return list(warnings.values())
