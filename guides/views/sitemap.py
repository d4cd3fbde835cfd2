"""`/sitemap.xml`: the pages that search engines may show, each in the languages that it exists in (sitemaps.org)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from guides.models import ErrorText, GuideText, Provider, ProviderDomain
from guides.views.page_cache import cached_page

_PLACES = ("home", "guides", "errors", "test", "status", "operators")

Page = tuple[str, tuple[str, ...], list[str]]  # the name of a route, its arguments, and the languages


class Pages(Sitemap):  # type: ignore[type-arg]  # Django's class takes no argument when it runs
    """The portal's own places, the settings of each provider, and every published guide and article."""

    i18n = True
    alternates = True

    def items(self) -> list[Page]:
        """In the order of the site."""
        every = [code for code, _name in settings.LANGUAGES]
        return [
            *((name, (), every) for name in _PLACES),
            *(("settings-domain", (domain,), every) for domain in _main_domains()),
            *_texts("guide", GuideText.objects.published(), "guide__slug"),
            *_texts("error", ErrorText.objects.published(), "article__slug"),
        ]

    def get_languages_for_item(self, item: Page) -> list[str]:
        """The languages that a page exists in."""
        return item[2]

    def location(self, item: Page) -> str:
        """Its path in the language that is active."""
        name, arguments, _languages = item
        return reverse(name, args=arguments)


def _main_domains() -> list[str]:
    """One domain of each provider, the shortest: the pages of the others show the same settings."""
    domains = ProviderDomain.objects.filter(provider__in=Provider.objects.published())
    shortest: dict[int, str] = {}
    for provider, domain in sorted(domains.values_list("provider_id", "domain"), key=lambda row: (len(row[1]), row[1])):
        shortest.setdefault(provider, domain)
    return sorted(shortest.values())


def _texts(name: str, texts: QuerySet[Any], column: str) -> Iterator[Page]:
    languages: dict[str, list[str]] = {}
    for slug, language in texts.order_by(column, "language").values_list(column, "language"):
        languages.setdefault(slug, []).append(language)
    for slug, codes in languages.items():
        yield name, (slug,), codes


@require_safe
@cached_page()
def page(request: HttpRequest) -> HttpResponse:
    """Kept under the library version, as pages are."""
    return sitemap(request, {"pages": Pages}).render()
