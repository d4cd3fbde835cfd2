"""Which known servers answer: the status page, and the quiet banner of the front page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from guides.limits import outages
from guides.limits.outages import Seen, ServerName
from guides.mail.accounts import Protocol, Security
from guides.models import ProviderServer
from guides.views import labels

BANNER_SECONDS = 5  # the front page asks the shared cache so often, not with each request


@dataclass(frozen=True, slots=True)
class Outage:
    """A provider whose servers of one protocol fail for everybody."""

    provider: str
    protocol: str | Promise
    since: datetime


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One line of the status page."""

    protocol: str | Promise
    host: str
    port: int
    security: str | Promise
    works: bool
    at: datetime
    for_everybody: bool  # it fails, and nobody gets through
    since: datetime | None
    answered_at: datetime | None


@dataclass
class ProviderStatus:
    """A provider's servers."""

    name: str
    servers: list[ServerStatus] = field(default_factory=list)


def _failing() -> dict[ServerName, float]:
    """What this process last heard of outages; it asks the shared cache every BANNER_SECONDS."""
    return cast("dict[ServerName, float]", caches["pages"].get_or_set("outages", outages.failing_now, BANNER_SECONDS))


def outage_state() -> str:
    """What the front page's banner depends on, in a few letters; "" when nothing fails."""
    failing = _failing()
    if not failing:
        return ""
    shown = sorted(failing.items()), timezone.now().date()  # what began on another day is shown with its date
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def outages_now() -> list[Outage]:
    """What the front page says. A query only when something fails."""
    failing = _failing()
    if not failing:
        return []
    found: dict[tuple[str, str], float] = {}
    for row, name in _listed({server.host for server in failing}):
        if name in failing:
            key = row.provider.name, row.protocol
            found[key] = min(found.get(key, failing[name]), failing[name])
    return [
        Outage(provider, labels.PROTOCOLS[Protocol(protocol)], _moment(since))
        for (provider, protocol), since in sorted(found.items())
    ]


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The known servers that somebody has tested within a day, without anything about the visitor."""
    rows = _listed(None)
    seen = outages.seen(name for _row, name in rows)
    failing = outages.failing_now()
    providers: dict[str, ProviderStatus] = {}
    for row, name in rows:
        if name in seen:
            provider = providers.setdefault(row.provider.slug, ProviderStatus(row.provider.name))
            provider.servers.append(_status(row, seen[name], failing.get(name)))
    return render(request, "status.html", {"providers": list(providers.values())})


def _listed(hosts: set[str] | None) -> list[tuple[ProviderServer, ServerName]]:
    rows = ProviderServer.objects.select_related("provider").order_by(
        "provider__position", "provider__name", "position"
    )
    if hosts is not None:
        rows = rows.filter(host__in=hosts)
    return [(row, ServerName(row.host.lower(), row.port, Security(row.security))) for row in rows]


def _status(row: ProviderServer, seen: Seen, failing_since: float | None) -> ServerStatus:
    since = failing_since or seen.failing_since
    return ServerStatus(
        protocol=labels.PROTOCOLS[Protocol(row.protocol)],
        host=row.host,
        port=row.port,
        security=labels.SECURITIES[Security(row.security)],
        works=seen.works,
        at=_moment(seen.at),
        for_everybody=failing_since is not None,
        since=_moment(since) if since else None,
        answered_at=_moment(seen.answered_at) if seen.answered_at else None,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
