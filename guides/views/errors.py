"""Error articles: the list, and one article."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from guides.forms import PasteForm
from guides.mail.outcomes import Owner
from guides.models import ErrorArticle, ErrorText
from guides.views import labels
from guides.views.readers import DomainField, Reader, filled, language


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All error articles, by who can fix it."""
    return render(request, "errors.html", index_context(PasteForm()))


def index_context(form: PasteForm) -> dict[str, Any]:
    """The field for pasted errors, and the list."""
    texts = ErrorText.objects.for_list("article", language())
    groups = {owner: [text for text in texts if text.article.owner == owner] for owner in Owner}
    shelves = [(labels.OWNERS[owner], rows) for owner, rows in groups.items() if rows]
    return {"shelves": shelves, "form": form}


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """One article, for the provider in `at` when there is one."""
    article = get_object_or_404(ErrorArticle.objects.published(), slug=slug)
    at = DomainField.read(request.GET.get("at", ""))
    path = reverse("error", args=[article.slug]) + (f"?at={at.domain}" if at.domain else "")
    if at.held_address:
        return redirect(path)
    request.page_path = path  # type: ignore[attr-defined]
    texts = ErrorText.objects.filter(article=article).published()
    text = texts.in_reading_order(language()).first()
    assert text is not None  # noqa: S101  # `published()` found the article by its texts
    request.page_languages = set(texts.values_list("language", flat=True))  # type: ignore[attr-defined]
    reader = Reader.of(at.domain)
    context = {
        "article": article,
        "text": text,
        "is_fallback": text.language != language(),
        "body": filled(text, reader.situation()),
        "owner": labels.OWNERS[Owner(article.owner)],
        "reader": reader,
    }
    return render(request, "error.html", context)
