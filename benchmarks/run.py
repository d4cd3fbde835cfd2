"""`make bench`: run every `benchmarks/bench_*.py` and write what they come to into `benchmarks/results/`.

A module has `run() -> list[Ratio]`. Each runs in a process of its own, so that none warms another's caches.
`python -m benchmarks.run pages crowd` runs two of them; with `--table` it prints the rows of README.md's table for them
at the end. `results/table.md` has the rows of all modules that were run here. The exit code is 1 when a promise is not
kept.
"""

from __future__ import annotations

import importlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from timeit import repeat

from benchmarks.figures import Ratio

HERE = Path(__file__).parent
RESULTS = HERE / "results"
ADDITIONS = 1_000_000
LINE = "{name:<68} {value:>10.3f}  {limit:<10} {verdict:<6} {note}"


def machine() -> str:
    """What the figures were measured on. A promise in seconds, or against waits of seconds, depends on its pace."""
    adding = f"for number in range({ADDITIONS}): total += number"
    best = min(repeat(adding, "total = 0", number=1, repeat=5))
    return f"{platform.machine()}, Python {platform.python_version()}, a million additions in {best * 1000:.0f} ms"


def one(name: str) -> int:
    """Run one module in this process."""
    ratios: list[Ratio] = importlib.import_module(f"benchmarks.bench_{name}").run()
    record = {"machine": machine(), "ratios": [asdict(ratio) | {"holds": ratio.holds} for ratio in ratios]}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for ratio in ratios:
        verdict = "" if ratio.limit is None else "holds" if ratio.holds else "FAILS"
        line = LINE.format(name=ratio.name, value=ratio.value, limit=_limit(ratio), verdict=verdict, note=ratio.note)
        print(line.rstrip())
    return 0 if all(ratio.holds for ratio in ratios) else 1


def _limit(ratio: Ratio) -> str:
    if ratio.limit is None:
        return ""
    return f"{'at least' if ratio.at_least else 'at most'} {ratio.limit:g}"


def table(names: Iterable[str]) -> str:
    """Rows of README.md's table: the promises of these modules, as they were measured last."""
    rows = []
    for name in names:
        if not (RESULTS / f"{name}.json").exists():
            continue
        for entry in json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["ratios"]:
            ratio = Ratio(**{key: value for key, value in entry.items() if key != "holds"})
            if ratio.limit is None:
                continue
            measured = (
                f"{'' if ratio.holds else '**missed**: '}{ratio.value:.3g}{f' ({ratio.note})' * bool(ratio.note)}"
            )
            rows.append(f"| {ratio.name} | {_limit(ratio)} | {measured} | `{name}` |")
    return "".join(f"{row}\n" for row in rows)


def main(arguments: list[str]) -> int:
    """Run the modules that are named, or all."""
    if arguments[:1] == ["--one"]:
        return one(arguments[1])
    every = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    names = [name for name in arguments if name != "--table"] or every
    print(machine())
    failed = 0
    for name in names:
        print(f"--- {name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", "benchmarks.run", "--one", name], check=False).returncode
    (RESULTS / "table.md").write_text(table(every), encoding="utf-8")
    if "--table" in arguments:
        print(table(names))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
