"""For staff: what each own domain should publish, as a list to tick off, with a look at what it publishes now.

The pages stand in the admin (`helpdesk.staff_site`), for staff with the permission to see providers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from guides.limits.shared_cache import Refused
from guides.mail.accounts import display_domain
from guides.mail.publish.publication_check import (
    Family,
    Location,
    PublicationCheck,
    Published,
    RecordCheck,
    State,
    Step,
)
from guides.mail.publish.records import DiscoveryMethod, DnsRecord
from guides.services import publication_look, publishing
from guides.services.publication_look import Wanted
from guides.views import look_words
from guides.views.portal_urls import base_url
from guides.views.refusals import status_of, with_retry_after, words_of


class ItemState(StrEnum):
    """What a look found of one item; the values name classes of the style sheet."""

    OPEN = "open"  # nothing has been looked at yet
    GOOD = "good"
    DIFFERS = "differs"
    MISSING = "missing"
    UNKNOWN = "unknown"


WORDS: dict[ItemState, str | Promise] = {
    ItemState.OPEN: _("not looked at yet"),
    ItemState.GOOD: _("as it should be"),
    ItemState.DIFFERS: _("differs"),
    ItemState.MISSING: _("missing"),
    ItemState.UNKNOWN: _("could not be looked up"),
}
_OF_RECORD = {
    Published.YES: ItemState.GOOD,
    Published.OTHER: ItemState.DIFFERS,
    Published.NO: ItemState.MISSING,
    Published.UNKNOWN: ItemState.UNKNOWN,
}
_OF_PLACE = {
    State.FOUND: ItemState.GOOD,
    State.DIFFERS: ItemState.DIFFERS,
    State.BROKEN: ItemState.DIFFERS,
    State.MISSING: ItemState.MISSING,
    State.NOT_LOOKED: ItemState.OPEN,
}
EXAMPLE_URL = "https://help.example.org"
_HAS_ADDRESS = _("The name has an address of its own, which leads to the portal.")
_OPTIONAL_METHODS = frozenset({DiscoveryMethod.PACC, DiscoveryMethod.MAILCONF})
_OPTIONAL_PLACES = frozenset({Location.WELL_KNOWN, Location.PACC})


@dataclass(frozen=True)
class Item:
    """One line of the list: `what` it is about, the value `wanted` there, and what was found `instead` and why."""

    what: str
    wanted: str
    remark: str | Promise
    is_optional: bool = False
    state: ItemState = ItemState.OPEN
    instead: str = ""
    why: str | Promise = ""

    @property
    def words(self) -> str | Promise:
        """Its state in words."""
        return WORDS[self.state]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All own domains."""
    domains = [(domain, display_domain(domain)) for domain in sorted(publishing.own_domains())]
    return _page(request, "admin/own_domains.html", domains=domains, title=_("Own domains"))


@require_http_methods(["GET", "HEAD", "POST"])
def of_domain(request: HttpRequest, domain: str) -> HttpResponse:
    """The list of one own domain; a POST looks at every item now."""
    _demand_permission(request)
    ascii_domain = publishing.domain_or_none(domain)
    if ascii_domain is None or ascii_domain not in publishing.own_domains():
        raise Http404
    if ascii_domain != domain:
        return redirect("admin:own_domain", ascii_domain)
    base = base_url(request)
    wanted = publication_look.wanted_of(domain, base)
    look, refusal = None, None
    if request.method == "POST" and wanted.offer is not None:
        try:
            look = publication_look.look_now(wanted)
        except Refused as refused:
            refusal = refused
    items = [*_records(wanted, look), *_places(wanted, base, look)] if wanted.offer else []
    needed = [item for item in items if not item.is_optional]
    answer = _page(
        request,
        "admin/own_domain.html",
        status=status_of(refusal) if refusal else 200,
        title=display_domain(domain),
        domain=domain,
        wanted=wanted,
        items=items,
        look=look,
        refusal=words_of(refusal) if refusal else "",
        needed=len(needed),
        good=sum(item.state is ItemState.GOOD for item in needed),
        base=base,
    )
    return with_retry_after(answer, refusal) if refusal else answer


