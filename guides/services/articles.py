"""The patterns that staff wrote, and the error article of each class."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Exists, OuterRef

from guides.library_cache import library_cached, library_version
from guides.mail.accounts import Protocol
from guides.mail.diagnosis.patterns import Pattern, PatternFault, PatternSet, check_pattern
from guides.mail.outcomes import Owner, PossibleCause, Stage, StageResult, Verdict
from guides.models import ArticleClass, ErrorArticle, ErrorPattern, ErrorText

logger = logging.getLogger(__name__)
_loading = threading.Lock()  # after a change, one thread compiles the patterns, and not each that wants them


@dataclass(frozen=True)
class Articles:
    """All patterns and classes, loaded in two queries; its methods make none."""

    patterns: PatternSet
    by_class: Mapping[str, str]

    def article_for(self, cause: str | None) -> str | None:
        """The slug of the published article that explains a class."""
        return self.by_class.get(cause or "")

    def article_of(self, result: StageResult | Verdict) -> str | None:
        """The article that a matching pattern named, else the one that explains the result's class."""
        return result.article or self.article_for(result.cause)

    def article_of_cause(self, cause: PossibleCause) -> str | None:
        """The same for one of several causes."""
        return cause.article or self.article_for(cause.name)


def load() -> Articles:
    """All patterns and classes as they stand now; read once per version of the library."""
    version = library_version()
    with _loading:
        return _loaded(version)


@lru_cache(maxsize=2)
def _loaded(_version: str) -> Articles:  # compiled patterns cannot be pickled, so no cache of Django's can keep them
    return Articles(patterns(), _by_class())


def patterns() -> PatternSet:
    """All patterns of the database. One query; compiled again only when a pattern has changed."""
    published = ErrorArticle.objects.published().filter(pk=OuterRef("article_id"))
    rows = (
        ErrorPattern.objects.annotate(visible=Exists(published))
        .order_by("pk")
        .values_list(
            "name",
            "pattern",
            "cause",
            "article__slug",
            "owner",
            "provider__slug",
            "protocol",
            "stage",
            "priority",
            "visible",
        )
    )
    return _compiled(
        tuple(
            Pattern(
                name=name,
                expression=expression,
                cause=cause,
                article=article if visible else "",
                owner=Owner(owner) if owner else None,
                provider=provider,
                protocol=Protocol(protocol) if protocol else None,
                stage=Stage(stage) if stage else None,
                priority=priority,
            )
            for name, expression, cause, article, owner, provider, protocol, stage, priority, visible in rows
        )
    )


def article_for(cause: str) -> str | None:
    """The slug of the published article that explains a class."""
    return load().article_for(cause)


def titles(language: str) -> dict[str, tuple[str, str]]:
    """Title and summary of the articles that a diagnosis may name, by slug, in the language or the best instead."""
    return library_cached(f"titles:{language}", lambda: _titles(language))


def _titles(language: str) -> dict[str, tuple[str, str]]:
    named = ErrorArticle.objects.published().named_by_diagnosis()
    return {text.slug: (text.title, text.summary) for text in ErrorText.objects.for_list(language, named)}


def _by_class() -> dict[str, str]:
    published = ErrorArticle.objects.published().filter(pk=OuterRef("article_id"))
    return dict(ArticleClass.objects.filter(Exists(published)).values_list("name", "article__slug"))


@lru_cache(maxsize=2)
def _compiled(rows: tuple[Pattern, ...]) -> PatternSet:
    """Compile the patterns. An invalid one, written past the checks into the database, is left out."""
    usable = []
    for row in rows:
        try:
            check_pattern(row.expression)
        except PatternFault as fault:
            logger.warning("error pattern %s is left out: %s", row.name, fault)
        else:
            usable.append(row)
    return PatternSet(usable)
