"""Guides: the list, and one guide tailored to provider, client version and protocol."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from guides.forms import ADDRESS_FAULTS, AddressForm
from guides.library_cache import library_cached
from guides.mail.accounts import Address, Protocol
from guides.mail.ways import Ability, Way, ability_of, able
from guides.models import Guide, GuideText
from guides.models.texts import Text
from guides.services.filler_words import FILLER_WORDS
from guides.services.guide_page import compose, filled
from guides.views import manual_servers
from guides.views.lists import guide_page
from guides.views.page_cache import cached_page, keep_out
from guides.views.portal_urls import has_profile
from guides.views.settings_cards import cards
from guides.views.visitor import DomainField, VisitorContext, language

_ANY = Ability("", window_protocols=frozenset(Protocol), reaches_bridge=True)


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
    context = {"guides": texts, "page": page, "carried": f"?{urlencode({'at': at.domain})}" if at.domain else ""}
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

    @property
    def ability(self) -> Ability:
        """What the chosen version can do; a guide about mail in general leaves all open."""
        client = self.guide.client
        return ability_of(client.slug, self.version_slug, protocols=client.protocols) if client else _ANY

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
    client = choice.guide.client
    notice = None if visitor.by_hand else visitor.notice
    page = compose(
        text,
        notice,
        visitor.situation(choice.wanted_protocol, choice.version_slug),
        choice.ability,
        reads_profile=client is not None and client.reads_profile,
    )
    protocols = page.choice.protocols
    protocol = choice.wanted_protocol = page.choice.protocol  # links to this page do not carry on what cannot be
    faulty = bool(at.fault) or (form.is_bound and not form.is_valid())
    context = {
        "guide": choice.guide,
        "text": text,
        "is_fallback": text.language != language(),
        "page": page if client else None,
        "body": SafeString() if client else filled(text, visitor.situation(protocol)),
        "notice": notice,
        "provider": visitor.account.provider_name or visitor.shown_domain or FILLER_WORDS["unknown.provider"],
        "app": choice.version.name if choice.version else client and client.name,
        "password": visitor.password_name or FILLER_WORDS[f"password.{visitor.account.password}"],
        "able": _able(visitor) if client and page.way is Way.IMPOSSIBLE else [],
        "visitor": visitor,
        "cards": cards(visitor, (protocol, Protocol.SMTP)),
        "at": at,
        "at_fault": ADDRESS_FAULTS.get(at.fault, ""),
        "form": form,
        "profile_url": reverse("apple", args=[visitor.domain]) if page.offers_profile and has_profile(visitor) else "",
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


def _able(visitor: VisitorContext) -> list[Switch]:
    """Links to the guides about the mail apps that can open this mailbox."""
    versions = library_cached(f"versions:{language()}", _versions)
    can = {(each.client, each.version) for each in able(visitor.account, (ability for ability, _name in versions))}
    query = {"at": visitor.domain} | visitor.carried
    return [
        Switch(
            name,
            f"{reverse('guide', args=[each.client])}?{urlencode(query | {'version': each.version})}",
            current=False,
        )
        for each, name in versions
        if (each.client, each.version) in can
    ]


def _versions() -> list[tuple[Ability, str]]:
    """Each version of each mail app that there is a guide about, with its name in the visitor's language."""
    guides = Guide.objects.published().for_page().filter(client__isnull=False)
    return [
        (ability_of(guide.slug, version.slug, protocols=guide.client.protocols), version.name)
        for guide in guides
        if guide.client
        for version in guide.client.versions.all()
    ]


def _text_of(guide: Guide) -> tuple[Text, set[str]]:
    """A guide's text for the visitor, and the languages that it is there in."""
    texts = GuideText.objects.filter(guide=guide).published()
    text = texts.in_reading_order(language()).defer("body").first()
    assert text is not None  # noqa: S101  # `published()` found the guide by its texts
    return text, set(texts.values_list("language", flat=True))
