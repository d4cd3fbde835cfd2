"""Home, and the short ways in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from guides.forms import AddressForm
from guides.models import ErrorText, Guide, GuideText
from guides.views.readers import language
from guides.views.status import outages_now


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
def home(request: HttpRequest) -> HttpResponse:
    """One field, the mail address; and the shelves below it."""
    return render(request, "home.html", home_context(AddressForm()))


def home_context(form: AddressForm) -> dict[str, object]:
    """What the home page shows around its form."""
    return {
        "form": form,
        "guides": GuideText.objects.for_list("guide", language()),
        "errors": ErrorText.objects.for_list("article", language())[:8],
        "outages": outages_now(),
    }


def guide_links(query: str) -> list[tuple[GuideText, str]]:
    """Every guide with the address of its page for a reader (`Reader.query`)."""
    tail = f"?{query}" if query else ""
    return [
        (text, reverse("guide", args=[text.guide.slug]) + tail)
        for text in GuideText.objects.for_list("guide", language())
    ]
