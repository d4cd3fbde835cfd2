"""Home, and the short ways in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from guides.forms import AddressForm
from guides.models import Guide
from guides.models.texts import ListedText
from guides.views.lists import first_errors, guide_tiles
from guides.views.page_cache import cached_page
from guides.views.status import outage_state, outages_now
from guides.views.visitor import language


@require_safe
def choose_language(request: HttpRequest) -> HttpResponse:
    """Send on to the home page in the browser's language."""
    response = redirect("home")
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_safe
def go(request: HttpRequest, client: str) -> HttpResponse:
    """A short address that staff can read out on the phone: the client's guide in the browser's language."""
    guide = get_object_or_404(Guide.objects.published(), slug=client)
    response = redirect("guide", guide.slug)
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_safe
@cached_page(state=outage_state)
def home(request: HttpRequest) -> HttpResponse:
    """One field, the mail address; and the shelves below it."""
    return render(request, "home.html", home_context(AddressForm()))


def home_context(form: AddressForm) -> dict[str, object]:
    """What the home page shows around its form."""
    return {
        "form": form,
        "guides": guide_tiles(language()),
        "errors": first_errors(language()),
        "outages": outages_now(),
    }


def guide_links(query: str) -> list[tuple[ListedText, str]]:
    """The first guides with the address of their pages for a visitor (`VisitorContext.query`)."""
    folder, tail = reverse("guides"), f"?{query}" if query else ""
    return [(text, f"{folder}{text.slug}/{tail}") for text in guide_tiles(language())]
