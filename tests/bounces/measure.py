"""How many of the corpus are right. `python -m tests.bounces.measure` writes the figures into `docs/classes.md`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from guides.library.classes_document import renewed
from guides.mail.diagnosis.explain import diagnose
from guides.mail.diagnosis.patterns import PatternSet
from tests.bounces import all_cases
from tests.bounces.shapes import Case

BEGIN = "<!-- corpus: written by `python -m tests.bounces.measure` -->"
END = "<!-- end of corpus -->"


@dataclass
class Figures:
    """What was counted. `sure` are the answers given with high confidence."""

    cases: int = 0
    right: int = 0
    sure: int = 0
    sure_and_right: int = 0
    wrong: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """A row of the table in the document."""
        surely = f"{self.sure_and_right} of {self.sure} ({_share(self.sure_and_right, self.sure)})"
        return f"| {name} | {self.cases} | {self.right} ({_share(self.right, self.cases)}) | {surely} |"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def measured(cases: Iterable[Case], patterns: PatternSet | None = None) -> Figures:
    """Explain every case, with the built-in rules alone unless `patterns` are given."""
    figures = Figures()
    for case in cases:
        found = diagnose(case.data, patterns)
        right = bool(found.causes) and found.causes[0].name in (case.cause, *case.also)
        figures.cases += 1
        figures.right += right
        figures.sure += found.sure
        figures.sure_and_right += right and found.sure
        if not right:
            figures.wrong.append(f"{case.name}: {[cause.name for cause in found.causes]}, not {case.cause}")
    return figures


def table() -> str:
    """The figures, a row for each language and one for all."""
    cases = all_cases()
    rows = [
        measured(case for case in cases if case.language == language).row(language)
        for language in ("en", "ja", "ru", "de")
    ]
    head = (
        "| bounces in | number | right class | right, of those given with high confidence |\n| --- | --- | --- | --- |"
    )
    return "\n".join([head, *rows, measured(cases).row("all")])


if __name__ == "__main__":
    page = Path(__file__).parent.parent.parent / "docs" / "classes.md"
    page.write_text(renewed(page.read_text(encoding="utf-8"), table(), BEGIN, END), encoding="utf-8")
    print(table())
