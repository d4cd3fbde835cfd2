"""`/sitemap.xml`: every page that a search engine should know, in each language that it exists in.

https://www.sitemaps.org/protocol.html; the languages as https://developers.google.com/search/docs/specialty/international
describes `xhtml:link` (both from memory, confidence: high).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import override
from django.views.decorators.http import require_safe

from guides.models import ErrorText, GuideText, Provider, ProviderDomain
from guides.views.page_cache import cached_page
from guides.views.portal_urls import base_url

_PLACES = ("home", "guides", "errors", "test", "status", "operators")
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
)


@require_safe
@cached_page()
def sitemap(request: HttpRequest) -> HttpResponse:
    """The portal's own places, the settings of each provider, and every published guide and article."""
    base = base_url(request)
    body = "".join(_entry(base, languages, name, *arguments) for name, arguments, languages in _pages())
    return HttpResponse(f"{_HEAD}{body}</urlset>\n", content_type="application/xml; charset=utf-8")


Page = tuple[str, tuple[str, ...], list[str]]  # the route, what it takes, and the languages


def _pages() -> Iterator[Page]:
    every = [code for code, _name in settings.LANGUAGES]
    for name in _PLACES:
        yield name, (), every
    for domain in _main_domains():
        yield "settings-domain", (domain,), every
    for name, texts in (("guide", GuideText.objects), ("error", ErrorText.objects)):
        for slug, languages in texts.all().published().languages_by_slug().items():
            yield name, (slug,), languages


def _main_domains() -> list[str]:
    """One domain of each provider, the shortest: the pages of the others show the same settings."""
    domains = ProviderDomain.objects.filter(provider__in=Provider.objects.published())
    shortest: dict[int, str] = {}
    for provider, domain in sorted(domains.values_list("provider_id", "domain"), key=lambda row: (len(row[1]), row[1])):
        shortest.setdefault(provider, domain)
    return sorted(shortest.values())


def _entry(base: str, languages: list[str], name: str, *arguments: str) -> str:
    urls = {}
    for code in languages:
        with override(code):
            urls[code] = escape(base + reverse(name, args=arguments))
    links = "".join(f'<xhtml:link rel="alternate" hreflang="{code}" href="{url}"/>' for code, url in urls.items())
    return "".join(f"<url><loc>{url}</loc>{links}</url>\n" for url in urls.values())
