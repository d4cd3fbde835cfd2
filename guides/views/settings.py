"""The settings of a mail address or domain: at hand, or looked up on the spot, source by source."""

from __future__ import annotations

from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from guides.forms import AddressForm
from guides.limits.rate_limits import count_lookup
from guides.limits.shared_cache import Refused
from guides.mail.accounts import Address, AddressError, Protocol, domain_to_ascii
from guides.mail.discovery.findings import Discovery, Trust
from guides.mail.discovery.serialization import as_record
from guides.services import discovering
from guides.views import labels, manual_servers
from guides.views.discovery_stream import DiscoveryStream, remarks_of, rows_of
from guides.views.first_guide import first_guide
from guides.views.manual_servers import ByHandForm
from guides.views.page_cache import cached_page, keep_out
from guides.views.pages import guide_links, home_context
from guides.views.portal_urls import has_profile
from guides.views.refusals import status_of, with_retry_after, words_of
from guides.views.settings_cards import cards
from guides.views.similar_domains import similar_domains
from guides.views.visitor import VisitorContext, language


@csrf_exempt  # guarded by helpdesk.middleware.same_origin_posts: readers get no cookie
@require_http_methods(["GET", "HEAD", "POST"])
def lookup(request: HttpRequest) -> HttpResponseBase:
    """The settings for the address in the form."""
    if request.method != "POST":
        return redirect("home")
    form = AddressForm(request.POST)
    if not form.is_valid():
        request.page_path = reverse("home")  # type: ignore[attr-defined]
        return render(request, "home.html", home_context(form), status=422)
    address: Address = form.cleaned_data["address"]
    confirmed = request.POST.get("confirmed", "")
    visitor = VisitorContext.load(address.domain, address, confirmed=confirmed)
    if visitor.is_settled and not (visitor.discovery and visitor.discovery.needs_address):
        return _private(_page(request, visitor))
    try:
        count_lookup(request.META["REMOTE_ADDR"])
        if request.htmx and not visitor.is_settled:  # type: ignore[attr-defined]
            return _private(_stream(request, address, confirmed))
        discovery = _discovered(address)
    except Refused as refusal:
        return _private(_over_limit(request, visitor, refusal))
    return _private(
        _page(request, VisitorContext.load(address.domain, address, discovery=discovery, confirmed=confirmed))
    )


@require_safe
@cached_page(by_device=True)
def of_domain(request: HttpRequest, domain: str) -> HttpResponse:
    """The same for a domain: a page to share, without anybody's address. The URL may hold servers by hand."""
    ascii_domain = _domain(domain)
    if ascii_domain != domain:
        return redirect("settings-domain", ascii_domain)
    form = manual_servers.form_of(request)
    confirmed = request.GET.get("confirmed", "")
    visitor = VisitorContext.load(ascii_domain, confirmed=confirmed, by_hand=manual_servers.servers_of(form))
    if not visitor.is_settled and form is None:
        try:
            count_lookup(request.META["REMOTE_ADDR"])
            visitor = VisitorContext.load(
                ascii_domain, discovery=discovering.look_up(ascii_domain), confirmed=confirmed
            )
        except Refused as refusal:
            return _over_limit(request, visitor, refusal)
    return _page(request, visitor, form)


@require_safe
def as_json(request: HttpRequest, domain: str) -> HttpResponse:
    """The same for scripts, in the shape of `discover --json`."""
    ascii_domain = _domain(domain)
    discovery = discovering.at_hand(ascii_domain)
    if discovery is None:
        try:
            count_lookup(request.META["REMOTE_ADDR"])
            discovery = discovering.look_up(ascii_domain)
        except Refused as refusal:
            return with_retry_after(JsonResponse({"error": refusal.limit}, status=status_of(refusal)), refusal)
    known = discovery.found or discovery.account.provider is not None
    return JsonResponse(as_record(discovery), status=200 if known else 404)


def _domain(text: str) -> str:
    try:
        return domain_to_ascii(text)
    except AddressError as error:
        raise Http404 from error


def _discovered(address: Address) -> Discovery:
    """What is found for an address; the address goes only to a source of its domain that cannot answer without it."""
    return discovering.with_address(discovering.look_up(address.domain), address)


def _stream(request: HttpRequest, address: Address, confirmed: str) -> StreamingHttpResponse:
    """The search as it runs, and the page at its end."""

    def finish(discovery: Discovery | None) -> str:
        if discovery is None:
            return render_to_string("settings/_broken.html", {"domain": address.domain}, request)
        found = discovering.with_address(discovery, address)
        visitor = VisitorContext.load(address.domain, address, discovery=found, confirmed=confirmed)
        return render_to_string("settings.html", _context(request, visitor), request)

    close_old_connections()  # the search may last seconds; a pooled connection is not held meanwhile
    stream = DiscoveryStream(address.domain, language(), finish)
    response = StreamingHttpResponse(stream, content_type="text/event-stream; charset=utf-8")
    response["X-Accel-Buffering"] = "no"
    return response


def _private(response: HttpResponseBase) -> HttpResponseBase:
    """What holds an address is kept nowhere."""
    response["Cache-Control"] = "no-store"
    return response


def _over_limit(request: HttpRequest, visitor: VisitorContext, refusal: Refused) -> HttpResponse:
    context = _context(request, visitor) | {"refusal": words_of(refusal)}
    return with_retry_after(render(request, "settings.html", context, status=status_of(refusal)), refusal)


def _page(request: HttpRequest, visitor: VisitorContext, form: ByHandForm | None = None) -> HttpResponse:
    faulty = form is not None and bool(form.errors)
    response = render(request, "settings.html", _context(request, visitor, form), status=422 if faulty else 200)
    if request.method == "POST":
        response["HX-Push-Url"] = reverse("settings-domain", args=[visitor.domain])
    return response if visitor.is_from_library else keep_out(response)


def _may_be_mistyped(visitor: VisitorContext) -> bool:
    """Whether to look for a similar name: not where the table knows the domain or it publishes its own settings."""
    if visitor.discovery is None:
        return visitor.provider is None
    winner = visitor.discovery.winner
    return winner is None or winner.trust is not Trust.HIGH


def _context(request: HttpRequest, visitor: VisitorContext, form: ByHandForm | None = None) -> dict[str, object]:
    path = reverse("settings-domain", args=[visitor.domain])
    request.page_path = path  # type: ignore[attr-defined]
    wants_form = (not visitor.known and not visitor.needs_confirmation) or "by-hand" in request.GET
    form = form or (ByHandForm() if wants_form else None)
    shown = cards(visitor)
    receiving = [card for card in shown if card.server.protocol is not Protocol.SMTP]
    others = receiving[1:]  # POP3 where there is IMAP
    return {
        "visitor": visitor,
        "form": form,
        "cards": shown,
        "pair": [card for card in shown if card not in others],
        "others": others,
        "first_guide": first_guide(request, visitor),
        "guides": guide_links(visitor.query),
        "password": labels.PASSWORDS[visitor.account.password],
        "has_profile": has_profile(visitor),
        "similar": similar_domains(visitor.domain) if _may_be_mistyped(visitor) else [],
        "sources": rows_of(visitor.discovery) if visitor.discovery else [],
        "remarks": remarks_of(visitor.discovery) if visitor.discovery and not visitor.by_hand else [],
        "share_url": request.build_absolute_uri(path),
        "page_url": path,
        "look_url": request.build_absolute_uri(reverse("operators-domain", args=[visitor.domain])),
    }
