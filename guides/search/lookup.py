"""Looks tokens up in the database, by SQLite's FTS5 or PostgreSQL's tsquery.

The database finds the rows that hold tokens; `guides.search.query` ranks them in Python, so that both give the same
order. Look-ups go field by field, from the best field down, so that a word of every text reads no more rows than the
limit; they find keys, and the rows are read once, since a row's tokens are long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models.functions import Coalesce

from guides.markup.searching import Term, Token
from guides.models import SearchEntry
from guides.search.index_rows import HEAD, LANGUAGE, OFTEN, SUMMARY

MOST_CANDIDATES = 80
TIERS = (HEAD, SUMMARY, OFTEN, "")

_COLUMNS = ("pk", "kind", "parent_id", "slug", "position", "language", "tokens")
_KEYS_SQLITE = (
    "SELECT rowid FROM guides_search_fts WHERE guides_search_fts MATCH %s ORDER BY guides_search_fts.rowid LIMIT %s"
)
_KEYS_POSTGRESQL = "SELECT e.id FROM guides_searchentry e WHERE e.lexemes @@ %s::tsquery ORDER BY e.id LIMIT %s"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that holds the tokens."""

    pk: int
    kind: str
    parent: int
    slug: str
    position: int
    language: str
    tokens: str  # between two blanks, so that a token can be found with its own blanks around it


@dataclass(frozen=True, slots=True)
class Question:
    """A look-up of all of some terms, or of any of them, in one language or in all but one."""

    terms: tuple[Term, ...]
    language: str = ""
    other_than: str = ""
    any_term: bool = False

    def ask(self, limit: int = MOST_CANDIDATES) -> list[Candidate]:
        """At most `limit` rows; when there are more, those that hold the terms in the best fields."""
        keys = _keys(self._expression(""), limit)
        if len(keys) == limit and not self.any_term:
            best: dict[int, None] = {}
            for mark in TIERS[:-1]:
                best |= dict.fromkeys(_keys(self._expression(mark), limit))
                if len(best) >= limit:
                    break
            keys = list(best | dict.fromkeys(keys))[:limit]
        return _rows(keys)

    def _expression(self, mark: str) -> str:
        syntax = _FTS5 if connection.vendor == "sqlite" else _TSQUERY
        each = [
            syntax.any_of(
                [syntax.all_of([syntax.token(mark + t.text, t.is_prefix) for t in some]) for some in term.alternatives]
            )
            for term in self.terms
        ]
        expression = syntax.any_of(each) if self.any_term else syntax.all_of(each)
        if self.language:
            expression = syntax.all_of([expression, syntax.token(LANGUAGE + self.language, False)])
        return (
            syntax.but_not(expression, syntax.token(LANGUAGE + self.other_than, False))
            if self.other_than
            else expression
        )


@dataclass(frozen=True, slots=True)
class _Syntax:
    """The query syntax of a database. Tokens hold letters, digits and the index's marks, so nothing needs escaping."""

    token: Callable[[str, bool], str]
    and_: str
    or_: str
    not_: str

    def all_of(self, parts: Sequence[str]) -> str:
        return parts[0] if len(parts) == 1 else f"({self.and_.join(parts)})"

    def any_of(self, parts: Sequence[str]) -> str:
        return parts[0] if len(parts) == 1 else f"({self.or_.join(parts)})"

    def but_not(self, expression: str, other: str) -> str:
        return f"({expression}){self.not_}{other}"


_FTS5 = _Syntax(lambda text, is_prefix: f'"{text}"{" *" if is_prefix else ""}', " AND ", " OR ", " NOT ")
_TSQUERY = _Syntax(lambda text, is_prefix: f"'{text}'{':*' if is_prefix else ''}", " & ", " | ", " & !")


def _keys(expression: str, limit: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_KEYS_SQLITE if connection.vendor == "sqlite" else _KEYS_POSTGRESQL, [expression, limit])
        return [key for (key,) in cursor.fetchall()]


def _rows(keys: Sequence[int]) -> list[Candidate]:
    rows = SearchEntry.objects.filter(pk__in=keys).annotate(parent_id=Coalesce("guide", "article", "provider"))
    return [
        Candidate(pk, kind, parent, slug, position, language, f" {tokens} ")
        for pk, kind, parent, slug, position, language, tokens in rows.values_list(*_COLUMNS)
    ]


def holds(candidate: Candidate, token: Token, mark: str) -> bool:
    """Whether the row has the token, or a word that begins with it, in the fields of `mark` or better."""
    return f" {mark}{token.text}{'' if token.is_prefix else ' '}" in candidate.tokens
