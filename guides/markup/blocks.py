"""Parsing the source of a text into a tree of blocks with line numbers. Markdown in the blocks is parsed elsewhere.

Structural faults are recorded with their line and parsing continues, so that an author sees all of them. A misplaced
or unknown block is still opened, so that its `::: end` closes it and causes no second fault.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from guides.markup import conditions
from guides.markup.conditions import Condition
from guides.markup.faults import FaultLog
from guides.markup.vocabulary import BLOCKS, ROWS, ROWS_WITH_VALUE, ROWS_WITH_WRONG_CHOICE

MOST_NESTED = 12

_DIRECTIVE = re.compile(r"\s*:::\s*(\S*)\s*(.*?)\s*\Z")
_HEADING = re.compile(r"\s*(#{1,6})[ \t]+(.*?)\s*\Z")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})[^`]*\Z")
_ID = re.compile(r"(?:\A|\s)\{#([^{}]*)\}\s*\Z")
_LEADING_ID = re.compile(r"\{#([^{}]*)\}\s*")
_GOOD_ID = re.compile(r"[a-z][a-z0-9-]{0,59}\Z")


@dataclass(slots=True)
class Prose:
    """A run of Markdown lines."""

    line: int
    source: str


@dataclass(slots=True)
class Heading:
    """A heading with its id for links."""

    line: int
    level: int
    ident: str
    title: str


@dataclass(slots=True)
class Code:
    """A fenced block of code, shown verbatim."""

    line: int
    source: str


@dataclass(slots=True)
class DialogRow:
    """A row of a drawn dialog."""

    line: int
    kind: str
    label: str
    value: str
    wrong: tuple[str, ...]


@dataclass(slots=True)
class Branch:
    """One alternative of an `if`; `condition` is None for `else` (and where it could not be read)."""

    line: int
    condition: Condition | None
    children: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class If:
    """Alternatives: the first branch whose condition holds is shown."""

    line: int
    branches: list[Branch]


@dataclass(slots=True)
class Block:
    """A block with a title: steps, step, a box, details or form."""

    line: int
    name: str
    title: str = ""
    ident: str = ""
    children: list[Node] = field(default_factory=list)


Node: TypeAlias = "Prose | Heading | Code | DialogRow | If | Block"


@dataclass(slots=True)
class _Frame:
    """An open block, and the list that collects its content."""

    name: str
    line: int
    children: list[Node]
    branches: list[Branch] | None = None  # of an `if`
    closed_by_else: bool = False


class BlockReader:
    """Parses one source. `read` returns the tree; structural faults are in `log`."""

    def __init__(self, words: Collection[str], log: FaultLog) -> None:
        self.words = words
        self.log = log
        self.root: list[Node] = []
        self.frames: list[_Frame] = []
        self.prose: list[str] = []
        self.prose_line = 0

    def read(self, source: str) -> list[Node]:
        """Parse all lines. `MOST_NESTED` limits the depth of the tree."""
        lines = source.split("\n")
        position = 0
        while position < len(lines):
            line = position + 1
            text = lines[position]
            position += 1
            if match := _DIRECTIVE.match(text):
                self._end_prose()
                self._directive(line, match[1], match[2])
            elif self._in_form:
                self._row(line, text)
            elif match := _FENCE.match(text):
                self._end_prose()
                position = self._code(line, lines, position, match[1])
            elif match := _HEADING.match(text):
                self._end_prose()
                self._heading(line, len(match[1]), match[2])
            else:
                if not self.prose:
                    self.prose_line = line
                self.prose.append(text)
        self._end_prose()
        for frame in self.frames:
            self.log.add(frame.line, "unclosed_block", name=frame.name)
        return self.root

    # --- position --------------------------------------------------------------------------------

    @property
    def _container(self) -> str:
        """The block that decides what is allowed here: the innermost one that is not an `if`."""
        return next((frame.name for frame in reversed(self.frames) if frame.name != "if"), "")

    @property
    def _in_form(self) -> bool:
        return self._container == "form"

    def _inside(self, name: str) -> bool:
        return any(frame.name == name for frame in self.frames)

    def _append(self, node: Node) -> None:
        (self.frames[-1].children if self.frames else self.root).append(node)

    def _content(self, line: int, node: Node) -> None:
        """Add a node that is neither `step`, `if` nor a row, where it is allowed."""
        if self._container == "steps":
            self.log.add(line, "only_steps")
        self._append(node)

    # --- lines that are no directives -----------------------------------------------------------

    def _end_prose(self) -> None:
        if any(text.strip() for text in self.prose):
            while not self.prose[0].strip():
                self.prose.pop(0)
                self.prose_line += 1
            # Indentation of blocks is free, but it has a meaning in Markdown.
            self._content(self.prose_line, Prose(self.prose_line, textwrap.dedent("\n".join(self.prose))))
        self.prose = []

    def _heading(self, line: int, level: int, text: str) -> None:
        least = 4 if self._inside("step") else 2
        if level < least:
            self.log.add(line, "heading_level", least=str(least), mark="#" * least)
        text = re.sub(r"\s+#+\Z", "", text)
        match = _ID.search(text)
        title = (text[: match.start()] if match else text).strip()
        if not title:
            self.log.add(line, "missing_title", name="#" * level)
        if not match:
            self.log.add(line, "missing_id", name="#" * level)
        self._content(line, Heading(line, level, self._good_id(line, match[1]) if match else "", title))

    def _code(self, line: int, lines: list[str], position: int, fence: str) -> int:
        """Parse up to the closing fence; returns the position of the line after it."""
        body: list[str] = []
        while position < len(lines):
            text = lines[position]
            position += 1
            mark = text.strip()
            if mark.startswith(fence) and not mark.strip(fence[0]):
                self._content(line, Code(line, textwrap.dedent("\n".join(body))))
                return position
            body.append(text)
        self.log.add(line, "unclosed_code", fence=fence)
        return position

    def _row(self, line: int, text: str) -> None:
        text = text.strip()
        if not text:
            return
        kind, colon, rest = text.partition(":")
        kind = kind.strip()
        if not colon or kind not in ROWS:
            self.log.add_unknown(line, "unknown_row", kind, ROWS, names=", ".join(ROWS))
            return
        rest, *wrong = re.split(r"\s\|\s*not:", f" {rest.strip()}")
        label, equals, value = rest.partition(" = ") if kind in ROWS_WITH_VALUE else (rest, "", "")
        if kind in ROWS_WITH_VALUE and not equals and rest.endswith(" ="):
            label = rest[:-2]
        if not label.strip():
            self.log.add(line, "row_without_label", name=kind)
        if kind in ROWS_WITH_VALUE and not value.strip():
            self.log.add(line, "row_without_value", name=kind)
        if wrong and kind not in ROWS_WITH_WRONG_CHOICE:
            self.log.add(line, "row_with_wrong_choice", name=kind)
        if any(not choice.strip() for choice in wrong):
            self.log.add(line, "row_empty_wrong_choice")
        self._append(DialogRow(line, kind, label.strip(), value.strip(), tuple(choice.strip() for choice in wrong)))

    # --- directives -----------------------------------------------------------------------------

    def _directive(self, line: int, name: str, rest: str) -> None:
        if name == "end":
            self._end(line, rest)
        elif name in ("elif", "else"):
            self._branch(line, name, rest)
        elif name == "if":
            branch = Branch(line, conditions.parse(rest, self.words, line, self.log))
            node = If(line, [branch])
            self._append(node)
            self._open(_Frame("if", line, branch.children, branches=node.branches))
        elif name in BLOCKS:
            self._block(line, name, rest)
        else:
            if name:
                self.log.add_unknown(
                    line, "unknown_block", name, [*BLOCKS, "elif", "else", "end"], names=", ".join(BLOCKS)
                )
            else:
                self.log.add(line, "nameless_block")
            self._open(_Frame(name, line, []))

    def _block(self, line: int, name: str, rest: str) -> None:
        self._judge_place(line, name)
        block = Block(line, name)
        if name == "steps":
            if rest:
                self.log.add(line, "unexpected_words", name=name)
        elif name == "step":
            match = _LEADING_ID.match(rest)
            if match:
                block.ident = self._good_id(line, match[1])
                rest = rest[match.end() :]
            else:
                self.log.add(line, "missing_id", name=name)
        block.title = rest.strip()
        if not block.title and name in ("step", "details", "form"):
            self.log.add(line, "missing_title", name=name)
        self._append(block)
        self._open(_Frame(name, line, block.children))

    def _judge_place(self, line: int, name: str) -> None:
        if name == "step":
            if self._container != "steps":
                self.log.add(line, "step_outside")
        elif name == "steps" and self._inside("steps"):
            self.log.add(line, "steps_in_steps")
        elif self._in_form:
            self.log.add(line, "form_in_form" if name == "form" else "only_rows")
        elif self._container == "steps":
            self.log.add(line, "only_steps")

    def _open(self, frame: _Frame) -> None:
        if len(self.frames) == MOST_NESTED:
            self.log.add(frame.line, "too_nested")
        self.frames.append(frame)

    def _branch(self, line: int, name: str, rest: str) -> None:
        frame = self.frames[-1] if self.frames else None
        if frame is None or frame.branches is None:
            self.log.add(line, "stray_branch", name=name)
            return
        if frame.closed_by_else:
            self.log.add(line, "branch_after_else", name=name)
        condition = None
        if name == "else":
            frame.closed_by_else = True
            if rest:
                self.log.add(line, "unexpected_words", name=name)
        else:
            condition = conditions.parse(rest, self.words, line, self.log, name)
        branch = Branch(line, condition)
        frame.branches.append(branch)
        frame.children = branch.children

    def _end(self, line: int, rest: str) -> None:
        if rest:
            self.log.add(line, "unexpected_words", name="end")
        if not self.frames:
            self.log.add(line, "stray_end")
            return
        frame = self.frames.pop()
        if frame.name == "steps" and not _holds(frame.children, Block):
            self.log.add(frame.line, "steps_empty")
        if frame.name == "form" and not _holds(frame.children, DialogRow):
            self.log.add(frame.line, "form_empty")

    def _good_id(self, line: int, ident: str) -> str:
        if not _GOOD_ID.match(ident):
            self.log.add(line, "bad_id", name=ident)
        return ident


def _holds(nodes: list[Node], kind: type[DialogRow] | type[Block]) -> bool:
    """Whether `nodes` has a node of `kind`, directly or in an `if`."""
    return any(
        any(_holds(branch.children, kind) for branch in node.branches)
        if isinstance(node, If)
        else isinstance(node, kind)
        for node in nodes
    )
