"""docs/asvs.md judges every line of levels 1 and 2 of OWASP ASVS 5.0.0 once, and names files that exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tests.portal import ROOT

DOCUMENT = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"(?m)^\| \d.*$", DOCUMENT)]
# How many lines of levels 1 and 2 each section has; in all of these sections they come before those of level 3.
LINES = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip


def _judged(cell: str) -> Iterator[str]:
    for part in cell.split(", "):
        first, _dash, last = part.partition("-")
        section, _dot, number = first.rpartition(".")
        assert not last or last.startswith(f"{section}.")
        for each in range(int(number), int(last.rpartition(".")[2] if last else number) + 1):
            yield f"{section}.{each}"


def test_every_line_is_judged_once() -> None:
    assert sum(LINES.values()) == 253
    wanted = Counter(f"{section}.{number}" for section, lines in LINES.items() for number in range(1, lines + 1))
    assert Counter(line for row in ROWS for line in _judged(row[0])) == wanted


def test_every_row_has_a_state_and_what_is_met_a_place() -> None:
    for line, asks, state, where, test in ROWS:
        assert asks, line
        assert state in ("met", "part", "not met", "n/a"), line
        assert where or state == "not met", line
        assert test or state != "met" or "`.dockerignore`" in where, line


def test_every_file_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:\.?\w[\w.-]*/)+[\w.-]*|\.dockerignore|Dockerfile|SECURITY\.md)`", DOCUMENT))
    assert len(named) > 100
    assert {path for path in named if not (ROOT / path).exists()} == set()
