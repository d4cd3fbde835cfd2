"""Takes an article out of the database that the library merged into another (`former` in the other's file).

What staff changed is kept: then the old article stays at its address with all that is its, and the report says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from guides.library import entries
from guides.library.rows import StoredLibrary
from guides.models import ErrorArticle, LoadedEntry


def withdraw_merged(
    library: entries.Library, stored: StoredLibrary, loaded: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Delete merged articles that are as they were loaded (`loaded`: fingerprints by key). Must run in a transaction.

    Returns the short names of those deleted, and a sentence for each that was kept.
    """
    deleted: list[str] = []
    notes: list[str] = []
    articles = {article.slug: article for article in stored.library.articles}
    for article in library.articles:
        for slug in article.former:
            old = articles.get(slug)
            if old is None:
                continue
            texts = [text for text in stored.library.texts if text.parent_key == old.key]
            parts: list[entries.Entry] = [old, *old.patterns, *texts]
            if any(loaded.get(part.key) != entries.fingerprint(part) for part in parts):
                notes.append(f"{old.key}: kept as staff changed it, though it was merged into {article.slug}")
                continue
            LoadedEntry.objects.filter(key__in=[part.key for part in parts]).delete()
            ErrorArticle.objects.filter(slug=slug).delete()
            deleted.append(slug)
    return deleted, notes
