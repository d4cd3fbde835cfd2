"""A table's test runs all of its rows, and names those that fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = """
import pytest
from tests.tables import each_row

@pytest.fixture
def three(): return 3

@each_row(("number", "word"), [(1, "one"), (3, "three"), (2, "two"), (3, "drei")])
def test_numbers(number, word, three):
    assert number != three
"""


def test_each_row_that_fails_is_named(tmp_path: Path) -> None:
    file = tmp_path / "test_example.py"
    file.write_text(EXAMPLE)
    root = Path(__file__).parent.parent
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:django", "-c", "/dev/null", f"--rootdir={tmp_path}")
    said = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(file)], cwd=root, capture_output=True, text=True, check=False
    ).stdout
    failed = [line for line in said.splitlines() if line.startswith("SUBFAILED")]
    assert [line.split("[", 1)[1].split("]")[0] for line in failed] == ["3 'three'", "3 'drei'"]
