"""Patterns that staff write: from a server's words to a cause and its article.

RE2 searches in linear time, so that no pattern can hang a worker; what RE2 cannot do is refused with a
message that says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import re2

from guides.mail.accounts import Protocol
from guides.mail.outcomes import Owner, Stage

MAX_EXPRESSION = 500
MAX_LINE_BYTES = 4096

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False  # faults are told to whoever wrote the pattern, not to standard error

_LOOK_AROUND = ("(?=", "(?!", "(?<=", "(?<!")


class PatternFault(ValueError):  # noqa: N818 (a fault of the pattern, not of the program)
    """An expression cannot be used. The message says why, for the words at the form's field."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression over a server's words, and what it means when it is found. None: holds anywhere."""

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
    """A pattern that was found, and the words that it found. These words are not redacted."""

    pattern: Pattern
    text: str


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
        return re2.compile(expression, _OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else b""
        words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    except UnicodeEncodeError:
        words = "it holds half a character (a lone surrogate)"
    raise PatternFault(_explain(words))


def _explain(words: str) -> str:
    """RE2's own words, with what people most often want from other engines named."""
    if any(sign in words for sign in _LOOK_AROUND):
        return f"RE2 has no look-ahead and no look-behind ({words}). Write out what may stand there instead."
    if "invalid escape sequence: \\" in words and words[-1:].isdigit():
        return f"RE2 has no back references ({words}). Write the repeated text out."
    return f"RE2 cannot read this pattern: {words}."


class PatternSet:
    """Patterns, compiled once, in the order in which they are tried.

    Each pattern is searched by itself: a joint automaton (`re2.Set`) gives up silently when its memory
    is full, a single one falls back to a slower search that is still linear.
    """

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        """Raises PatternFault when an expression cannot be compiled."""
        ordered = sorted(patterns, key=_order)
        self._entries = [(pattern, _compile(pattern.expression)) for pattern in ordered]

    def __len__(self) -> int:
        return len(self._entries)

    def match(
        self, words: str, *, protocol: Protocol | None, stage: Stage | None, provider: str | None
    ) -> Match | None:
        """The first pattern that is found in a line of `words`: the provider's own before those of the protocol
        or stage, these before general ones; within each, the smaller priority first.

        A pattern that is bound to a provider, protocol or stage is tried only there; None as `protocol` or
        `stage` means that it is not known (a pasted text), and holds nothing back.
        """
        lines = [_cut(line) for line in words.splitlines()]
        for pattern, compiled in self._entries:
            if pattern.provider is not None and pattern.provider != provider:
                continue
            if protocol is not None and pattern.protocol not in (None, protocol):
                continue
            if stage is not None and pattern.stage not in (None, stage):
                continue
            for line in lines:
                found = compiled.search(line)
                if found is not None:
                    return Match(pattern, found.group())
        return None


def _order(pattern: Pattern) -> tuple[bool, bool, int, str]:
    general = pattern.protocol is None and pattern.stage is None
    return (pattern.provider is None, general, pattern.priority, pattern.name)


def _cut(line: str) -> str:
    return line.encode("utf-8", "replace")[:MAX_LINE_BYTES].decode("utf-8", "ignore")
