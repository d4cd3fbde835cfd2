"""What every text in one language shares: status, sources, date of check, and the compiled form.

A text is a row of its own per language, so that it can hold its own status and, later, its revisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from guides.models.versioned import Versioned


class Language(models.TextChoices):
    """The languages a text can be written in; each is named in itself."""

    JAPANESE = "ja", "日本語"
    ENGLISH = "en", "English"
    RUSSIAN = "ru", "Русский"


class TextStatus(models.TextChoices):
    """Whether visitors see a text."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")


@dataclass(frozen=True, slots=True)
class ListedText:
    """A text as lists show it."""

    slug: str  # of its guide or article
    language: str
    title: str
    summary: str
    owner: str = ""  # of an error article: who can fix it


def _reading_order(language: str) -> list[str]:
    return [language, settings.LANGUAGE_CODE, "en"]


def _rank(code: str, language: str) -> tuple[int, str]:
    order = _reading_order(language)
    return (order.index(code) if code in order else len(order), code)


class TextQuerySet(models.QuerySet["Text"]):
    """Visibility and the choice of language live here alone."""

    def published(self) -> TextQuerySet:
        """Texts that visitors may read."""
        return self.filter(status=TextStatus.PUBLISHED)

    def languages_by_slug(self) -> dict[str, list[str]]:
        """The languages of these texts, by the short name of their guide or article."""
        parent = {"GuideText": "guide", "ErrorText": "article"}[self.model.__name__]
        found: dict[str, list[str]] = {}
        for slug, language in self.order_by(f"{parent}__slug", "language").values_list(f"{parent}__slug", "language"):
            found.setdefault(slug, []).append(language)
        return found

    def for_list(self, language: str, parents: models.QuerySet[Any]) -> list[ListedText]:
        """One published text of each of `parents` (guides or articles), the best for the reader, in the order of lists.

        One query, which reads what lists show and no bodies. `parents` may be cut (`[:8]`).
        """
        parent = {"Guide": "guide", "ErrorArticle": "article"}[parents.model.__name__]
        columns = [f"{parent}__slug", "language", "title", "summary"]
        if parent == "article":
            columns.append("article__owner")
        rows = self.published().filter(**{f"{parent}__in": parents}).order_by(f"{parent}__position", f"{parent}__slug")
        best: dict[str, ListedText] = {}
        for row in rows.values_list(*columns):
            text = ListedText(*row)
            other = best.get(text.slug)
            if other is None or _rank(text.language, language) < _rank(other.language, language):
                best[text.slug] = text
        return list(best.values())

    def in_reading_order(self, language: str) -> TextQuerySet:
        """The asked language first, then the portal's default, then English, then the rest."""
        order = _reading_order(language)
        whens = [models.When(language=code, then=rank) for rank, code in enumerate(order)]
        return self.order_by(models.Case(*whens, default=len(order), output_field=models.IntegerField()), "language")


TextManager = models.Manager.from_queryset(TextQuerySet)


class Text(Versioned):
    """A guide, article or notice in one language: Markdown source and its compiled form."""

    language = models.CharField(_("language"), max_length=2, choices=Language)
    title = models.CharField(_("title"), max_length=200)
    summary = models.CharField(
        _("summary"), max_length=400, blank=True, help_text=_("One sentence for lists and search.")
    )
    body = models.TextField(_("text"), blank=True, help_text=_("Markdown with the portal's blocks and placeholders."))
    compiled = models.JSONField(_("compiled form"), default=list, blank=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=TextStatus, default=TextStatus.DRAFT)
    sources = models.TextField(_("sources"), blank=True, help_text=_("One address or document a line."))
    checked_on = models.DateField(_("last checked on"), null=True, blank=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"


def text_constraints(name: str, parent: str) -> list[models.BaseConstraint]:
    """The invariants of a text table: one text per language of its parent; a published text is not empty."""
    return [
        models.UniqueConstraint(fields=[parent, "language"], name=f"{name}_one_per_language"),
        models.CheckConstraint(
            condition=~Q(status=TextStatus.PUBLISHED) | (~Q(body="") & ~Q(title="")),
            name=f"{name}_published_not_empty",
            violation_error_message=_("A published text needs a title and a body."),
        ),
        models.CheckConstraint(condition=Q(language__in=Language.values), name=f"{name}_known_language"),
        models.CheckConstraint(condition=Q(status__in=TextStatus.values), name=f"{name}_known_status"),
    ]
