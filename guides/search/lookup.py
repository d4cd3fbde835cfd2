"""Looks tokens up in the database: the same question in the words of SQLite's FTS5 and of PostgreSQL's tsquery.

The database only says in which rows tokens are; what is better than what is decided in one place, in Python
(`guides.search.query`), so that both answer alike and in the same order. The question is put in tiers, from the best
field down, so that a word that stands in every text costs no more than the rows that are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import connection

from guides.markup.searching import Term, Token
from guides.search.index_rows import HEAD, LANGUAGE, OFTEN, SUMMARY

MOST_CANDIDATES = 80
TIERS = (HEAD, SUMMARY, OFTEN, "")

_COLUMNS = "e.id, e.kind, coalesce(e.guide_id, e.article_id, e.provider_id), e.slug, e.position, e.language, e.tokens"
_SQLITE = (
    f"SELECT {_COLUMNS} FROM guides_search_fts JOIN guides_searchentry e ON e.id = guides_search_fts.rowid "  # noqa: S608
    "WHERE guides_search_fts MATCH %s ORDER BY guides_search_fts.rowid LIMIT %s"
)
_POSTGRESQL = f"SELECT {_COLUMNS} FROM guides_searchentry e WHERE e.lexemes @@ %s::tsquery ORDER BY e.id LIMIT %s"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row in which the tokens are."""

    pk: int
    kind: str
    parent: int
    slug: str
    position: int
    language: str
    tokens: str  # between two blanks, so that a token can be found with its own blanks around it


@dataclass(frozen=True, slots=True)
class Question:
    """All of some terms, or any of them, in one language or in all but that one."""

    terms: tuple[Term, ...]
    language: str = ""
    other_than: str = ""
    any_term: bool = False

    def ask(self, limit: int = MOST_CANDIDATES) -> list[Candidate]:
        """At most `limit` rows; when there are more, those that hold the terms in the best fields."""
        found = _rows(self._said(""), limit)
        if len(found) < limit or self.any_term:
            return found
        better: dict[int, Candidate] = {}
        for mark in TIERS[:-1]:
            better |= {row.pk: row for row in _rows(self._said(mark), limit) if row.pk not in better}
            if len(better) >= limit:
                break
        better |= {row.pk: row for row in found if row.pk not in better}
        return list(better.values())[:limit]

    def _said(self, mark: str) -> str:
        words = _FTS5 if connection.vendor == "sqlite" else _TSQUERY
        each = [
            words.any_of(
                [words.all_of([words.token(mark + t.text, t.is_prefix) for t in some]) for some in term.alternatives]
            )
            for term in self.terms
        ]
        said = words.any_of(each) if self.any_term else words.all_of(each)
        if self.language:
            said = words.all_of([said, words.token(LANGUAGE + self.language, False)])
        return words.but_not(said, words.token(LANGUAGE + self.other_than, False)) if self.other_than else said


@dataclass(frozen=True, slots=True)
class _Words:
    """How a database wants to be asked. Tokens hold letters, digits and our marks, nothing that would need escaping."""

    token: Callable[[str, bool], str]
    and_: str
    or_: str
    not_: str

    def all_of(self, parts: Sequence[str]) -> str:
        return parts[0] if len(parts) == 1 else f"({self.and_.join(parts)})"

    def any_of(self, parts: Sequence[str]) -> str:
        return parts[0] if len(parts) == 1 else f"({self.or_.join(parts)})"

    def but_not(self, said: str, other: str) -> str:
        return f"({said}){self.not_}{other}"


_FTS5 = _Words(lambda text, is_prefix: f'"{text}"{" *" if is_prefix else ""}', " AND ", " OR ", " NOT ")
_TSQUERY = _Words(lambda text, is_prefix: f"'{text}'{':*' if is_prefix else ''}", " & ", " | ", " & !")


def _rows(said: str, limit: int) -> list[Candidate]:
    with connection.cursor() as cursor:
        cursor.execute(_SQLITE if connection.vendor == "sqlite" else _POSTGRESQL, [said, limit])
        return [
            Candidate(pk, kind, parent, slug, position, language, f" {tokens} ")
            for pk, kind, parent, slug, position, language, tokens in cursor.fetchall()
        ]


def holds(candidate: Candidate, token: Token, mark: str) -> bool:
    """Whether the row has the token, or a word that begins with it, in the fields that `mark` stands for."""
    return f" {mark}{token.text}{'' if token.is_prefix else ' '}" in candidate.tokens
