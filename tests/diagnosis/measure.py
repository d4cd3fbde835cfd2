"""How often the first class and the owner are right, and how often a confidence means what it says.

`python -m tests.diagnosis.measure [--cases FILE.json] [--locked] [--wrong]`
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from guides.mail.diagnosis.explain import Explanation, diagnose
from guides.mail.diagnosis.judging import HIGH
from tests.bounces import all_cases
from tests.diagnosis import LOCKED, OPEN, Text, cases, written

UNKNOWN = "unknown.unknown"
_BINS = (0.0, 0.4, 0.55, 0.7, 0.8, 0.85, 0.9, 0.95, 1.01)


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer for a text, and whether its class and owner are right."""

    text: Text
    name: str
    owner: str
    confidence: float
    right: bool
    owner_right: bool


def answered(texts: Iterable[Text], explain: Callable[[str | bytes], Explanation] = diagnose) -> list[Answer]:
    """Explain every text, with the built-in rules alone unless `explain` uses more."""
    answers = []
    for text in texts:
        causes = explain(text.text).causes
        name, owner, confidence = (
            (causes[0].name, causes[0].owner.value, causes[0].confidence) if causes else (UNKNOWN, "provider", 0.0)
        )
        owner_right = not text.owners or owner in text.owners
        answers.append(Answer(text, name, owner, confidence, name in text.classes, owner_right))
    return answers


def row(name: str, answers: Sequence[Answer]) -> str:
    """A row of the table: texts, first class right, owner right, right of those given as sure."""
    sure = [answer for answer in answers if answer.confidence >= HIGH]
    with_owner = [answer for answer in answers if answer.text.owners]
    parts = (
        _share(sum(answer.right for answer in answers), len(answers)),
        _share(sum(answer.owner_right for answer in with_owner), len(with_owner)),
        _share(sum(answer.right for answer in sure), len(sure)),
    )
    return f"| {name} | {len(answers)} | {' | '.join(parts)} |"


def reliability(answers: Sequence[Answer]) -> list[tuple[str, int, float, float]]:
    """For each range of told confidence: the number of answers, the mean told, the share right."""
    found = []
    for low, high in pairwise(_BINS):
        inside = [answer for answer in answers if low <= answer.confidence < high and answer.name != UNKNOWN]
        if inside:
            told = sum(answer.confidence for answer in inside) / len(inside)
            right = sum(answer.right for answer in inside) / len(inside)
            found.append((f"{low:.2f} to {min(high, 1):.2f}", len(inside), told, right))
    return found


def own_corpus() -> list[Text]:
    """The corpus of bounces in `tests/bounces`."""
    return [Text(case.data, (case.cause, *case.also), (), "bounce", case.language) for case in all_cases()]


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "–"


def _print(name: str, texts: Sequence[Text], *, wrong: bool, split: bool = True) -> list[Answer]:
    answers = answered(texts)
    print(row(name, answers))
    if split:
        for group in dict.fromkeys(text.group for text in texts):
            print(row(f"{name}, {group}", [answer for answer in answers if answer.text.group == group]))
    if wrong:
        for answer in answers:
            if not (answer.right and answer.owner_right):
                text = (
                    answer.text.text
                    if isinstance(answer.text.text, str)
                    else answer.text.text.decode("utf-8", "replace")
                )
                wanted = f"{'|'.join(answer.text.classes)} {'|'.join(answer.text.owners)}"
                print(f"  {answer.confidence:.2f} {answer.name} {answer.owner}, not {wanted}: {text[-150:]!r}")
    return answers


def main() -> None:
    """Print the table and, for all texts together, how reliable a told confidence is."""
    parser = ArgumentParser()
    parser.add_argument("--cases", type=Path, help="a JSON list of texts with right_classes and owner")
    parser.add_argument("--locked", action="store_true", help="measure the locked third instead of the open texts")
    parser.add_argument("--wrong", action="store_true", help="print what is wrong; never with --locked")
    parser.add_argument("--own", action="store_true", help="measure the corpus of bounces as well")
    options = parser.parse_args()
    print("| texts | number | first class right | owner right | right, of the sure |\n| --- | --- | --- | --- | --- |")
    path = LOCKED if options.locked else OPEN
    answers = _print(path.stem, written(path), wrong=options.wrong and not options.locked) if path.exists() else []
    if options.cases:
        _print("cases", cases(options.cases), wrong=options.wrong, split=False)
    if options.own:
        _print("own corpus", own_corpus(), wrong=options.wrong, split=False)
    if answers:
        print("\n| told | answers | mean told | right |\n| --- | --- | --- | --- |")
        for name, number, told, right in reliability(answers):
            print(f"| {name} | {number} | {told:.2f} | {right:.2f} |")


if __name__ == "__main__":
    main()
