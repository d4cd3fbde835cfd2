"""For operators: the DNS records of their domain, and a live look at what mail clients find there today."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from guides.forms import PortalForm
from guides.limits.rate_limits import count_operator_look
from guides.limits.shared_cache import Refused
from guides.mail.accounts import as_meant, display_domain
from guides.mail.publish.publication_check import FamilyCheck, PublicationCheck, Published, State, Step
from guides.mail.publish.records import DnsRecord
from guides.services import publication_look, publishing
from guides.views import labels, look_words
from guides.views.portal_urls import base_url
from guides.views.refusals import status_of, with_retry_after, words_of

MARKS = {
    State.FOUND: "ok",
    State.DIFFERS: "warn",
    State.MISSING: "skipped",
    State.BROKEN: "fail",
    State.NOT_LOOKED: "skipped",
}


class DomainForm(PortalForm):
    """The domain to look at."""

    domain = forms.CharField(
        label=_("Your domain"),
        max_length=253,
        error_messages={"required": _("Enter a domain, like example.com.")},
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "placeholder": "example.com"}),
    )

    def clean_domain(self) -> str:
        """In A-labels; an address counts as its domain."""
        domain = publishing.domain_or_none(as_meant(self.cleaned_data["domain"]).rpartition("@")[2])
        if domain is None:
            raise forms.ValidationError(_("This is not a domain. It looks like example.com."), code="domain")
        return domain


@dataclass(frozen=True)
class StepLine:
    """A step as the page shows it."""

    place: str | Promise
    where: str
    mark: str
    state: str | Promise
    why: str
    step: Step


@dataclass(frozen=True)
class FamilyCard:
    """A family as the page shows it."""

    name: str | Promise
    remark: str | Promise
    answer: Step | None
    answer_place: str | Promise
    steps: tuple[StepLine, ...]


@dataclass(frozen=True)
class RecordLine:
    """A record as the page shows it; `published` is None when nobody looked."""

    record: DnsRecord
    visitor: str | Promise
    published: Published | None = None
    words: str | Promise = ""
    instead: str = ""


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Which domain? The answer is a page of its own."""
    form = DomainForm(request.GET if "domain" in request.GET else None)
    if form.is_bound and form.is_valid():
        return redirect("operators-domain", form.cleaned_data["domain"])
    return render(request, "operators.html", {"form": form}, status=422 if form.is_bound else 200)


@require_safe
@never_cache
def of_domain(request: HttpRequest, domain: str) -> HttpResponse:
    """Records to publish, and what each family of clients finds. The look has a budget: it asks strangers' servers."""
    ascii_domain = publishing.domain_or_none(domain)
    if ascii_domain is None:
        raise Http404
    if ascii_domain != domain:
        return redirect("operators-domain", ascii_domain)
    base = base_url(request)
    wanted = publication_look.wanted_of(domain, base)
    context: dict[str, object] = {
        "domain": domain,
        "shown_domain": display_domain(domain),
        "provider": wanted.provider,
        "form": DomainForm(initial={"domain": domain}),
        "records": [RecordLine(record, look_words.READERS[record.method]) for record in wanted.records],
        "base_is_known": bool(settings.BASE_URL),
        "portal": wanted.portal,
        "ispdb_url": f"{base}/v1.1/" if settings.SERVE_KNOWN_DOMAINS else "",
    }
    try:
        look = _look(request, wanted)
    except Refused as refusal:
        context["refusal"] = words_of(refusal)
        return with_retry_after(render(request, "operators-domain.html", context, status=status_of(refusal)), refusal)
    context |= {
        "look": look,
        "families": [_card(family) for family in look.families],
        "contradictions": [
            (labels.PROTOCOLS[each.protocol], look_words.PLACES[each.one], look_words.PLACES[each.other], each)
            for each in look.contradictions
        ],
        "records": [
            RecordLine(
                each.record,
                look_words.READERS[each.record.method],
                each.published,
                look_words.PUBLISHED[each.published],
                each.instead,
            )
            for each in look.records
        ],
    }
    return render(request, "operators-domain.html", context)


def _look(request: HttpRequest, wanted: publication_look.Wanted) -> PublicationCheck:
    """A look of the last minute, or a new one. Raises Refused."""
    known = publication_look.kept_look(wanted)
    if known is not None:
        return known
    count_operator_look(request.META["REMOTE_ADDR"])
    return publication_look.look_now(wanted)


def _card(family: FamilyCheck) -> FamilyCard:
    answer = family.answer
    return FamilyCard(
        name=look_words.FAMILIES[family.family],
        remark=look_words.REMARKS[family.family],
        answer=answer,
        answer_place=look_words.PLACES[answer.location] if answer else "",
        steps=tuple(
            StepLine(
                look_words.PLACES[step.location],
                step.where,
                MARKS[step.state],
                look_words.STATES[step.state],
                look_words.cause_words(step.error),
                step,
            )
            for step in family.steps
            if step.where  # Apple's has nothing to show
        ),
    )
