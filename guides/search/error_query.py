"""Diagnoses a query that is a server's message or a code, before the full-text search."""

from __future__ import annotations

from dataclasses import dataclass

from guides.mail.diagnosis.explain import NotTextError
from guides.mail.diagnosis.judging import HIGH, Basis, Cause
from guides.mail.outcomes import Owner
from guides.models import ErrorArticle, ErrorText
from guides.services.explaining import explained


@dataclass(frozen=True, slots=True)
class Explained:
    """The article that explains a query, and how sure that is."""

    text: ErrorText
    owner: Owner
    matched: str  # the words of the query that were recognised
    is_sure: bool
    is_foreign: bool


def explain(query: str, language: str) -> Explained | None:
    """The article of the likeliest cause; None when the query is no error, or only a common word of errors."""
    cause = _likeliest(query)
    found = ErrorArticle.objects.published().filter(slug=cause.article).first() if cause and cause.article else None
    if cause is None or found is None:
        return None
    text = ErrorText.objects.filter(article=found).published().in_reading_order(language).first()
    assert isinstance(text, ErrorText)  # noqa: S101  # `published()` found the article by its texts
    return Explained(text, cause.owner, cause.matched, cause.confidence >= HIGH, text.language != language)


def _likeliest(query: str) -> Cause | None:
    try:
        causes = explained(query).causes
    except NotTextError:
        return None
    if causes and (causes[0].confidence >= HIGH or Basis.CODE in causes[0].why):
        return causes[0]
    return None
