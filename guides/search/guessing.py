"""Articles that share rare words with a text that no pattern and no rule explains."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from guides.mail.diagnosis.bounces import without_original
from guides.mail.diagnosis.messages import decoded, looks_like_message, take_apart
from guides.mail.diagnosis.normalise import shape_of
from guides.mail.diagnosis.utterances import plain
from guides.markup import searching
from guides.markup.searching import Term
from guides.models import ErrorArticle, ErrorText
from guides.models.texts import ListedText
from guides.search.index_rows import Kind
from guides.search.lookup import Candidate, Question
from guides.search.query import MOST_LOOSE, weight

MOST_GUESSES = 3
_LEAST_WORDS = 2
_LEAST_SHARE = 1 / 3  # of the text's words that an article must hold
_MARK = re.compile(r"<\w+>|#")  # placeholders of addresses, hosts and numbers in a shape


def guesses(source: bytes, language: str) -> tuple[ListedText, ...]:
    """At most MOST_GUESSES articles that hold some of a text's words, the likeliest first, in the reader's language
    where there is one. Addresses, hosts, numbers and secrets are not searched for."""
    terms = _terms(source)
    if len(terms) < _LEAST_WORDS:
        return ()
    rows = [row for row in Question(terms, any_term=True).ask(limit=MOST_LOOSE) if row.kind == Kind.ERROR]
    slugs = _likeliest(rows, terms)
    if not slugs:
        return ()
    found = ErrorArticle.objects.published().filter(slug__in=slugs)
    texts = {text.slug: text for text in ErrorText.objects.for_list(language, found)}
    return tuple(texts[slug] for slug in slugs if slug in texts)


def _terms(source: bytes) -> tuple[Term, ...]:
    text = without_original(plain("\n".join(take_apart(source).texts))) if looks_like_message(source) else ""
    words = _MARK.sub(" ", shape_of(text or decoded(source)))
    return tuple(
        dict.fromkeys(piece for term in searching.terms(" ".join(words.split())) for piece in searching.pieces(term))
    )[: searching.MOST_TERMS]


def _likeliest(rows: Sequence[Candidate], terms: Sequence[Term]) -> list[str]:
    """The slugs of the articles with the highest scores; a word weighs more the fewer rows hold it."""
    held = [[weight(row, term) for term in terms] for row in rows]
    rarity = [math.log1p(len(rows) / max(1, sum(weights[at] > 0 for weights in held))) for at in range(len(terms))]
    scores: dict[str, float] = {}
    for row, weights in zip(rows, held, strict=True):
        found = sum(each > 0 for each in weights)
        if found >= max(_LEAST_WORDS, _LEAST_SHARE * len(terms)):
            score = sum(each * rare for each, rare in zip(weights, rarity, strict=True))
            scores[row.slug] = max(score, scores.get(row.slug, 0.0))
    return sorted(scores, key=lambda slug: (-scores[slug], slug))[:MOST_GUESSES]
