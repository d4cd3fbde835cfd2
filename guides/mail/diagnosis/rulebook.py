"""Ordered rules over one line of a server's or mail client's text, all searched at once.

The rules are data: `rules/*.rules`. The live test, pasted texts and bounces use the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import re2

from guides.mail.diagnosis.scanning import OPTIONS, Scanner, cut

FOLDER = Path(__file__).parent / "rules"

# The confidence from a rule's words alone.
STRENGTHS = {
    "exact": 0.95,  # one product's text, or unambiguous words
    "clear": 0.85,
    "likely": 0.7,
    "vague": 0.5,
}
CLEAR = STRENGTHS["clear"]
LIKELY = STRENGTHS["likely"]

# The rules for mail that is not accepted or delivered, in their order.
DELIVERY = ("delivery-en", "delivery-ja", "delivery-ru", "delivery-de", "delivery-other", "delivery-hints")


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that matches: its class, its confidence, its position in the order, and the span in the line."""

    cause: str
    strength: float
    rank: int
    start: int
    end: int


class Rules:
    """The rules of some files, in order of precedence."""

    def __init__(self, *texts: str) -> None:
        """Raises ValueError when a text is not in the format of `rules/*.rules`."""
        self._rows: list[tuple[str, float, int]] = []
        expressions: list[str] = []
        cause, strength, rank = "", 0.0, -1
        for text in texts:
            for line in text.splitlines():
                if not line or line.startswith("#"):
                    continue
                if line.startswith("  ") and cause:
                    expressions.append(f"(?i){line[2:]}")
                    self._rows.append((cause, strength, rank))
                    continue
                cause, _, word = line.partition(" ")
                if word not in STRENGTHS:
                    raise ValueError(f"a class and its strength are wanted: {line!r}")
                strength, rank = STRENGTHS[word], rank + 1
        self._scanner = Scanner(expressions)

    @classmethod
    @cache
    def of(cls, *names: str) -> Rules:
        """The rules of files in `rules/`, read and compiled once."""
        return cls(*((FOLDER / f"{name}.rules").read_text(encoding="utf-8") for name in names))

    @property
    def causes(self) -> frozenset[str]:
        """All classes of the rules."""
        return frozenset(cause for cause, _, _ in self._rows)

    def hits(self, line: str) -> list[RuleMatch]:
        """All rules that match a line, in order of precedence; one match per rule."""
        line = cut(line)
        hits = []
        last = -1
        for index in self._scanner.hits(line):
            cause, strength, rank = self._rows[index]
            if rank == last:
                continue
            span = self._scanner.span(index, line)
            if span is not None:
                hits.append(RuleMatch(cause, strength, rank, *span))
                last = rank
        return hits


@cache
def _phrase_book() -> dict[str, list[str]]:
    book: dict[str, list[str]] = {}
    name = ""
    for line in (FOLDER / "kinds.rules").read_text(encoding="utf-8").splitlines():
        if line.startswith("  ") and name:
            book[name].append(line[2:])
        elif line and not line.startswith("#"):
            name = line
            book[name] = []
    return book


def phrases(name: str, *, whole_line: bool = False) -> Any:
    """An expression (RE2) for all phrases of a name in `rules/kinds.rules`; `whole_line`: that are a whole line."""
    joined = "|".join(_phrase_book()[name])
    return re2.compile(rf"(?im)^[ \t>]*(?:{joined})$" if whole_line else f"(?i){joined}", OPTIONS)
