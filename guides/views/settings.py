"""The settings of a mail address or domain."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from guides.content.spelling import similar_domains
from guides.forms import AddressForm
from guides.mail.accounts import Address, AddressError, domain_to_ascii
from guides.views import labels
from guides.views.cards import cards
from guides.views.offers import has_profile
from guides.views.pages import guide_links, home_context
from guides.views.readers import Reader


@csrf_exempt  # guarded by helpdesk.middleware.same_origin_posts: readers get no cookie
@require_http_methods(["GET", "HEAD", "POST"])
def lookup(request: HttpRequest) -> HttpResponse:
    """The settings for the address in the form."""
    if request.method != "POST":
        return redirect("home")
    form = AddressForm(request.POST)
    if not form.is_valid():
        request.page_path = reverse("home")  # type: ignore[attr-defined]
        return render(request, "home.html", home_context(form), status=422)
    address: Address = form.cleaned_data["address"]
    response = _page(request, Reader.of(address.domain, address))
    response["HX-Push-Url"] = reverse("settings-domain", args=[address.domain])
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def of_domain(request: HttpRequest, domain: str) -> HttpResponse:
    """The same for a domain: a page to share, without anybody's address."""
    try:
        ascii_domain = domain_to_ascii(domain)
    except AddressError as error:
        raise Http404 from error
    if ascii_domain != domain:
        return redirect("settings-domain", ascii_domain)
    return _page(request, Reader.of(ascii_domain))


def _page(request: HttpRequest, reader: Reader) -> HttpResponse:
    request.page_path = reverse("settings-domain", args=[reader.domain])  # type: ignore[attr-defined]
    context = {
        "reader": reader,
        "cards": cards(reader),
        "guides": guide_links(reader.domain),
        "password": labels.PASSWORDS[reader.account.password],
        "has_profile": has_profile(reader),
        "similar": [] if reader.provider else similar_domains(reader.domain),
    }
    return render(request, "settings.html", context)
