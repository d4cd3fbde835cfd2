"""Checking a text for every combination of the words in its conditions.

For each place only the words that decide about it are combined, so that many conditions inside the steps stay cheap.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeAlias

from guides.markup.blocks import Block, If, Node
from guides.markup.conditions import Condition, holds, words_of
from guides.markup.faults import FaultLog
from guides.markup.vocabulary import OPEN_DIMENSIONS, TRUE_WHEN_UNKNOWN, dimension

MOST_COMBINATIONS = 50_000
MOST_FOR_BRANCH = 5_000
MOST_REPORTED = 5
_FREE = ("protocol", "version", "in_guide")  # dimensions that do not depend on what is known of the domain

# Whether a step is shown: True (always), False (never), or a list of `if`s, of which any can show one.
Steps: TypeAlias = "bool | list[list[tuple[Condition | None, Steps]]]"
Truths: TypeAlias = frozenset[str]


def check(nodes: Sequence[Node], words: Collection[str], log: FaultLog, *, require_steps: bool) -> None:
    """Record combinations without a step (when steps are required) and branches that are never shown."""
    space = _Space(words)
    _check_branches(nodes, (), space, log)
    if require_steps:
        _check_steps(nodes, space, log)


class _Space:
    """The combinations of words that can be true together, for a provider or an unknown domain."""

    def __init__(self, words: Collection[str]) -> None:
        self.words = words
        self.found: dict[Truths, list[Truths]] = {}

    def size(self, used: Truths) -> int:
        """The upper bound of the number of combinations."""
        return math.prod(len(values) for values in self._values(used).values())

    def combinations(self, used: Truths) -> list[Truths]:
        """Every consistent set of true words among `used`."""
        if used not in self.found:
            values = self._values(used)
            unions = (frozenset[str]().union(*combination) for combination in itertools.product(*values.values()))
            self.found[used] = [truths for truths in unions if _consistent(truths, used)]
        return self.found[used]

    def _values(self, used: Truths) -> dict[str, list[Truths]]:
        """For each dimension, the possible sets of true words: one of the used words, or none."""
        values: dict[str, list[Truths]] = {}
        for word in sorted(used):
            values.setdefault(dimension(word), []).append(frozenset({word}))
        for name, sets in values.items():
            if not _is_closed(name) or any(word not in used for word in self.words if dimension(word) == name):
                sets.append(frozenset())
        return values


def _consistent(truths: Truths, used: Truths) -> bool:
    """Whether exactly `truths` of the `used` words can be true of some reader."""
    if "oauth2_only" in truths and "oauth2" in used and "oauth2" not in truths:
        return False
    if "known" in used and "known" not in truths:
        return {word for word in truths if dimension(word) not in _FREE} == TRUE_WHEN_UNKNOWN & used
    offered = truths & {"has_imap", "has_pop3"}
    if len(offered) == 1 and {"has_imap", "has_pop3"} <= used and used & {"imap", "pop3"}:
        # If one protocol is offered and the other is not, the latter is never the chosen one.
        chosen = "imap" if ("imap" in truths if "imap" in used else "pop3" not in truths) else "pop3"
        return f"has_{chosen}" in offered
    return True


# --- branches -----------------------------------------------------------------------------------


def _check_branches(nodes: Iterable[Node], path: tuple[Condition, ...], space: _Space, log: FaultLog) -> None:
    """Record branches that no combination shows; branches inside such a branch are not checked."""
    for node in nodes:
        if isinstance(node, If):
            before: tuple[Condition, ...] = path
            for branch in node.branches:
                here = before if branch.condition is None else (*before, branch.condition)
                if _can_hold(here, space):
                    _check_branches(branch.children, here, space, log)
                else:
                    log.add(branch.line, "never_shown")
                if branch.condition is not None:
                    before = (*before, ["not", branch.condition])
        elif isinstance(node, Block):
            _check_branches(node.children, path, space, log)


def _can_hold(path: tuple[Condition, ...], space: _Space) -> bool:
    """Whether a combination fulfils all conditions of `path`; true when there are too many to try."""
    used = frozenset(word for condition in path for word in words_of(condition))
    if space.size(used) > MOST_FOR_BRANCH:
        return True
    narrowest = path[::-1]  # the innermost condition excludes most
    return any(all(holds(condition, truths) for condition in narrowest) for truths in space.combinations(used))


# --- steps --------------------------------------------------------------------------------------


def _check_steps(nodes: Sequence[Node], space: _Space, log: FaultLog) -> None:
    """Record the combinations without a step, described by as few words as possible."""
    first = next(_steps_blocks(nodes), None)
    steps = _steps_in(nodes)
    if first is None or steps is False:
        log.add(first.line if first else 1, "no_steps")
        return
    used = frozenset(_words_around(steps))
    if space.size(used) > MOST_COMBINATIONS:
        log.add(first.line, "too_many_combinations", count=str(space.size(used)), most=str(MOST_COMBINATIONS))
        return
    combinations = space.combinations(used)
    without = [truths for truths in combinations if not _shown(steps, truths)]
    named: list[dict[str, Truths]] = []
    for truths in without:
        if any(_matches(truths, name) for name in named):
            continue
        if len(named) == MOST_REPORTED:
            break
        named.append(_shortest_name(truths, used, combinations, steps))
        log.add(first.line, "no_step_shown", combination=_in_words(named[-1], used, space.words))


def _steps_blocks(nodes: Iterable[Node]) -> Iterator[Block]:
    for node in nodes:
        if isinstance(node, If):
            for branch in node.branches:
                yield from _steps_blocks(branch.children)
        elif isinstance(node, Block):
            if node.name == "steps":
                yield node
            yield from _steps_blocks(node.children)


def _steps_in(nodes: Iterable[Node]) -> Steps:
    """The conditions on which a step among `nodes` is shown."""
    alternatives: list[list[tuple[Condition | None, Steps]]] = []
    for node in nodes:
        if isinstance(node, Block):
            inside = True if node.name == "step" else _steps_in(node.children)
            if inside is True:
                return True
            if inside is not False:
                alternatives += inside
        elif isinstance(node, If):
            branches = [(branch.condition, _steps_in(branch.children)) for branch in node.branches]
            if any(inside is not False for _, inside in branches):
                alternatives.append(branches)
    return alternatives or False


def _words_around(steps: Steps) -> Iterator[str]:
    if not isinstance(steps, bool):
        for branches in steps:
            for condition, inside in branches:
                yield from words_of(condition)
                yield from _words_around(inside)


def _shown(steps: Steps, truths: Truths) -> bool:
    """Whether a step is shown when exactly `truths` are true."""
    if isinstance(steps, bool):
        return steps
    return any(
        _shown(next((inside for condition, inside in branches if holds(condition, truths)), False), truths)
        for branches in steps
    )


def _shortest_name(truths: Truths, used: Truths, combinations: Sequence[Truths], steps: Steps) -> dict[str, Truths]:
    """The smallest part of a combination without steps such that all combinations with that part have none."""
    name = _by_dimension(truths, used)
    for dropped in list(name):
        shorter = {key: value for key, value in name.items() if key != dropped}
        if not any(_shown(steps, other) for other in combinations if _matches(other, shorter)):
            name = shorter
    return name


def _by_dimension(truths: Truths, used: Truths) -> dict[str, Truths]:
    return {
        name: frozenset(word for word in truths if dimension(word) == name)
        for name in sorted({dimension(word) for word in used})
    }


def _matches(truths: Truths, name: dict[str, Truths]) -> bool:
    return all({word for word in truths if dimension(word) == key} == value for key, value in name.items())


def _in_words(name: dict[str, Truths], used: Truths, known: Collection[str]) -> str:
    """A combination in the syntax of a condition."""
    words: list[str] = []
    for key, value in name.items():
        others = [word for word in known if dimension(word) == key and word not in used]
        if value:
            words += value
        elif len(others) == 1 and _is_closed(key):
            words += others
        else:
            words += [f"not {word}" for word in sorted(used) if dimension(word) == key]
    return " and ".join(words)


def _is_closed(name: str) -> bool:
    """Whether one word of a dimension is always true."""
    return name not in OPEN_DIMENSIONS and name != "provider"
