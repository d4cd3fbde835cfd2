"""Hundreds of replies and sentences, each set in one shape. Servers word the same refusal in many ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bounces.shapes import RECIPIENT, Case, fields, plain, report

REPLIES = Path(__file__).with_name("replies.txt")
SENTENCES = Path(__file__).with_name("sentences.txt")
WHOLE = Path(__file__).with_name("whole.txt")


def cases() -> list[Case]:
    """A case for each line of both lists, and the whole messages."""
    found = []
    for number, (causes, said) in enumerate(_lines(SENTENCES), start=1):
        language, cause, *also = causes.split()
        data = plain("Undelivered Mail", f"{said}\n\n{RECIPIENT}\n", transfer="quoted-printable")
        found.append(Case(f"sentence-{number}", data, cause, language, also=tuple(also)))
    for number, (causes, said) in enumerate(_lines(REPLIES), start=1):
        cause, *also = causes.split()
        folded = said.replace("\\n", "\n ")  # a reply of several lines
        data = report("Undelivered Mail", "See below.", fields(folded, status=""), charset="utf-8")
        found.append(Case(f"reply-{number}", data, cause, also=tuple(also)))
    return [*found, *_whole()]


def _whole() -> Iterator[Case]:
    for block in f"\n{WHOLE.read_text(encoding='utf-8')}".split("\n=== ")[1:]:
        head, _, message = block.partition("\n")
        name, language, cause, *also = head.split()
        yield Case(f"whole-{name}", message.encode(), cause, language, also=tuple(also))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            causes, _, said = line.partition("|")
            yield causes, said
