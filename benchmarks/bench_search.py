"""The search over 100,000 texts against the raw question to the database's full-text index.

"Raw" is what one would write without this portal: the same words, in FTS5's own syntax, over an ordinary FTS5 table of
the same texts (normalised too, so that Japanese is found at all), the twenty best by FTS5's own rank. The search adds
to it: parsing, the language, ranking, other languages, titles and snippets from the original texts.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
from pathlib import Path

from benchmarks.figures import Ratio, milliseconds, side_by_side

TEXTS = 100_000
LIMIT = 2.0

# In most texts, in many, in one of a thousand; one word and several; in each language.
QUERIES = {
    "en": ("password", "settings", "outgoing server", "thunderbird", "certificate expired", "zebra", "xylophone"),
    "ru": ("пароль", "настройки", "сервер исходящей почты", "ошибка", "сертификат", "зебра"),
    "ja": ("設定", "受信サーバー", "パスワード", "証明書", "縞馬"),
}


def _texts() -> int:
    """`BENCH_TEXTS=` makes it fewer, for a quick look."""
    return int(os.environ.get("BENCH_TEXTS", TEXTS))


def _vocabulary() -> dict[str, list[str]]:
    """The library's own sentences, by language."""
    from guides.models import SearchEntry

    return {
        language: [
            line for plain in SearchEntry.objects.filter(language=language).values_list("plain", flat=True)
            for line in plain.split("\n") if len(line) > 20
        ]
        for language in QUERIES
    }  # fmt: skip


def _fill(count: int) -> None:
    """Articles of real sentences in random order; some words that are in few of them."""
    from guides.models import ErrorArticle, SearchEntry
    from guides.search.index_rows import Kind, RowContent

    rare = {"en": ["Zebra", "xylophone", "quartz"], "ru": ["Зебра", "ксилофон"], "ja": ["縞馬", "木琴"]}
    chance = random.Random(8)
    lines = _vocabulary()
    languages = list(lines)
    parents = [ErrorArticle(slug=f"bench-{number}", position=1000) for number in range(count // len(languages) + 1)]
    ErrorArticle.objects.bulk_create(parents, batch_size=1000)
    rows: list[SearchEntry] = []
    for number in range(count):
        language = languages[number % len(languages)]
        some = chance.sample(lines[language], 14)
        if chance.random() < 0.001:
            some.append(" ".join(rare[language]))
        source = RowContent(
            kind=Kind.ERROR,
            parent=parents[number // len(languages)].pk,
            language=language,
            slug=parents[number // len(languages)].slug,
            position=1000,
            title=some[0][:60],
            summary=some[1][:200],
            compiled=tuple(f"<p>{line}</p>" for line in some[2:]),
        )
        row, _words = source.made()
        rows.append(row)
        if len(rows) == 2000:
            SearchEntry.objects.bulk_create(rows)
            rows.clear()
    SearchEntry.objects.bulk_create(rows)
    assert SearchEntry.objects.count() > count


def _raw_table(path: Path) -> sqlite3.Connection:
    """An ordinary FTS5 table of the same texts in a database of its own."""
    from guides.markup.searching import tokens
    from guides.models import SearchEntry

    raw = sqlite3.connect(path)
    raw.execute("CREATE VIRTUAL TABLE texts USING fts5(title, summary, body, tokenize='ascii', prefix='3 4 5')")
    rows = SearchEntry.objects.values_list("pk", "title", "summary", "plain").iterator(2000)
    raw.executemany(
        "INSERT INTO texts(rowid, title, summary, body) VALUES (?, ?, ?, ?)",
        ((pk, *(" ".join(tokens(part)) for part in parts)) for pk, *parts in rows),
    )
    raw.commit()
    raw.execute("INSERT INTO texts(texts) VALUES ('optimize')")
    raw.commit()
    return raw


def _question(query: str) -> str:
    """The same words in FTS5's syntax: endings cut, beginnings of words, pairs and threes of characters."""
    from guides.markup.searching import terms

    return " AND ".join(
        f'"{token.text}"{" *" if token.is_prefix else ""}' for term in terms(query) for token in term.alternatives[0]
    )


def run() -> list[Ratio]:
    """Build both, then measure each query and all of them."""
    with tempfile.TemporaryDirectory(prefix="bench-search-") as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "helpdesk.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        call_command("load_content", verbosity=0)
        _fill(_texts())
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO guides_search_fts(guides_search_fts) VALUES ('optimize')")
        return _measure(_raw_table(Path(folder) / "raw.sqlite3"))


def _measure(raw: sqlite3.Connection) -> list[Ratio]:
    from guides.search.query import search

    ranked = "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 20"
    ratios, ours, theirs = [], 0.0, 0.0
    for language, queries in QUERIES.items():
        for query in queries:
            question = _question(query)
            found = search(query, language)
            assert found.hits, query
            one, other = side_by_side(
                lambda query=query, language=language: search(query, language),  # type: ignore[misc]
                lambda question=question: raw.execute(ranked, [question]).fetchall(),  # type: ignore[misc]
                times=1,
                rounds=5,
            )
            ours, theirs = ours + one, theirs + other
            note = f"{milliseconds(one)} against {milliseconds(other)}"
            ratios.append(Ratio(f"search “{query}” ({language}) / raw ranked FTS5", one / other, note=note))
    note = f"{milliseconds(ours)} against {milliseconds(theirs)}"
    whole = f"search, {len(ratios)} queries / raw ranked FTS5, {_texts():,} texts"
    return [Ratio(whole, ours / theirs, LIMIT, note=note), *ratios]
