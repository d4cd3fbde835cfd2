"""Searching a text for many expressions at once: RE2's joint automaton, in portions that fit its memory.

`re2.Set` returns nothing, without an error, when its memory is full. So the portions are small, and each has an
additional expression that matches every text: if it is missing in a result, the portion is searched one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import re2

MAX_LINE_BYTES = 4096

_PORTION = 20_000  # RE2 instructions; their automaton fits into _MEMORY for any text
_MEMORY = 16 << 20  # bytes at most for one portion's automaton; allocated as needed

OPTIONS = re2.Options()
OPTIONS.log_errors = False  # errors are shown in the form, not on standard error
OPTIONS.never_capture = True  # only the match's span is needed: twice as fast
_SET_OPTIONS = re2.Options()
_SET_OPTIONS.log_errors = False
_SET_OPTIONS.max_mem = _MEMORY


class Scanner:
    """Searches lines for many expressions."""

    def __init__(self, expressions: Sequence[str]) -> None:
        """Raises `re2.error` when an expression cannot be compiled, UnicodeEncodeError on a lone surrogate."""
        self._compiled = [re2.compile(expression, OPTIONS) for expression in expressions]
        self._portions: list[tuple[Any, list[int]]] = []
        self._alone: list[int] = []
        portion: list[int] = []
        size = 0
        for index, compiled in enumerate(self._compiled):
            own = compiled.programsize
            if own > _PORTION:
                self._alone.append(index)
                continue
            if size + own > _PORTION and portion:
                self._add_portion(portion)
                portion, size = [], 0
            portion.append(index)
            size += own
        if portion:
            self._add_portion(portion)

    def __len__(self) -> int:
        return len(self._compiled)

    def _add_portion(self, indexes: list[int]) -> None:
        joint = re2.Set.SearchSet(_SET_OPTIONS)
        for index in indexes:
            joint.Add(self._compiled[index].pattern)
        joint.Add("")  # matches every text, unless the memory was full
        joint.Compile()
        self._portions.append((joint, indexes))

    def hits(self, line: str) -> list[int]:
        """The positions, in order, of all expressions that match `line`."""
        found: list[int] = []
        for joint, indexes in self._portions:
            places = joint.Match(line)
            if len(indexes) in places:
                found += [indexes[place] for place in places if place < len(indexes)]
            else:
                found += [index for index in indexes if self._compiled[index].search(line) is not None]
        found += [index for index in self._alone if self._compiled[index].search(line) is not None]
        found.sort()
        return found

    def span(self, index: int, line: str) -> tuple[int, int] | None:
        """The first span of an expression in `line`."""
        match = self._compiled[index].search(line)
        return None if match is None else match.span()


def cut(line: str) -> str:
    """A line, cut at the longest length that servers send."""
    if len(line) * 4 <= MAX_LINE_BYTES:
        return line
    return line.encode("utf-8", "replace")[:MAX_LINE_BYTES].decode("utf-8", "ignore")
