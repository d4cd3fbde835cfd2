"""Updates the search index in the transaction that saves a text.

`guides.search.signals` calls `touch` for every row that is saved or deleted. Rows that are written without
Django's signals (`bulk_create`, `update`, another program) are found by `complete`, which `prepare` and
`load_content` run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

from guides.models import ErrorArticle, Guide, Provider, SearchEntry, SearchWord
from guides.search.index_rows import COLUMN_OF, Kind, Parent, sources

BATCH = 200

_gathered: ContextVar[dict[tuple[type[Parent], int], Parent] | None] = ContextVar("gathered", default=None)
_KIND_OF: dict[type[Parent], Kind] = {Guide: Kind.GUIDE, ErrorArticle: Kind.ERROR, Provider: Kind.PROVIDER}


def touch(parents: Iterable[Parent]) -> None:
    """Update the index rows of these now, or at the end of `gathered`."""
    gathering = _gathered.get()
    if gathering is None:
        update(list(parents))
    else:
        gathering.update({(type(parent), parent.pk): parent for parent in parents})


@contextmanager
def gathered() -> Iterator[None]:
    """Update once, at the end, what is touched inside. Use it inside the transaction that saves the rows."""
    outer = _gathered.get()
    if outer is not None:
        yield
        return
    touched: dict[tuple[type[Parent], int], Parent] = {}
    token = _gathered.set(touched)
    try:
        yield
    finally:
        _gathered.reset(token)
    update(list(touched.values()))


def update(parents: Sequence[Parent]) -> int:
    """Write or remove the index rows of these where they differ; returns how many."""
    if not parents:
        return 0
    with transaction.atomic():
        stored = _stored(parents)
        wanted = {(each.kind, each.parent, each.language): each for each in sources(parents)}
        gone = [pk for key, (pk, _mark) in stored.items() if key not in wanted]
        changed = {key: each for key, each in wanted.items() if stored.get(key, (0, ""))[1] != each.fingerprint}
        new, words = [], set()
        for key, source in changed.items():
            row, row_words = source.made()
            words |= row_words
            if key in stored:
                row.pk = stored[key][0]
                row.save(force_update=True)
            else:
                new.append(row)
        SearchEntry.objects.bulk_create(new, batch_size=BATCH)
        SearchEntry.objects.filter(pk__in=gone).delete()
        _remember_words(words)
        return len(changed) + len(gone)


def _stored(parents: Sequence[Parent]) -> dict[tuple[str, int, str], tuple[int, str]]:
    """Key and fingerprint of the rows that these have, by kind, parent and language."""
    rows: dict[tuple[str, int, str], tuple[int, str]] = {}
    for model, kind in _KIND_OF.items():
        if keys := [parent.pk for parent in parents if type(parent) is model]:
            column = f"{COLUMN_OF[kind]}_id"
            found = SearchEntry.objects.filter(**{f"{column}__in": keys})
            for pk, parent, language, mark in found.values_list("pk", column, "language", "fingerprint"):
                rows[kind, parent, language] = (pk, mark)
    return rows


def _remember_words(words: set[str]) -> None:
    rows = [SearchWord(word=word, length=len(word)) for word in sorted(words)]
    SearchWord.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


def complete(*, anew: bool = False) -> int:
    """Update the whole index; returns how many rows were written or removed.

    `anew` writes every row again, and forgets words that are in no text any more.
    """
    with transaction.atomic():
        if anew:
            SearchEntry.objects.all().delete()
            SearchWord.objects.all().delete()
        # No row is without a parent: the database deletes them together.
        return sum(update(some) for model in _KIND_OF for some in _batches(model))


def _batches(model: type[Parent]) -> Iterator[list[Parent]]:
    keys = list(model._default_manager.order_by("position", "slug").values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        yield [model(pk=key) for key in keys[start : start + BATCH]]
