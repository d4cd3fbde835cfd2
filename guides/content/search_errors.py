"""A query that is a server's words or a client's error code goes through diagnosis before the full-text search."""

from __future__ import annotations

from dataclasses import dataclass

from guides.content import articles
from guides.mail.diagnosis.classes import owner_of
from guides.mail.outcomes import Owner
from guides.models import ErrorArticle, ErrorText


@dataclass(frozen=True, slots=True)
class Explained:
    """What a query that is an error means."""

    text: ErrorText
    owner: Owner
    matched: str  # the words of the query that say so
    is_foreign: bool


def explain(query: str, language: str) -> Explained | None:
    """The article of the first pattern that finds the query; None when it is no error that is known."""
    match = articles.patterns().match(query, protocol=None, stage=None, provider=None)
    if match is None:
        return None
    slug = match.pattern.article or articles.article_for(match.pattern.cause)
    found = ErrorArticle.objects.published().filter(slug=slug).first() if slug else None
    if found is None:
        return None
    text = ErrorText.objects.filter(article=found).published().in_reading_order(language).first()
    assert isinstance(text, ErrorText)  # noqa: S101  # `published()` found the article by its texts
    owner = match.pattern.owner or owner_of(match.pattern.cause)
    return Explained(text, owner, match.text, text.language != language)
