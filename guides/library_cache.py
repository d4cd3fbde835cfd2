"""What is cached of the published library, in every process, until the library changes.

Everything is kept under the library version, one row of the database that each save, deletion and load replaces in its
own transaction. So a change is visible with the next request in every process, and nothing has to be removed from a
cache. Signals do it for rows that are saved or deleted one by one; what writes past them (`bulk_create`, `update`)
calls `raise_version`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.apps import apps
from django.core.cache import caches
from django.db import connection, models
from django.db.models.signals import post_delete, post_save

from guides import metrics
from guides.models import LibraryVersion, LoadedEntry, SearchEntry, SearchWord, UnexplainedText
from guides.models.library_version import new_token

T = TypeVar("T")

SECONDS = 3600  # what is kept longest; a version's entries are never read again once there is a newer one

# Rows that no page shows as they are; every other model of the app is content.
NO_CONTENT = (LibraryVersion, LoadedEntry, SearchEntry, SearchWord, UnexplainedText)

_MISSING = object()
_ROW = f"SELECT token FROM {LibraryVersion._meta.db_table} WHERE id = 1"  # noqa: S608  # a constant
_pinned: ContextVar[str] = ContextVar("library version", default="")


def library_version() -> str:
    """The token of the library as it stands: one look-up by primary key, or the one that the page is pinned to.

    Without the row (an emptied database) each call gets a token of its own, so nothing is kept.
    """
    return _pinned.get() or _read_version()


def _read_version() -> str:
    with connection.cursor() as cursor:  # written out: Django takes five times as long to write the query
        cursor.execute(_ROW)
        row = cursor.fetchone()
    return row[0] if row else new_token()


@contextmanager
def pinned_version() -> Iterator[str]:
    """One version for everything that one page reads, and one query for it."""
    version = _read_version()
    token = _pinned.set(version)
    try:
        yield version
    finally:
        _pinned.reset(token)


def raise_version() -> None:
    """Give the library a new version: what was cached of it is not used any more once the transaction is committed."""
    token = new_token()
    if not LibraryVersion.objects.filter(pk=1).update(token=token):
        LibraryVersion.objects.create(pk=1, token=token)


def library_cached(name: str, make: Callable[[], T]) -> T:
    """What `make` returns, made once per library version and process.

    `name` says what it is, with everything that it depends on besides the library (language, domain). The value is
    stored pickled: each caller gets a copy, so it should be small.
    """
    digest = hashlib.sha256(name.encode()).hexdigest()
    key = f"library:{library_version()}:{digest}"
    kept = caches["pages"].get(key, _MISSING)
    if kept is not _MISSING:
        return kept  # type: ignore[no-any-return]
    made = make()
    caches["pages"].set(key, made, SECONDS)
    return made


def content_models() -> list[type[models.Model]]:
    """The models whose rows pages show."""
    return [model for model in apps.get_app_config("guides").get_models() if model not in NO_CONTENT]


def connect() -> None:
    """Raise the version with every row that is saved or deleted; called once, when the app is ready."""
    for model in content_models():
        post_save.connect(_changed, sender=model, dispatch_uid=f"library version: {model.__name__} saved")
        post_delete.connect(_changed, sender=model, dispatch_uid=f"library version: {model.__name__} deleted")


def _changed(**_: Any) -> None:
    metrics.SAVES.inc()
    raise_version()