def _demand_permission(request: HttpRequest) -> None:
    if not any(request.user.has_perm(f"guides.{action}_provider") for action in ("view", "change")):
        raise PermissionDenied


def _page(request: HttpRequest, template: str, *, status: int = 200, **context: object) -> HttpResponse:
    _demand_permission(request)
    base = base_url(request)
    is_name = publishing.domain_or_none(urlsplit(base).hostname or "")
    context |= {
        **admin.site.each_context(request),
        "base_is_known": bool(settings.BASE_URL),
        "wanted_base": f"BASE_URL={base if is_name else EXAMPLE_URL}",
    }
    return render(request, template, context, status=status)


def _records(wanted: Wanted, look: PublicationCheck | None) -> Iterator[Item]:
    """One item for each DNS record."""
    checks = {check.record: check for check in look.records} if look else {}
    for record in wanted.records:
        item = Item(
            f"{record.kind} {record.name}",
            record.value,
            look_words.READERS[record.method],
            is_optional=record.method in _OPTIONAL_METHODS or record.value.endswith(" ."),  # "." says: not offered
        )
        yield _with_check(item, checks[record], look) if look and record in checks else item


def _with_check(item: Item, check: RecordCheck, look: PublicationCheck) -> Item:
    if check.published is not Published.YES and _leads_here_by_itself(check.record, look):
        return replace(item, state=ItemState.GOOD, why=_HAS_ADDRESS)
    return replace(item, state=_OF_RECORD[check.published], instead=check.instead)


def _leads_here_by_itself(record: DnsRecord, look: PublicationCheck) -> bool:
    """Whether the host that an alias is wanted for gives the portal's settings although it is no alias."""
    steps = _steps(look).values()
    return record.kind == "CNAME" and any(
        step.state is State.FOUND and step.where.startswith(f"https://{record.name}/") for step in steps
    )


def _places(wanted: Wanted, base: str, look: PublicationCheck | None) -> Iterator[Item]:
    """One item for each place that mail clients ask by https; `wanted` is where the portal itself gives that answer."""
    domain, methods = wanted.domain, {record.method for record in wanted.records}
    if not wanted.portal:
        return
    config, pox = f"{base}/v1.1/{domain}", f"{base}/autodiscover/autodiscover.xml"
    places = [
        (Location.AUTOCONFIG, f"https://autoconfig.{domain}/mail/config-v1.1.xml", config),
        (Location.WELL_KNOWN, f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml", config),
    ]
    if DiscoveryMethod.AUTODISCOVER in methods:
        places.append((Location.POX, f"https://autodiscover.{domain}/autodiscover/autodiscover.xml", pox))
    if DiscoveryMethod.PACC in methods:
        places.append((Location.PACC, f"https://ua-auto-config.{domain}/.well-known/user-agent-configuration.json", ""))
    steps = _steps(look) if look else {}
    for location, url, at_portal in places:
        item = Item(url, at_portal, look_words.PLACES[location], is_optional=location in _OPTIONAL_PLACES)
        yield _with_step(item, steps[location]) if location in steps else item


def _with_step(item: Item, step: Step) -> Item:
    found = ", ".join(f"{server.host}:{server.port} {server.security}" for server in step.differing)
    elsewhere = step.where if step.where != item.what else ""
    why = look_words.cause_words(step.error)
    if step.state is State.BROKEN:
        why = f"{_now('there, but unusable')}. {why}"
    return replace(item, state=_OF_PLACE[step.state], instead=found or elsewhere, why=why)


def _steps(look: PublicationCheck) -> dict[Location, Step]:
    """The steps by place; those of strict clients say more of the same files and are left out."""
    families = [family for family in look.families if family.family is not Family.ANDROID]
    return {step.location: step for family in families for step in family.steps}
