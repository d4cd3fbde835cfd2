"""Full-text search over guides, error articles and providers, best first, the visitor's language before others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from guides.markup import searching
from guides.markup.searching import Term, Token
from guides.markup.snippets import Piece, marked, snippet
from guides.models import ProviderDomain, SearchEntry
from guides.search.index_rows import HEAD, NAME, OFTEN, SUMMARY, Kind
from guides.search.lookup import Candidate, Question, holds
from guides.search.suggestions import suggestions

MOST_HITS = 20
MOST_LOOSE = 400  # rows that are weighed when no row holds all words

# The weight of a word by the field that holds it, best first; a whole word weighs one more than a prefix.
WEIGHTS = ((HEAD, 16), (SUMMARY, 8), (OFTEN, 4), ("", 2))
EXACT_NAME = 100
_KIND_ORDER = {Kind.GUIDE: 0, Kind.PROVIDER: 1, Kind.ERROR: 2}


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One guide, article or provider that a query found."""

    kind: str
    slug: str  # of the guide or article; a provider's domain
    language: str
    title: tuple[Piece, ...]
    snippet: tuple[Piece, ...]
    is_foreign: bool  # not in the visitor's language


@dataclass(frozen=True, slots=True)
class Results:
    """The result of a query."""

    hits: tuple[SearchHit, ...] = ()
    is_loose: bool = False  # no text holds all words
    more: bool = False
    suggestions: tuple[str, ...] = ()  # the query with corrected words; each finds something


def search(query: str, language: str) -> Results:
    """Search with the words of `query`; never raises for what a visitor types."""
    terms = searching.terms(query)
    if not terms:
        return Results()
    ranked = _ranked(query, terms, language, any_term=False)
    is_loose = not ranked
    if is_loose:
        ranked = _loose(query, terms, language)
    mended = suggestions(query) if is_loose else ()
    return Results(
        hits=_shown(ranked[:MOST_HITS], terms, language),
        is_loose=is_loose and bool(ranked),
        more=len(ranked) > MOST_HITS,
        suggestions=mended,
    )


def _ranked(query: str, terms: tuple[Term, ...], language: str, *, any_term: bool) -> list[Candidate]:
    """The visitor's language first, then the others if there is room. Each guide, article and provider once."""
    limit = {"limit": MOST_LOOSE} if any_term else {}
    name = searching.whole(query)
    own = Question(terms, language=language, any_term=any_term).ask(**limit)
    ranked = sorted(own, key=lambda row: _order(row, terms, name))
    if len(own) <= MOST_HITS:
        others = Question(terms, other_than=language, any_term=any_term).ask(**limit)
        ranked += sorted(others, key=lambda row: _order(row, terms, name))
    seen: dict[tuple[str, int], Candidate] = {}
    for row in ranked:
        seen.setdefault((row.kind, row.parent), row)
    return list(seen.values())


def _loose(query: str, terms: tuple[Term, ...], language: str) -> list[Candidate]:
    """Rows that hold at least half of the words, those that hold most of them first."""
    pieces = tuple(dict.fromkeys(piece for term in terms for piece in searching.pieces(term)))[
        : searching.LONGEST_QUERY
    ]
    if len(pieces) < 2:
        return []
    rows = _ranked(query, pieces, language, any_term=True)
    held = {row.pk: sum(weight(row, piece) > 0 for piece in pieces) for row in rows}
    enough = [row for row in rows if held[row.pk] * 2 >= len(pieces)]
    return sorted(enough, key=lambda row: (row.language != language, -held[row.pk]))


def _order(row: Candidate, terms: Sequence[Term], name: str) -> tuple[object, ...]:
    """The sort key, best first. It depends neither on the database's keys nor on its collation."""
    score = sum(weight(row, term) for term in terms) + EXACT_NAME * holds(row, Token(name), NAME)
    order = [settings.LANGUAGE_CODE, "en"]
    reading = order.index(row.language) if row.language in order else len(order)
    return (-score, _KIND_ORDER[Kind(row.kind)], row.position, row.slug, reading, row.language)


def weight(row: Candidate, term: Term) -> int:
    """The weight of a word of a query in a row, by the field that holds it; 0 when none does."""
    return max(min(_token_weight(row, token) for token in some) for some in term.alternatives)


def _token_weight(row: Candidate, token: Token) -> int:
    for mark, weight in WEIGHTS:
        if holds(row, token, mark):
            return weight + holds(row, Token(token.surface or token.text), mark)
    return 0


def _shown(rows: Sequence[Candidate], terms: Sequence[Term], language: str) -> tuple[SearchHit, ...]:
    stored = SearchEntry.objects.filter(pk__in=[row.pk for row in rows])
    texts = {pk: words for pk, *words in stored.values_list("pk", "title", "summary", "plain")}
    domains = _domains(row.parent for row in rows if row.kind == Kind.PROVIDER)
    hits = []
    for row in rows:
        title, summary, plain = texts[row.pk]
        slug = _fitting(domains[row.parent], terms, row.slug) if row.kind == Kind.PROVIDER else row.slug
        hits.append(
            SearchHit(
                kind=row.kind,
                slug=slug,
                language=row.language,
                title=marked(title, terms),
                snippet=_snippet(summary, plain, terms),
                is_foreign=row.language != language,
            )
        )
    return tuple(hits)


def _snippet(summary: str, plain: str, terms: Sequence[Term]) -> tuple[Piece, ...]:
    """The summary when it holds a word of the query or the text holds none; else a piece of the text."""
    pieces = marked(summary, terms)
    if any(piece.is_match for piece in pieces):
        return pieces
    body = snippet(plain, terms)
    return body if any(piece.is_match for piece in body) or not summary else pieces


def _domains(providers: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {key: [] for key in providers}
    if found:
        rows = ProviderDomain.objects.filter(provider__in=found).values_list("provider_id", "domain")
        for provider, domain in rows:
            found[provider].append(domain)
    return found


def _fitting(domains: list[str], terms: Sequence[Term], usual: str) -> str:
    """The domain that was asked for, else the provider's usual one."""
    asked = {term.surface for term in terms if "." in term.surface}
    fitting = [domain for domain in domains if domain in asked] or [
        domain for domain in domains if any(domain.startswith(word) for word in asked)
    ]
    return min(fitting, key=lambda domain: (len(domain), domain)) if fitting else usual
