"""The difference between two texts, by lines and within changed lines by words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# Japanese has no spaces between words, so each of its letters is compared by itself.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|\s+|.", re.DOTALL)
_MOST_WORDS = 2000  # beyond it changed lines are shown whole: comparing takes the square of their number


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and whether it is in both texts or in one."""

    text: str
    kind: Literal["same", "added", "removed"]


def difference(before: str, after: str) -> list[Piece]:
    """The pieces in reading order; of what was replaced, the removed text comes first."""
    pieces: list[Piece] = []
    for piece in _by_lines(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        if pieces and pieces[-1].kind == piece.kind:
            piece = Piece(pieces.pop().text + piece.text, piece.kind)
        pieces.append(piece)
    return pieces


def _by_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    for tag, old, new in _compare(before, after):
        if tag == "replace":
            yield from _by_words(_WORD.findall(old), _WORD.findall(new))
        else:
            yield from _pieces(tag, old, new)


def _by_words(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    if max(len(before), len(after)) > _MOST_WORDS:
        yield from _pieces("replace", "".join(before), "".join(after))
        return
    for tag, old, new in _compare(before, after):
        yield from _pieces(tag, old, new)


def _compare(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for tag, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        yield tag, "".join(before[start:end]), "".join(after[new_start:new_end])


def _pieces(tag: str, old: str, new: str) -> Iterator[Piece]:
    if tag == "equal":
        yield Piece(old, "same")
        return
    if old:
        yield Piece(old, "removed")
    if new:
        yield Piece(new, "added")
