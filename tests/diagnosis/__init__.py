"""Error texts with the class and the owner that are right, for measuring the diagnosis and for training its model.

`texts.txt` is open: rules and model may learn from it. `locked.txt` is a third of the same collection, chosen by a hash of
each text before the rules were changed; it is measured, and not read while rules are changed. `wordings/` holds single
sentences for the model: several for each class that a pasted text can have, in six languages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
OPEN = FOLDER / "texts.txt"
LOCKED = FOLDER / "locked.txt"
WORDINGS = FOLDER / "wordings"
GROUPS = {"d": "dialog", "r": "reply", "l": "log", "b": "bounce"}


@dataclass(frozen=True, slots=True)
class Text:
    """A text with the classes that are right as the first cause, and the owners that are right ("" for any)."""

    text: str | bytes
    classes: tuple[str, ...]
    owners: tuple[str, ...] = ()
    group: str = ""
    language: str = ""


def written(path: Path = OPEN) -> list[Text]:
    """The texts of a file: a line `== classes owners`, then `language group text` lines, with `\\n` for line breaks."""
    found: list[Text] = []
    classes: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            names, _, parties = line[3:].partition(" ")
            classes, owners = tuple(names.split(",")), tuple(parties.split(",")) if parties else ()
        elif line and not line.startswith("#"):
            language, group, text = line.split(" ", 2)
            found.append(Text(text.replace("\\n", "\n"), classes, owners, GROUPS[group], language))
    return found


def wordings() -> list[Text]:
    """The sentences of `wordings/`: a line `== classes`, a line for each language, then a sentence in each line."""
    found: list[Text] = []
    classes: tuple[str, ...] = ()
    language = ""
    for path in sorted(WORDINGS.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("== "):
                classes = tuple(line[3:].split(","))
            elif len(line) == len("en"):
                language = line
            elif not line.startswith("#"):
                found.append(Text(line, classes, (), "wording", language))
    return found


def cases(path: Path) -> list[Text]:
    """The texts of a JSON list of `{text, right_classes, owner, group}`."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Text(row["text"], tuple(row["right_classes"]), (row["owner"],), row["group"]) for row in rows]
