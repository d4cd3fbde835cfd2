"""Conditions: words joined by `not`, `and`, `or` and parentheses, parsed into a tree that can be stored as JSON.

A condition is a word, or a list whose first element is the operator: `["not", c]`, `["and", c, c]`, `["or", c, c]`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TypeAlias

from guides.markup.faults import FaultLog

Condition: TypeAlias = "str | list[Condition]"

MOST_TOKENS = 100
_TOKEN = re.compile(r"[()]|[^\s()]+")
_OPERATORS = frozenset({"and", "or", "not"})


class _UnreadableError(Exception):
    """The syntax is invalid; the fault is already in the log."""


class _ConditionParser:
    """A recursive descent parser: `or` > `and` > `not` > word or parenthesis. `MOST_TOKENS` limits the recursion."""

    def __init__(self, tokens: list[str], known: Collection[str], line: int, log: FaultLog) -> None:
        self.tokens = tokens
        self.known = known
        self.line = line
        self.log = log
        self.position = 0

    @property
    def next(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def read(self) -> Condition:
        condition = self._chain("or")
        if self.next is not None:
            code = "condition_parenthesis" if self.next == ")" else "condition_operator"
            raise self._broken(code, self.next)
        return condition

    def _chain(self, operator: str) -> Condition:
        parts = [self._part(operator)]
        while self.next == operator:
            self.position += 1
            parts.append(self._part(operator))
        return parts[0] if len(parts) == 1 else [operator, *parts]

    def _part(self, operator: str) -> Condition:
        return self._chain("and") if operator == "or" else self._atom()

    def _atom(self) -> Condition:
        token = self.next
        if token is None:
            raise self._broken("condition_cut")
        self.position += 1
        if token == "not":  # noqa: S105
            return ["not", self._atom()]
        if token == "(":  # noqa: S105
            inner = self._chain("or")
            if self.next is not None and self.next != ")":
                raise self._broken("condition_operator", self.next)
            if self.next is None:
                raise self._broken("condition_parenthesis")
            self.position += 1
            return inner
        if token == ")" or token in _OPERATORS:  # noqa: S105
            raise self._broken("condition_syntax", token)
        if token not in self.known:
            self.log.add_unknown(self.line, "unknown_word", token, [*self.known, *_OPERATORS])
        return token

    def _broken(self, code: str, found: str = "") -> _UnreadableError:
        params = {"found": found} if found and code != "condition_parenthesis" else {}
        self.log.add(self.line, code, **params)
        return _UnreadableError()


def parse(text: str, known: Collection[str], line: int, log: FaultLog, name: str = "if") -> Condition | None:
    """Parse a condition; None if the syntax is invalid. Faults, also unknown words, go into `log`."""
    tokens = _TOKEN.findall(text)
    if not tokens:
        log.add(line, "condition_empty", name=name)
        return None
    if len(tokens) > MOST_TOKENS:
        log.add(line, "condition_too_long", most=str(MOST_TOKENS))
        return None
    try:
        return _ConditionParser(tokens, known, line, log).read()
    except _UnreadableError:
        return None


def holds(condition: Condition | None, truths: Collection[str]) -> bool:
    """Whether a condition is fulfilled when exactly the words in `truths` are true. None is `else`: always."""
    if condition is None:
        return True
    if isinstance(condition, str):
        return condition in truths
    operator, *parts = condition
    if operator == "not":
        return not holds(parts[0], truths)
    if operator == "and":
        return all(holds(part, truths) for part in parts)
    return any(holds(part, truths) for part in parts)


def words_of(condition: Condition | None) -> Iterator[str]:
    """The words that a condition uses."""
    if isinstance(condition, str):
        yield condition
    elif condition is not None:
        for part in condition[1:]:
            yield from words_of(part)
