"""Error articles: the list, and one article."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.views.decorators.http import require_safe

from guides.forms import PasteForm
from guides.library_cache import library_cached, library_version
from guides.mail.outcomes import Owner, Symptom
from guides.models import ErrorArticle, ErrorText, FormerArticle
from guides.models.texts import ListedText, Text
from guides.services.guide_page import filled
from guides.views import labels
from guides.views.lists import Shelf, error_page, shelves
from guides.views.page_cache import cached_page, keep_out
from guides.views.visitor import DomainField, VisitorContext, language


@require_safe
@cached_page()
def index(request: HttpRequest) -> HttpResponse:
    """All error articles, by what a person sees; with `symptom`, those of one alone, page by page."""
    if request.GET.get("symptom", "") not in set(Symptom):
        return render(request, "errors.html", index_context(PasteForm()))
    symptom = Symptom(request.GET["symptom"])
    request.page_path = request.get_full_path()  # type: ignore[attr-defined]
    texts, page = error_page(language(), symptom, request.GET.get("page", ""))
    return render(request, "errors-of.html", {"symptom": labels.SYMPTOMS[symptom], "rows": _rows(texts), "page": page})


def index_context(form: PasteForm) -> dict[str, Any]:
    """The field for pasted errors, and the list."""
    # The template keeps the list rendered, and asks for its rows when it has none.
    return {"shelves": _named_shelves, "library_version": library_version(), "form": form}


Rows = list[tuple[ListedText, str | Promise]]  # each text with the mark of who can fix it


def _named_shelves() -> list[tuple[str | Promise, Shelf, Rows]]:
    return [(labels.SYMPTOMS[shelf.symptom], shelf, _rows(shelf.texts)) for shelf in shelves(language())]


def _rows(texts: Iterable[ListedText]) -> Rows:
    return [(text, labels.OWNER_MARKS[Owner(text.owner)]) for text in texts]


@require_safe
@cached_page()
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """One article, for the provider in `at` when there is one."""
    at = DomainField.read(request.GET.get("at", ""))
    try:
        article, text, languages = library_cached(f"error:{slug}:{language()}", lambda: _article(slug))
    except Http404:
        former = get_object_or_404(FormerArticle.objects.select_related("article"), slug=slug)
        path = former.article.get_absolute_url() + (f"?at={at.domain}" if at.domain else "")
        return redirect(path, permanent=True)
    path = reverse("error", args=[article.slug]) + (f"?at={at.domain}" if at.domain else "")
    request.page_path = path  # type: ignore[attr-defined]
    request.page_languages = languages  # type: ignore[attr-defined]
    visitor = VisitorContext.load(at.domain)
    context = {
        "article": article,
        "text": text,
        "is_fallback": text.language != language(),
        "body": filled(text, visitor.situation()),
        "owner": labels.OWNERS[Owner(article.owner)],
        "visitor": visitor,
    }
    response = render(request, "error.html", context)
    return response if visitor.is_from_library else keep_out(response)


def _article(slug: str) -> tuple[ErrorArticle, Text, set[str]]:
    """An article, its text for the visitor, and the languages that it is there in. Raises Http404."""
    article = get_object_or_404(ErrorArticle.objects.published(), slug=slug)
    texts = ErrorText.objects.filter(article=article).published()
    text = texts.in_reading_order(language()).defer("body").first()
    assert text is not None  # noqa: S101  # `published()` found the article by its texts
    return article, text, set(texts.values_list("language", flat=True))
