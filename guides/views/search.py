"""Search over guides, error articles and providers: a page, and the list alone while somebody types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from guides.markup.searching import LONGEST_QUERY
from guides.markup.snippets import Piece
from guides.models.texts import Language
from guides.search.error_query import Explained, explain
from guides.search.index_rows import Kind
from guides.search.query import SearchHit, search
from guides.views import labels
from guides.views.url_addresses import without_local_parts
from guides.views.visitor import language

_ROUTES = {Kind.GUIDE: "guide", Kind.ERROR: "error", Kind.PROVIDER: "settings-domain"}


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One hit as the page shows it."""

    title: SafeString
    title_language: SafeString  # the attributes that tell a browser of another language, or ""
    snippet: SafeString
    snippet_language: SafeString
    url: str
    kind: SafeString


@require_safe
@gzip_page  # not kept: what people search for is their own
def page(request: HttpRequest) -> HttpResponse:
    """Results for `q`. What stands before an @ is left out."""
    typed = " ".join(request.GET.get("q", "").replace("\0", "").split())
    query = without_local_parts(typed)[:LONGEST_QUERY].strip()
    path = reverse("search") + (f"?{urlencode({'q': query})}" if query else "")
    is_fragment = bool(request.htmx) and request.headers.get("HX-Request-Type") == "partial"  # type: ignore[attr-defined]
    request.page_path = path  # type: ignore[attr-defined]
    results = search(query, language())
    explained = explain(query, language())
    context = {
        "query": query,
        "is_fragment": is_fragment,
        "too_long": len(typed) > LONGEST_QUERY,
        "longest": LONGEST_QUERY,
        "explained": explained,
        "owner": labels.OWNERS[explained.owner] if explained else "",
        "results": results,
        "rows": _rows(hit for hit in results.hits if not (explained and _is_about(hit, explained))),
        "suggestions": [(words, f"{reverse('search')}?{urlencode({'q': words})}") for words in results.suggestions],
    }
    response = render(request, "parts/_found.html" if is_fragment else "search.html", context)
    if is_fragment:
        response["HX-Replace-Url"] = path
    patch_vary_headers(response, ["HX-Request", "HX-Request-Type"])
    return response


def _marked(pieces: tuple[Piece, ...]) -> SafeString:
    """The words, with those that the query asked for marked."""
    words = (format_html("<mark>{}</mark>", piece.text) if piece.is_match else escape(piece.text) for piece in pieces)
    return mark_safe("".join(words))  # noqa: S308  # each is escaped


def _is_about(hit: SearchHit, explained: Explained) -> bool:
    """Whether a hit is the article that stands above the list already."""
    return hit.kind == Kind.ERROR and hit.slug == explained.text.article.slug


def _rows(hits: Iterable[SearchHit]) -> list[ResultRow]:
    """The hits as rows. A URL is made once for each kind: making one for each hit takes a tenth of the page's time."""
    urls = {kind: reverse(route, args=["-"]) for kind, route in _ROUTES.items()}
    return [_row(hit, urls[Kind(hit.kind)].replace("/-/", f"/{hit.slug}/")) for hit in hits]


def _row(hit: SearchHit, path: str) -> ResultRow:
    kind = conditional_escape(labels.SEARCH_KINDS[hit.kind])
    title_language = snippet_language = SafeString()
    if hit.kind == Kind.PROVIDER:
        kind = format_html("{} · {}", kind, hit.slug)
    if hit.is_foreign:
        snippet_language = format_html(' lang="{}"', hit.language)
        kind = format_html("{} · {}", kind, gettext("in %(name)s") % {"name": Language(hit.language).label})
        if hit.kind != Kind.PROVIDER:  # what was found is read where it stands
            path = f"/{hit.language}/" + path.removeprefix("/").partition("/")[2]
            title_language = format_html('{} hreflang="{}"', snippet_language, hit.language)
    return ResultRow(_marked(hit.title), title_language, _marked(hit.snippet), snippet_language, path, kind)
