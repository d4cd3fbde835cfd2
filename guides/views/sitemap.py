"""`/sitemap.xml`: the pages that search engines may show, each with its other languages (sitemaps.org, hreflang)."""

from __future__ import annotations

from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from guides.models import ErrorArticle, Guide
from guides.views.page_cache import cached_page

_LISTS = ("home", "guides", "errors", "settings", "status")

Page = tuple[str, tuple[str, ...]]  # the name of a route, and its arguments


class Pages(Sitemap):  # type: ignore[type-arg]  # Django's class takes no argument when it runs
    """The lists, and every published guide and error article."""

    i18n = True
    alternates = True

    def items(self) -> list[Page]:
        """In the order of the site."""
        guides = Guide.objects.published().values_list("slug", flat=True)
        errors = ErrorArticle.objects.published().values_list("slug", flat=True)
        lists: list[Page] = [(name, ()) for name in _LISTS]
        return [*lists, *(("guide", (slug,)) for slug in guides), *(("error", (slug,)) for slug in errors)]

    def location(self, item: Page) -> str:
        """Its path in the language that is active."""
        name, arguments = item
        return reverse(name, args=arguments)


@require_safe
@cached_page()
def page(request: HttpRequest) -> HttpResponse:
    """Kept under the library version, as pages are."""
    return sitemap(request, {"pages": Pages}).render()
