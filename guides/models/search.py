"""The index of the full-text search: a row for each guide, article or provider in each language that can be read."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from guides.models.errors import ErrorArticle
from guides.models.guides import Guide
from guides.models.providers import Provider
from guides.models.texts import Language


class SearchEntry(models.Model):
    """What search knows of one text. Written by `guides.search.index` alone, in the transaction that changes the text.

    The database looks `tokens` up: through an FTS5 table that triggers keep in step on SQLite, through a generated
    `tsvector` column on PostgreSQL (both made by the migration that made this table).
    """

    class Kind(models.TextChoices):
        GUIDE = "guide", _("guide")
        ERROR = "error", _("error article")
        PROVIDER = "provider", _("provider")

    kind = models.CharField(max_length=10, choices=Kind)
    guide = models.ForeignKey(Guide, models.CASCADE, null=True, related_name="search_entries")
    article = models.ForeignKey(ErrorArticle, models.CASCADE, null=True, related_name="search_entries")
    provider = models.ForeignKey(Provider, models.CASCADE, null=True, related_name="search_entries")
    language = models.CharField(max_length=2, choices=Language)
    slug = models.CharField(max_length=253)  # or a domain
    position = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=400, blank=True)
    plain = models.TextField(blank=True)
    tokens = models.TextField()
    fingerprint = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("search entry")
        verbose_name_plural = _("search entries")
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind="guide", guide__isnull=False, article__isnull=True, provider__isnull=True)
                    | Q(kind="error", guide__isnull=True, article__isnull=False, provider__isnull=True)
                    | Q(kind="provider", guide__isnull=True, article__isnull=True, provider__isnull=False)
                ),
                name="search_entry_about_one",
            ),
            models.CheckConstraint(condition=Q(language__in=Language.values), name="search_entry_known_language"),
            models.UniqueConstraint(fields=["guide", "language"], name="search_entry_guide_once"),
            models.UniqueConstraint(fields=["article", "language"], name="search_entry_article_once"),
            models.UniqueConstraint(fields=["provider", "language"], name="search_entry_provider_once"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"


class SearchWord(models.Model):
    """A word that stands in the index: what a typing error may be mended to.

    May outlive the texts that held it until the index is made anew; a suggestion is tried before it is shown.
    """

    word = models.CharField(max_length=64, unique=True)
    length = models.PositiveSmallIntegerField()

    class Meta:
        indexes = [models.Index(fields=["length"], name="search_word_length")]

    def __str__(self) -> str:
        return self.word
