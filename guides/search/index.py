"""Keeps the search index in step with the texts: in the same transaction, whichever way they are saved.

`guides.search.signals` calls `touch` for every row that is saved or deleted. Rows that are written past Django's
signals (`bulk_create`, `update`, another program) are found by `complete`, which `prepare` and `load_content` run.
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
    """Something that these are found by has changed: bring their rows up to date, now or at the end of `gathered`."""
    gathering = _gathered.get()
    if gathering is None:
        update(list(parents))
    else:
        gathering.update({(type(parent), parent.pk): parent for parent in parents})


@contextmanager
def gathered() -> Iterator[None]:
    """Bring up to date at the end, once, what is touched inside; belongs inside the transaction that saves it."""
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
    """Make the rows of these as they should be; returns how many were written or removed."""
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
    """Bring the whole index up to date; returns how many rows were written or removed.

    `anew` makes every row again, and forgets words that stand in no text any more.
    """
    with transaction.atomic():
        if anew:
            SearchEntry.objects.all().delete()
            SearchWord.objects.all().delete()
        # Rows without a parent cannot be: the database removes them with it.
        return sum(update(some) for model in _KIND_OF for some in _batches(model))


def _batches(model: type[Parent]) -> Iterator[list[Parent]]:
    keys = list(model._default_manager.order_by("position", "slug").values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        yield [model(pk=key) for key in keys[start : start + BATCH]]
