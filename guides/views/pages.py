"""Home, search, and the short ways in."""

from __future__ import annotations

import unicodedata

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from guides.forms import AddressForm
from guides.models import ErrorText, Guide, GuideText, MailClient, Provider
from guides.views.readers import language
from guides.views.status import outages_now

LONGEST_QUERY = 200


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


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Search by the names of clients, errors, topics and providers."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_QUERY]
    context: dict[str, object] = {"query": query}
    if query:
        context |= {"guides": _guides(query), "errors": _errors(query), "providers": _providers(query)}
    return render(request, "search.html", context)


def normalised(text: str) -> str:
    """One form for query and names: width, case and ё make no difference."""
    return unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")


def _holds(query: str, *names: str) -> bool:
    words = normalised(query).split()
    text = normalised(" ".join(names))
    return all(word in text for word in words)


def _guides(query: str) -> list[GuideText]:
    aliases = {
        client.guide.pk: f"{client.name} {client.aliases} "
        + " ".join(f"{v.name_ja} {v.name_en} {v.name_ru}" for v in client.versions.all())
        for client in MailClient.objects.filter(guide__isnull=False)
        .select_related("guide")
        .prefetch_related("versions")
    }
    texts = GuideText.objects.for_list("guide", language())
    return [text for text in texts if _holds(query, text.title, text.guide.slug, aliases.get(text.guide_id, ""))]


def _errors(query: str) -> list[ErrorText]:
    texts = ErrorText.objects.for_list("article", language())
    return [text for text in texts if _holds(query, text.title, text.summary, text.article.slug)]


def _providers(query: str) -> list[tuple[Provider, str]]:
    """Providers whose name or one of whose domains fits, each with the domain to link to."""
    found = []
    for provider in Provider.objects.prefetch_related("domains"):
        domains = [row.domain for row in provider.domains.all()]
        fitting = [domain for domain in domains if _holds(query, domain)]
        if domains and (fitting or _holds(query, provider.name)):
            found.append((provider, min(fitting or domains, key=lambda domain: (domain != query, len(domain)))))
    return found


def guide_links(domain: str) -> list[tuple[GuideText, str]]:
    """Every guide with the address of its page for a domain."""
    query = f"?at={domain}" if domain else ""
    return [
        (text, reverse("guide", args=[text.guide.slug]) + query)
        for text in GuideText.objects.for_list("guide", language())
    ]
