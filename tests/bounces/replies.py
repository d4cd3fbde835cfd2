"""Hundreds of replies in one shape: what a server said, in a report. Servers word the same refusal in many ways."""

from __future__ import annotations

from pathlib import Path

from tests.bounces.shapes import Case, fields, report

LIST = Path(__file__).with_suffix(".txt")


def cases() -> list[Case]:
    """A case for each line of `replies.txt`."""
    found = []
    for number, line in enumerate(LIST.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("#"):
            continue
        causes, _, said = line.partition("|")
        cause, *also = causes.split()
        data = report("Undelivered Mail", "See below.", fields(said, status=""), charset="utf-8")
        found.append(Case(f"reply-{number}", data, cause, also=tuple(also)))
    return found
