"""Updates the search index after each save and deletion of a row that index rows are built from.

Signals, because texts are saved in many places (admin, loader, commands), and one that forgot the index would go
unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import models
from django.db.models.signals import post_delete, post_save

from guides.models import (
    ArticleClass,
    ClientVersion,
    ErrorArticle,
    ErrorPattern,
    ErrorText,
    Guide,
    GuideText,
    MailClient,
    Provider,
    ProviderDomain,
    ProviderServer,
    ProviderText,
    SuffixRule,
)
from guides.search import index
from guides.search.index_rows import Parent

_CONCERNS: dict[type[models.Model], Callable[[Any], Iterable[Parent]]] = {
    Guide: lambda row: [row],
    GuideText: lambda row: [Guide(pk=row.guide_id)],
    MailClient: lambda row: Guide.objects.filter(client=row.pk),
    ClientVersion: lambda row: Guide.objects.filter(client=row.client_id),
    ErrorArticle: lambda row: [row],
    ErrorText: lambda row: [ErrorArticle(pk=row.article_id)],
    ErrorPattern: lambda row: [ErrorArticle(pk=row.article_id)],
    ArticleClass: lambda row: [ErrorArticle(pk=row.article_id)],
    Provider: lambda row: [row],
    ProviderText: lambda row: [Provider(pk=row.provider_id)],
    ProviderDomain: lambda row: [Provider(pk=row.provider_id)],
    ProviderServer: lambda row: [Provider(pk=row.provider_id)],
    SuffixRule: lambda row: [Provider(pk=row.provider_id)],
}


def connect() -> None:
    """Connect the signals; called once, when the app is ready."""
    for model in _CONCERNS:
        post_save.connect(_saved, sender=model, dispatch_uid=f"search index: {model.__name__} saved")
        post_delete.connect(_deleted, sender=model, dispatch_uid=f"search index: {model.__name__} deleted")


def _saved(sender: type[models.Model], instance: models.Model, **_: Any) -> None:
    index.touch(_CONCERNS[sender](instance))


def _deleted(sender: type[models.Model], instance: models.Model, origin: Any, **_: Any) -> None:
    # A cascade deletes the index rows too; the parent is about to be deleted and must not be indexed again.
    if sender is (origin.model if isinstance(origin, models.QuerySet) else type(origin)):
        index.touch(_CONCERNS[sender](instance))
