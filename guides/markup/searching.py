"""The normaliser of the full-text search, for index and query, so that both databases give the same results.

Texts are folded (NFKC, case, ё, hiragana, the long vowel at a word's end) and split into words; runs of Japanese or
Chinese characters, which have no spaces, into bigrams and trigrams. A query's words are stemmed and searched as
prefixes; bigrams and trigrams are searched exactly. See docs/decisions/0006-search.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from guides.mail.unicode_text import normalized
from guides.markup.endings import EMPTY_WORDS, stem

LONGEST_QUERY = 200  # characters
LONGEST_TOKEN = 64
MOST_TERMS = 12

# Han, kana, Hangul, iteration marks and the long vowel mark; not the middle dot, which separates words.
CJK = (
    r"\u3005\u3007\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"(?P<cjk>[{CJK}]+)|[^\W_{CJK}]+(?:[.\-_'’][^\W_{CJK}]+)*")
_JOINT = re.compile(r"[.\-_'’]")
_KATAKANA_WORD = re.compile(r"[\u30a1-\u30fa\u30fc]{3,}")
_WORD_IN_RUN = re.compile(r"[\u30a1-\u30fa\u30fc]{2,}|[\u3005\u3400-\u4dbf\u4e00-\u9fff]+")
_LONG_VOWEL_AT_END = re.compile(
    r"(?<=[\u30a1-\u30fa]{2}|[\u30a1-\u30fa]\u30fc)([\u30a1-\u30fa])\u30fc(?![\u30a1-\u30fa\u30fc])"
)
_KATAKANA_OF = str.maketrans({chr(kana): chr(kana + 0x60) for kana in range(0x3041, 0x3097)})
_DOT = "·"  # replaces a dot in a token, as neither database's tokenizer splits there


@dataclass(frozen=True, slots=True)
class Token:
    """A token to search in the index. `surface` is the whole word, to tell an exact match from a prefix match."""

    text: str
    is_prefix: bool = False
    surface: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a query. It matches a text with all tokens of one of its alternatives."""

    surface: str
    alternatives: tuple[tuple[Token, ...], ...]
    parts: tuple[str, ...] = ()  # of a Japanese run: its words, as far as kanji and katakana separate them


def fold(text: str) -> str:
    """A text without differences of width, case, ё, kana and the long vowel at a word's end."""
    return fold_kana(_LONG_VOWEL_AT_END.sub(r"\1", simple(text)))


def fold_kana(text: str) -> str:
    """Convert hiragana to katakana, character by character."""
    return text.translate(_KATAKANA_OF)


def simple(text: str) -> str:
    """A text without differences of width, case and ё, still readable."""
    return normalized("NFKC", normalized("NFKC", text).casefold()).replace("ё", "е")


def tokens(text: str) -> Iterator[str]:
    """The index tokens of a text, with repetitions."""
    for found in _RUN.finditer(fold(text)):
        run = found[0]
        if found["cjk"]:
            for size in (2, 3):
                yield from grams(run, size)
            yield run[-1]  # so that a query of one character also matches the end of a run
            continue
        parts = _JOINT.split(run)
        if len(parts) == 1:
            yield run[:LONGEST_TOKEN]
            continue
        if not (all(part.isdigit() for part in parts) and "." in run):
            yield from (part[:LONGEST_TOKEN] for part in parts)
        yield from _joined(run)


def grams(run: str, size: int) -> list[str]:
    """The n-grams of a run of characters, in order."""
    return [run[at : at + size] for at in range(len(run) - size + 1)]


def _joined(run: str) -> Iterator[str]:
    """The joined forms of a word with hyphens or dots: `k-9` as `k9`, `imap.mail.ru` as itself and as `mail.ru`."""
    names = re.sub(r"[\-_'’]", "", run).split(".")
    yield _DOT.join(names)[:LONGEST_TOKEN]
    if not all(name.isdigit() for name in names):
        yield from (_DOT.join(names[start:])[:LONGEST_TOKEN] for start in range(1, len(names) - 1))


def counted(text: str) -> Counter[str]:
    """The tokens of a text with their numbers."""
    return Counter(tokens(text))


def whole(name: str) -> str:
    """A name or title as a single token, to recognise a query that is exactly it."""
    joined = _DOT.join(found[0] for found in _RUN.finditer(fold(name)))
    return _JOINT.sub(_DOT, joined)[:LONGEST_TOKEN]


def words(text: str) -> set[str]:
    """The candidates for correcting a typing error: words of letters, at least four (three of katakana)."""
    text = simple(text)
    plain = {run[0] for run in re.finditer(rf"[^\W\d_{CJK}]{{4,{LONGEST_TOKEN}}}", text)}
    return plain | {word[0][:LONGEST_TOKEN] for word in _KATAKANA_WORD.finditer(text)}


def terms(query: str) -> tuple[Term, ...]:
    """The words of a query, without stop words unless there are no others."""
    text = _LONG_VOWEL_AT_END.sub(r"\1", simple(query[:LONGEST_QUERY]))
    found = [_cjk_term(run[0]) if run["cjk"] else _word_term(run[0]) for run in _RUN.finditer(text)]
    telling = [term for term in found if term.surface not in EMPTY_WORDS]
    return tuple(dict.fromkeys(telling or found))[:MOST_TERMS]


def _cjk_term(written: str) -> Term:
    run = fold_kana(written)
    if len(run) == 1:
        return Term(run, ((Token(run, is_prefix=True),),))
    # Trigrams determine the order of characters better than bigrams.
    pieces = tuple(map(Token, dict.fromkeys(grams(run, min(3, len(run))))))
    return Term(run, (pieces,), tuple(dict.fromkeys(_WORD_IN_RUN.findall(written))))


def _word_term(run: str) -> Term:
    joined = next(_joined(run)) if _JOINT.search(run) else run[:LONGEST_TOKEN]
    alternatives: list[tuple[Token, ...]] = [(_word(joined),)]
    if "." not in run and joined != run[:LONGEST_TOKEN]:
        alternatives.append(tuple(_word(part) for part in _JOINT.split(run)))
    return Term(run, tuple(alternatives))


def _word(word: str) -> Token:
    # A single letter is a prefix of too many words, and numbers are not searched by prefix.
    if len(word) == 1 or word.replace(_DOT, "").isdigit():
        return Token(word)
    return Token(stem(word), is_prefix=True, surface=word)


def pieces(term: Term) -> tuple[Term, ...]:
    """The words of a term as separate terms, for a search in which not all must match."""
    return tuple(map(_cjk_term, term.parts)) or (term,)
