"""Many expressions over one text at once: RE2's joint automaton, in portions that fit its memory.

`re2.Set` gives up silently when its memory is full. So the portions are small, and each holds one expression
more that every text matches: when that one is missing from an answer, the portion is searched one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import re2

MAX_LINE_BYTES = 4096

_PORTION = 20_000  # RE2 instructions; an automaton of these has room in the memory below, whatever the text
_MEMORY = 16 << 20  # bytes at most for one portion's automaton; taken only as far as texts need it

OPTIONS = re2.Options()
OPTIONS.log_errors = False  # faults are told to whoever wrote the expression, not to standard error
OPTIONS.never_capture = True  # only where a match stands is asked: twice as fast
_SET_OPTIONS = re2.Options()
_SET_OPTIONS.log_errors = False
_SET_OPTIONS.max_mem = _MEMORY


class Scanner:
    """Which of many expressions are found in a line."""

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
        joint.Add("")  # the witness: found in every text, unless the automaton gave up
        joint.Compile()
        self._portions.append((joint, indexes))

    def hits(self, line: str) -> list[int]:
        """The places, in their order, of all expressions that are found in `line`."""
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
        """Where in `line` an expression is found first."""
        match = self._compiled[index].search(line)
        return None if match is None else match.span()


def cut(line: str) -> str:
    """A line, not longer than any server's."""
    if len(line) * 4 <= MAX_LINE_BYTES:
        return line
    return line.encode("utf-8", "replace")[:MAX_LINE_BYTES].decode("utf-8", "ignore")
