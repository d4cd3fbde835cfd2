"""Corrected queries: with similarly spelt words of the index, or as typed with another keyboard layout."""

from __future__ import annotations

from rapidfuzz import process
from rapidfuzz.distance import OSA

from guides.markup import searching
from guides.models import SearchWord
from guides.search.lookup import Question

MOST = 3
LEAST_LIKENESS = 0.7
MOST_MENDED = 4  # words of one query

_EN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
_RU = "йцукенгшщзхъфывапролджэячсмитьбю"
_LAYOUTS = (str.maketrans(_EN, _RU), str.maketrans(_RU, _EN))


def suggestions(query: str) -> tuple[str, ...]:
    """At most three corrected queries, the closest first; each finds something."""
    text = query.casefold()
    other_keys = [text.translate(layout) for layout in _LAYOUTS]
    mended = [each for each in other_keys if each != text and _finds(each)]
    if not mended:
        mended = [each for each in _respelt(text) if _finds(each)]
    return tuple(dict.fromkeys(mended))[:MOST]


def _respelt(text: str) -> list[str]:
    """The query with each word that is in no text replaced by a similar one of the index."""
    unknown = [word for word in sorted(searching.words(text)) if not _stands_somewhere(word)][:MOST_MENDED]
    best: list[str] = []
    for word in unknown:
        alike = _alike(word)
        if len(unknown) == 1:
            return [_replaced(text, word, each) for each in alike]
        if alike:
            best = [_replaced(best[0] if best else text, word, alike[0])]
    return best


def _alike(word: str) -> list[str]:
    """Words of the index that are close to `word`, the closest first; at most two letters longer or shorter."""
    near = SearchWord.objects.filter(length__range=(len(word) - 2, len(word) + 2)).order_by("word")
    words = list(near.values_list("word", flat=True))
    found = process.extract(word, words, scorer=OSA.normalized_similarity, score_cutoff=LEAST_LIKENESS, limit=MOST * 2)
    return [each for each, _likeness, _at in sorted(found, key=lambda row: (-row[1], row[0]))][:MOST]


def _replaced(text: str, word: str, other: str) -> str:
    simple = searching.simple(text)
    return simple.replace(word, other)


def _stands_somewhere(word: str) -> bool:
    return bool(Question(searching.terms(word)).ask(limit=1))


def _finds(query: str) -> bool:
    terms = searching.terms(query)
    return bool(terms) and bool(Question(terms).ask(limit=1))
