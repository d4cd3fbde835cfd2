"""Many published texts on top of the library: its error articles, copied under other names, in all three languages.

`DATA_DIR=... python -m benchmarks.texts COUNT` writes them into a loaded portal's SQLite database.
"""

from __future__ import annotations

import sys

LANGUAGES = 3


def fill(count: int) -> None:
    """Add at least `count` texts of error articles, each with its row in the search index."""
    import django

    django.setup()
    from django.db import connection, transaction

    from guides.models import ErrorArticle, ErrorText, SearchEntry

    originals = list(ErrorArticle.objects.published())
    copies = [
        ErrorArticle(slug=f"copy-{number}", owner=originals[number % len(originals)].owner, position=1000 + number)
        for number in range(-(-count // LANGUAGES))
    ]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")  # a crash may cost a database that a benchmark has just made
        cursor.execute("PRAGMA cache_size=-500000")
        cursor.execute("CREATE TEMP TABLE copies (copy INTEGER PRIMARY KEY, original INTEGER)")
        with transaction.atomic():
            ErrorArticle.objects.bulk_create(copies, batch_size=2000)
            pairs = [(copy.pk, originals[number % len(originals)].pk) for number, copy in enumerate(copies)]
            cursor.executemany("INSERT INTO copies VALUES (%s, %s)", pairs)
            for model in (ErrorText, SearchEntry):
                cursor.execute(_copying(model))
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert ErrorText.objects.published().count() > count


def _copying(model) -> str:  # type: ignore[no-untyped-def]
    """SQL that copies the original articles' rows of `model`, each under its copy's name and position."""
    columns = [each.column for each in model._meta.concrete_fields if not each.primary_key]
    changed = {
        "article_id": "copy.id",
        "title": "row.title || ' ' || copy.id",
        "slug": "copy.slug",
        "position": "copy.position",
    }
    values = [changed.get(name, f"row.{name}") for name in columns]
    table = model._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM copies "
        f"JOIN guides_errorarticle copy ON copy.id = copies.copy JOIN {table} row ON row.article_id = copies.original"
    )


if __name__ == "__main__":
    fill(int(sys.argv[1]))
