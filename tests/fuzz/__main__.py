"""`python -m tests.fuzz [SECONDS]`: fuzz with atheris, from the corpus on; what breaks something is left in `tests/fuzz/found/`."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["guides"]):
    from tests.fuzz.replies import one_input

HERE = Path(__file__).parent


def main() -> None:
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    found = HERE / "found"
    found.mkdir(exist_ok=True)
    grown = found / "corpus"
    grown.mkdir(exist_ok=True)
    options = [f"-max_total_time={seconds}", "-max_len=16384", f"-artifact_prefix={found}/"]
    atheris.Setup([sys.argv[0], str(grown), str(HERE / "corpus"), *options], one_input)
    atheris.Fuzz()


main()
