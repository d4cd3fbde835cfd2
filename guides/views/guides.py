"""Guides: the list, and one guide tailored to provider, client version and protocol."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from guides.forms import ADDRESS_FAULTS, AddressForm
from guides.library_cache import library_cached
from guides.mail.accounts import Address, Protocol
from guides.models import Guide, GuideText
from guides.models.texts import Text
from guides.views import manual_servers
from guides.views.lists import guide_page
from guides.views.page_cache import cached_page, keep_out
from guides.views.portal_urls import has_profile
from guides.views.settings_cards import cards
from guides.views.visitor import DomainField, VisitorContext, filled, language


@dataclass(frozen=True)
class Switch:
    """One of several ways to show a guide."""

    label: str
    url: str
    current: bool


@require_safe
@cached_page()
def index(request: HttpRequest) -> HttpResponse:
    """All guides, page by page."""
    at = DomainField.read(request.GET.get("at", ""))
    texts, page = guide_page(language(), request.GET.get("page", ""))
    context = {"guides": texts, "page": page, "query": f"?{urlencode({'at': at.domain})}" if at.domain else ""}
    return render(request, "guides.html", context)


@csrf_exempt  # guarded by helpdesk.middleware.same_origin_posts: readers get no cookie
@require_http_methods(["GET", "HEAD", "POST"])
@cached_page()
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """One guide. A POST holds the visitor's address and fills it into the steps; a URL holds the domain alone."""
    guide = library_cached(f"guide:{slug}", lambda: get_object_or_404(Guide.objects.published().for_page(), slug=slug))
    form = AddressForm(request.POST if request.method == "POST" else None)
    address: Address | None = None
    if form.is_bound and form.is_valid():
        address = form.cleaned_data["address"]
        at = DomainField.read(address.domain)
    else:
        at = DomainField.read(request.GET.get("at", ""))
    typed = manual_servers.form_of(request) if at.domain else None
    if typed is not None and not typed.is_valid():  # that page says what is wrong, and has the fields
        return redirect(f"{reverse('settings-domain', args=[at.domain])}?{urlencode(typed.data)}")
    confirmed = request.GET.get("confirmed", "")
    visitor = VisitorContext.load(at.domain, address, confirmed=confirmed, by_hand=manual_servers.servers_of(typed))
    choice = _Choice(guide, visitor, request)
    request.page_path = choice.url()  # type: ignore[attr-defined]
    return _page(request, choice, visitor, at, form)


class _Choice:
    """What the URL says: version and protocol, as far as the client and the provider have them."""

    def __init__(self, guide: Guide, visitor: VisitorContext, request: HttpRequest) -> None:
        self.guide = guide
        self.visitor = visitor
        self.versions = list(guide.client.versions.all()) if guide.client else []
        wanted = request.GET.get("version", "")
        default = next((version for version in self.versions if version.is_default), None)
        self.version = next((v for v in self.versions if v.slug == wanted), default)
        self.version_slug = self.version.slug if self.version else ""
        self.wanted_protocol = Protocol.POP3 if request.GET.get("protocol") == Protocol.POP3 else Protocol.IMAP

    def protocols(self, visitor: VisitorContext) -> list[Protocol]:
        """The ways to receive mail that both the client and the provider have; IMAP first."""
        client = self.guide.client
        speaks = {
            Protocol.IMAP: client is None or client.speaks_imap,
            Protocol.POP3: client is None or client.speaks_pop3,
        }
        offers = {
            protocol: not visitor.known or visitor.account.best(protocol) is not None
            for protocol in (Protocol.IMAP, Protocol.POP3)
        }
        both = [protocol for protocol in speaks if speaks[protocol] and offers[protocol]]
        return both or [protocol for protocol in speaks if speaks[protocol]][:1]  # nothing to choose between

    def url(self, *, version: str | None = None, protocol: Protocol | None = None) -> str:
        """The page's address with one thing changed; what is usual is left out."""
        domain = self.visitor.domain
        query = {"at": domain} | self.visitor.carried if domain else {}
        slug = self.version_slug if version is None else version
        if self.version and slug != next((v.slug for v in self.versions if v.is_default), ""):
            query["version"] = slug
        if (protocol or self.wanted_protocol) is Protocol.POP3:
            query["protocol"] = Protocol.POP3.value
        path = reverse("guide", args=[self.guide.slug])
        return f"{path}?{urlencode(query)}" if query else path


def _page(
    request: HttpRequest, choice: _Choice, visitor: VisitorContext, at: DomainField, form: AddressForm
) -> HttpResponse:
    text, request.page_languages = library_cached(  # type: ignore[attr-defined]
        f"guide text:{choice.guide.pk}:{language()}", lambda: _text_of(choice.guide)
    )
    protocols = choice.protocols(visitor)
    protocol = choice.wanted_protocol if choice.wanted_protocol in protocols else protocols[0]
    choice.wanted_protocol = protocol  # links to this page do not carry on what cannot be
    situation = visitor.situation(protocol, choice.version_slug)
    faulty = bool(at.fault) or (form.is_bound and not form.is_valid())
    context = {
        "guide": choice.guide,
        "text": text,
        "is_fallback": text.language != language(),
        "body": filled(text, situation),
        "notice": visitor.notice_html(protocol),
        "visitor": visitor,
        "cards": cards(visitor, (protocol, Protocol.SMTP)),
        "at": at,
        "at_fault": ADDRESS_FAULTS.get(at.fault, ""),
        "form": form,
        "is_about_client": choice.guide.client_id is not None,
        "has_profile": bool(choice.guide.client and choice.guide.client.reads_profile) and has_profile(visitor),
        "versions": [Switch(v.name, choice.url(version=v.slug), v == choice.version) for v in choice.versions],
        "protocols": [Switch(p.name, choice.url(protocol=p), p is protocol) for p in protocols],
        "version_slug": choice.version_slug,
        "protocol": protocol.value,
        "page_url": choice.url(),
        "title_error": _("Error:") if faulty else "",
    }
    response = render(request, "guide.html", context, status=422 if faulty else 200)
    if visitor.address:
        response["Cache-Control"] = "no-store"
        return response
    return response if visitor.is_from_library else keep_out(response)


def _text_of(guide: Guide) -> tuple[Text, set[str]]:
    """A guide's text for the visitor, and the languages that it is there in."""
    texts = GuideText.objects.filter(guide=guide).published()
    text = texts.in_reading_order(language()).defer("body").first()
    assert text is not None  # noqa: S101  # `published()` found the guide by its texts
    return text, set(texts.values_list("language", flat=True))
