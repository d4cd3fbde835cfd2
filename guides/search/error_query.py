"""Diagnoses a query that is a server's message or a code, before the full-text search."""

from __future__ import annotations

from dataclasses import dataclass

from guides.mail.diagnosis.explain import NotTextError
from guides.mail.diagnosis.judging import HIGH, Basis, Cause
from guides.mail.outcomes import Owner
from guides.models import ErrorArticle, ErrorText
from guides.services.explaining import explained

_LIKELY = 0.7  # an error's own sentence is explained from this confidence on, as what it may be


@dataclass(frozen=True, slots=True)
class Explained:
    """The article that explains a query, and how sure that is."""

    text: ErrorText
    owner: Owner
    matched: str  # the words of the query that were recognised
    is_sure: bool
    is_code: bool  # recognised by a code alone
    is_foreign: bool


def explain(query: str, language: str) -> Explained | None:
    """The article of the likeliest cause; None when the query is no error, or only a common word of errors."""
    cause = _likeliest(query)
    found = ErrorArticle.objects.published().filter(slug=cause.article).first() if cause and cause.article else None
    if cause is None or found is None:
        return None
    text = ErrorText.objects.filter(article=found).published().in_reading_order(language).first()
    assert isinstance(text, ErrorText)  # noqa: S101  # `published()` found the article by its texts
    return Explained(
        text, cause.owner, cause.matched, cause.confidence >= HIGH, Basis.CODE in cause.why, text.language != language
    )


def _likeliest(query: str) -> Cause | None:
    try:
        causes = explained(query).causes
    except NotTextError:
        return None
    first = causes[0] if causes else None
    if first is None or not first.matched:  # the model alone has no words to show
        return None
    by_words = first.confidence >= _LIKELY and not {Basis.CLIENT, Basis.PATTERN}.isdisjoint(first.why)
    return first if by_words or first.confidence >= HIGH or Basis.CODE in first.why else None
