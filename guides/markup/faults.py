"""The faults of a text: each has its line, a code, and a sentence that says how to correct it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field


def gettext_noop(message: str) -> str:
    """Mark a sentence for xgettext; this package does not translate."""
    return message


MESSAGES: dict[str, str] = {
    # the source as a whole
    "too_long": gettext_noop("The text is longer than %(most)s KB."),
    "character": gettext_noop("The character %(character)s cannot stand in a text."),
    "too_nested": gettext_noop("The blocks, lists or quotations are nested too deeply."),
    "no_steps": gettext_noop("The text has no steps: it needs a “::: steps” block with at least one step."),
    "no_step_shown": gettext_noop("No step is shown in this combination: %(combination)s."),
    "too_many_combinations": gettext_noop(
        "The conditions around the steps make %(count)s combinations, more than %(most)s; use fewer words there."
    ),
    "never_shown": gettext_noop("This part can never be shown: no combination fulfils its condition."),
    # blocks
    "unknown_block": gettext_noop("“%(name)s” is not a block. The blocks are: %(names)s."),
    "unknown_block_near": gettext_noop("“%(name)s” is not a block. Is “%(near)s” meant?"),
    "nameless_block": gettext_noop("After “:::” stands the name of a block, or “end”."),
    "unclosed_block": gettext_noop("This “%(name)s” block is not closed: “::: end” is missing."),
    "stray_end": gettext_noop("There is no open block that this “::: end” could close."),
    "stray_branch": gettext_noop("“%(name)s” can only stand in an “if” block."),
    "branch_after_else": gettext_noop("“%(name)s” cannot follow the “else” of the same “if” block."),
    "unexpected_words": gettext_noop("Nothing can stand after “%(name)s” on its line."),
    "missing_title": gettext_noop("This “%(name)s” needs a title on the same line."),
    "steps_in_steps": gettext_noop("A “steps” block cannot stand in another one."),
    "steps_empty": gettext_noop("This “steps” block holds no step."),
    "step_outside": gettext_noop("A “step” stands directly in a “steps” block, or in an “if” in one."),
    "only_steps": gettext_noop("Only “step” and “if” can stand directly in a “steps” block; put this into a step."),
    "form_in_form": gettext_noop("A “form” block cannot stand in another one."),
    "form_empty": gettext_noop("This “form” block holds no row."),
    "only_rows": gettext_noop("Only rows and “if” can stand in a “form” block."),
    # headings and names of places
    "missing_id": gettext_noop("This “%(name)s” needs a name for links, the same in all languages, such as {#before}."),
    "bad_id": gettext_noop("“%(name)s” cannot be a name for links: it starts with a-z and holds a-z, 0-9 and - only."),
    "double_id": gettext_noop("The name for links “%(name)s” is already used in line %(first)s."),
    "heading_level": gettext_noop("Headings here start at level %(least)s: write at least “%(mark)s”."),
    "unclosed_code": gettext_noop("This code block is not closed: a line “%(fence)s” is missing."),
    # rows of a drawn dialog
    "unknown_row": gettext_noop("“%(name)s” is not a row. A row starts with one of: %(names)s, and a colon."),
    "unknown_row_near": gettext_noop("“%(name)s” is not a row. Is “%(near)s” meant?"),
    "row_without_label": gettext_noop("This “%(name)s” row says nothing after its colon."),
    "row_without_value": gettext_noop("This “%(name)s” row needs a value: “%(name)s: Label = Value”."),
    "row_with_wrong_choice": gettext_noop("A “%(name)s” row cannot have a wrong choice (“| not:”)."),
    "row_empty_wrong_choice": gettext_noop("After “| not:” stands the wrong choice; here it is empty."),
    "value_in_secret": gettext_noop(
        "A “secret” row says in words what belongs there; “%(name)s” would print a value into the password's field."
    ),
    # placeholders
    "unknown_placeholder": gettext_noop("“%(name)s” is not a placeholder; docs/markup.md lists them."),
    "unknown_placeholder_near": gettext_noop("“%(name)s” is not a placeholder. Is “%(near)s” meant?"),
    "unclosed_placeholder": gettext_noop(
        "This “{{” does not start a placeholder: “}}” is missing. Write \\{{ for two braces."
    ),
    "placeholder_in_code": gettext_noop(
        "The placeholder “%(name)s” stands in code, where it is not filled. Write \\{{ for two braces."
    ),
    "placeholder_in_link": gettext_noop("The placeholder “%(name)s” cannot stand in the target of a link."),
    "placeholder_lost": gettext_noop("The placeholder “%(name)s” stands where nothing is shown."),
    "link_in_link": gettext_noop("“%(name)s” is a whole link and cannot stand inside another link."),
    "link_in_title": gettext_noop("“%(name)s” is a whole link and cannot stand in a title or in a drawn dialog."),
    # links and pictures
    "link_target": gettext_noop(
        "“%(target)s” cannot be the target of a link: it starts with https:, http: or mailto:, or stays on this site."
    ),
    "picture": gettext_noop("Pictures cannot stand in a text; draw the dialog with a “::: form” block."),
    # conditions
    "condition_empty": gettext_noop("“%(name)s” needs a condition on the same line."),
    "condition_syntax": gettext_noop("The condition cannot be read: a word is expected before “%(found)s”."),
    "condition_cut": gettext_noop("The condition cannot be read: it ends where a word is expected."),
    "condition_operator": gettext_noop("The condition cannot be read: “and” or “or” is missing before “%(found)s”."),
    "condition_parenthesis": gettext_noop("The condition cannot be read: the parentheses do not match."),
    "condition_too_long": gettext_noop("The condition is longer than %(most)s words."),
    "unknown_word": gettext_noop("“%(name)s” is not a word for conditions; docs/markup.md lists them."),
    "unknown_word_near": gettext_noop("“%(name)s” is not a word for conditions. Is “%(near)s” meant?"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its line (from 1), its code in `MESSAGES`, and the values for the message."""

    line: int
    code: str
    params: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return MESSAGES[self.code] % self.params


class MarkupError(ValueError):
    """A text cannot be compiled. `faults` are all its faults, in the order of lines."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__("\n".join(f"line {fault.line}: {fault}" for fault in self.faults))


class FaultLog:
    """Collects faults during parsing, so that an author sees all of them at once.

    It stops at `MOST`, so that a file that is no text takes neither much time nor a page of thousands of lines.
    """

    MOST = 100

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, line: int, code: str, **params: str) -> None:
        """Record a fault once; long words in it are cut."""
        fault = Fault(line, code, {name: _shortened(value) for name, value in params.items()})
        if len(self.faults) < self.MOST and fault not in self.faults:
            self.faults.append(fault)

    def add_unknown(self, line: int, code: str, name: str, known: Iterable[str], **params: str) -> None:
        """Record a word that is not in `known`: as `code`_near when a similar one is."""
        if len(self.faults) >= self.MOST:
            return
        near = difflib.get_close_matches(_shortened(name).lower(), list(known), n=1, cutoff=0.6)
        if near:
            self.add(line, f"{code}_near", name=name, near=near[0])
        else:
            self.add(line, code, name=name, **params)

    def __bool__(self) -> bool:
        return bool(self.faults)


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"
