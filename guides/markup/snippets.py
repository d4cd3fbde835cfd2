"""The part of a text around a query's matches, in the original spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from guides.markup.endings import stem
from guides.markup.searching import CJK, Term, fold_kana, grams, simple

LEAST_PIECE = 3
LENGTH = 160  # characters; Japanese ones count twice, as they are twice as wide
_COMBINES = re.compile(r"[\u0300-\u036f\u3099\u309a\uff9e\uff9f]")
_SEGMENT = re.compile(rf".{_COMBINES.pattern}*", re.DOTALL)
_DIFFICULT = "\ue000"
_JOINT = re.compile(r"[.\-_'’]")
_IS_CJK = re.compile(f"[{CJK}]")
_SENTENCE_END = re.compile(r"(?:[.!?…]\s|[。！？\n])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and whether it is a match."""

    text: str
    is_match: bool = False


def snippet(text: str, terms: Sequence[Term], length: int = LENGTH) -> tuple[Piece, ...]:
    """The part of `text` with most matches, cut at words; the beginning when there are none."""
    spans = find_spans(text, terms)
    start, end = _window(text, spans, length)
    cut = [("…" if start > 0 else ""), *_pieces(text, start, end, spans), ("…" if end < len(text) else "")]
    pieces = [part if isinstance(part, Piece) else Piece(part) for part in cut if part]
    return tuple(Piece(piece.text.replace("\n", " "), piece.is_match) for piece in pieces)


def marked(text: str, terms: Sequence[Term]) -> tuple[Piece, ...]:
    """A whole text, such as a title, with the matches marked."""
    return tuple(_pieces(text, 0, len(text), find_spans(text, terms)))


def find_spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """The spans of the terms in `text`, in order and without overlaps."""
    folded, places = _aligned(text)
    found: list[tuple[int, int]] = []
    for term in terms:
        found += _runs(folded, term.surface) if _IS_CJK.match(term.surface) else _words(folded, term.surface)
    spans: list[tuple[int, int]] = []
    for start, end in sorted((places[start], places[end]) for start, end in found):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        elif end > start:
            spans.append((start, end))
    return spans


def _runs(folded: str, run: str) -> Iterator[tuple[int, int]]:
    """The positions of the whole run; if there are none, those of its parts of at least three characters."""
    whole = [found.span() for found in re.finditer(f"{re.escape(run)}ー?", folded)]
    if whole or len(run) <= LEAST_PIECE:
        return iter(whole)
    expression = "|".join(map(re.escape, dict.fromkeys(grams(run, LEAST_PIECE))))
    return ((found.start(), found.start() + LEAST_PIECE) for found in re.finditer(f"(?={expression})", folded))


def _words(folded: str, word: str) -> Iterator[tuple[int, int]]:
    """The positions of words that begin with the word's stem; of the whole name, if it has dots or hyphens."""
    parts = _JOINT.split(word)
    if len(parts) == 1 and len(word) > 1:
        if stem(word) not in folded:  # the expression takes ten times as long to find that out
            return iter(())
        expression = rf"(?<![^\W_{CJK}]){re.escape(stem(word))}[^\W_{CJK}]*"
    else:
        joints = (r"\." if joint == "." else r"[\-_'’ ]?" for joint in _JOINT.findall(word))
        body = re.escape(parts[0]) + "".join(
            joint + re.escape(part) for joint, part in zip(joints, parts[1:], strict=True)
        )
        expression = rf"(?<![^\W_{CJK}]){body}(?![^\W_{CJK}])"
    return (found.span() for found in re.finditer(expression, folded))


class _OneToOne(dict[int, str]):
    """A table for `str.translate` that folds character by character; entries are added when they are needed."""

    def __missing__(self, code: int) -> str:
        folded = fold_kana(simple(chr(code)))
        if _COMBINES.match(chr(code)) or (len(folded) != 1 and any(map(str.isalnum, folded))):
            folded = _DIFFICULT  # ㌍, ß, a half-width ｶﾞ: folding changes the number of characters
        self[code] = folded if len(folded) == 1 else " "
        return self[code]


_FOLD_EACH = _OneToOne()


@lru_cache(maxsize=256)  # searches show the same texts again, and folding one takes half of its snippet's time
def _aligned(text: str) -> tuple[str, Sequence[int]]:
    """The folded text, and for each of its positions (and its end) the position in the original."""
    folded = text.translate(_FOLD_EACH)
    if _DIFFICULT not in folded:
        return folded, range(len(text) + 1)
    parts: list[str] = []
    places: list[int] = []
    for segment in _SEGMENT.finditer(text):
        part = fold_kana(simple(segment[0]))
        parts.append(part)
        places += [segment.start()] * len(part)
    return "".join(parts), [*places, len(text)]


def _window(text: str, spans: list[tuple[int, int]], length: int) -> tuple[int, int]:
    """Start and end of the snippet: the window with most matches, from the beginning of a sentence if one is near."""
    if not spans:
        return 0, _cut(text, 0, length)
    best = max(range(len(spans)), key=lambda at: (_held(spans, at, length), -at))
    first = spans[best][0]
    near = list(_SENTENCE_END.finditer(text, max(0, first - length // 2), first))
    start = near[-1].end() if near else 0 if first <= length // 2 else _word_start(text, first - length // 4, first)
    return start, _cut(text, start, length, spans[best][1])


def _held(spans: list[tuple[int, int]], at: int, length: int) -> int:
    limit = spans[at][0] + length // 2
    return sum(1 for start, end in spans[at : at + 20] if end <= limit)


def _word_start(text: str, start: int, limit: int) -> int:
    blank = text.find(" ", start, limit)
    return blank + 1 if blank >= 0 else start


def _cut(text: str, start: int, length: int, least: int = 0) -> int:
    """The end of a snippet from `start` of width `length`; at the end of a word, and not before `least`."""
    width, end = 0, start
    if text[start : start + length].isascii():
        width, end = length, min(start + length, len(text))
    while end < len(text) and width < length:
        width += 2 if unicodedata.east_asian_width(text[end]) in "WF" else 1
        end += 1
    end = max(end, least)
    if end < len(text):
        blank = max(text.rfind(" ", start, end), text.rfind("\n", start, end), text.rfind("。", start, end) + 1)
        if blank >= max(least, start + (end - start) // 2):
            end = blank
    return end


def _pieces(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> list[Piece]:
    pieces: list[Piece] = []
    at = start
    for first, last in spans:
        if first < at or last > end:
            continue
        if first > at:
            pieces.append(Piece(text[at:first]))
        pieces.append(Piece(text[first:last], is_match=True))
        at = last
    if at < end:
        pieces.append(Piece(text[at:end]))
    return pieces
