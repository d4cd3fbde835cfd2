"""Ordered rules over one line of a server's or mail client's words, all tried at once.

The rules are data: `rules/*.rules`. Live test, pasted texts and bounces read the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import re2

from guides.mail.diagnosis.scanning import OPTIONS, Scanner, cut

FOLDER = Path(__file__).parent / "rules"

# How much a rule's words say by themselves.
STRENGTHS = {
    "exact": 0.95,  # one product's own words, or words that can mean nothing else
    "clear": 0.85,
    "likely": 0.7,
    "vague": 0.5,
}
CLEAR = STRENGTHS["clear"]
LIKELY = STRENGTHS["likely"]

# What mail servers say when they do not take or deliver a message, in the order in which it is read.
DELIVERY = ("delivery-en", "delivery-ja", "delivery-ru", "delivery-de", "delivery-other", "delivery-hints")


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that was found: its class, how much it says, its place in the order, and where in the line it stood."""

    cause: str
    strength: float
    rank: int
    start: int
    end: int


class Rules:
    """The rules of some files, in the order in which they win."""

    def __init__(self, *texts: str) -> None:
        """Raises ValueError when a text is not written as `rules/*.rules` are."""
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
        """The rules of files below `rules/`, read and compiled once."""
        return cls(*((FOLDER / f"{name}.rules").read_text(encoding="utf-8") for name in names))

    @property
    def causes(self) -> frozenset[str]:
        """Every class that a rule names."""
        return frozenset(cause for cause, _, _ in self._rows)

    def hits(self, line: str) -> list[RuleMatch]:
        """All rules that are found in a line, the winning one first; one hit a row."""
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
    """One expression (RE2) for all phrases of a name in `rules/kinds.rules`; with `whole_line`, they fill a line."""
    joined = "|".join(_phrase_book()[name])
    return re2.compile(rf"(?im)^[ \t>]*(?:{joined})$" if whole_line else f"(?i){joined}", OPTIONS)
