"""Patterns written by staff: from a server's words to a cause and its article.

RE2 searches in linear time, so that no pattern can block a worker. Unsupported syntax is refused with a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import re2

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.scanning import OPTIONS, Scanner, cut
from guides.mail.outcomes import Owner, Stage

MAX_EXPRESSION = 500

_LOOK_AROUND = ("(?=", "(?!", "(?<=", "(?<!")


class PatternFault(ValueError):  # noqa: N818 (a fault of the pattern, not of the program)
    """An expression cannot be used. The message says why, and is shown in the form."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression over a server's words, with its cause and article. A None field does not restrict it."""

    name: str
    expression: str
    cause: str
    article: str = ""
    owner: Owner | None = None
    provider: str | None = None
    protocol: Protocol | None = None
    stage: Stage | None = None
    priority: int = 100


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern that matches, and the matched words, not redacted."""

    pattern: Pattern
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern that matches, and the span in the line."""

    pattern: Pattern
    start: int
    end: int


def check_pattern(expression: str) -> None:
    """Raise PatternFault unless `expression` may stand in a `Pattern`."""
    compiled = _compile(expression)
    if compiled.search("") is not None:
        raise PatternFault("The pattern finds every text, even an empty one; anchor it to words that the server says.")


def _compile(expression: str) -> Any:
    if not expression:
        raise PatternFault("The pattern is empty.")
    if len(expression) > MAX_EXPRESSION:
        raise PatternFault(f"The pattern has {len(expression)} characters; {MAX_EXPRESSION} are allowed.")
    try:
        return re2.compile(expression, OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    except UnicodeEncodeError:
        words = "it holds half a character (a lone surrogate)"
    raise PatternFault(_explain(words))


def _explain(words: str) -> str:
    """RE2's error message, with an explanation for the most common unsupported features."""
    if any(sign in words for sign in _LOOK_AROUND):
        return f"RE2 has no look-ahead and no look-behind ({words}). Write out what may stand there instead."
    if "invalid escape sequence: \\" in words and words[-1:].isdigit():
        return f"RE2 has no back references ({words}). Write the repeated text out."
    return f"RE2 cannot read this pattern: {words}."


class PatternSet:
    """Patterns, compiled once, in the order in which they are tried. Ten thousand take hardly longer than a few."""

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        """Raises PatternFault when an expression cannot be compiled."""
        self._patterns = sorted(patterns, key=_order)
        for pattern in self._patterns:
            _compile(pattern.expression)
        self._scanner = Scanner([pattern.expression for pattern in self._patterns])

    def __len__(self) -> int:
        return len(self._patterns)

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self._patterns)

    def match(
        self, words: str, *, protocol: Protocol | None, stage: Stage | None, provider: str | None
    ) -> Match | None:
        """The first pattern that matches a line of `words`: the provider's, then those of the protocol or stage, then
        general ones; within each, the smaller priority first.

        A pattern for a provider, protocol or stage is tried only there. None as `protocol` or `stage` means unknown (a
        pasted text), and does not restrict.
        """
        matches = self.matches(words, protocol=protocol, stage=stage, provider=provider)
        return matches[0] if matches else None

    def matches(
        self, words: str, *, protocol: Protocol | None, stage: Stage | None, provider: str | None
    ) -> tuple[Match, ...]:
        """The result of `match`, then the other matches of the same rank, which only their names put behind it: the
        first of each class."""
        lines: dict[int, str] = {}
        for line in map(cut, words.splitlines()):
            for index in self._scanner.hits(line):
                if index not in lines and _holds(self._patterns[index], protocol, stage, provider):
                    lines[index] = line
        if not lines:
            return ()
        rank = _rank(self._patterns[min(lines)])
        first: dict[str, int] = {}
        for index in sorted(lines):
            if _rank(self._patterns[index]) == rank:
                first.setdefault(self._patterns[index].cause, index)
        return tuple(
            Match(self._patterns[index], lines[index][slice(*self._span(index, lines[index]))])
            for index in first.values()
        )

    def found(self, line: str) -> list[Found]:
        """All patterns that match one line, of any provider, protocol and stage, in the order of trial."""
        line = cut(line)
        return [Found(self._patterns[index], *self._span(index, line)) for index in self._scanner.hits(line)]

    def _span(self, index: int, line: str) -> tuple[int, int]:
        span = self._scanner.span(index, line)
        assert span is not None  # noqa: S101  # the scanner found it in this line
        return span


def _holds(pattern: Pattern, protocol: Protocol | None, stage: Stage | None, provider: str | None) -> bool:
    if pattern.provider is not None and pattern.provider != provider:
        return False
    if protocol is not None and pattern.protocol not in (None, protocol):
        return False
    return stage is None or pattern.stage in (None, stage)


def _order(pattern: Pattern) -> tuple[tuple[bool, bool, int], str]:
    return _rank(pattern), pattern.name


def _rank(pattern: Pattern) -> tuple[bool, bool, int]:
    general = pattern.protocol is None and pattern.stage is None
    return (pattern.provider is None, general, pattern.priority)
