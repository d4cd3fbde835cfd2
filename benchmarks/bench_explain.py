"""Explaining a pasted text: what many patterns cost, and what the engine adds to RE2's own work."""

from __future__ import annotations

import random
from pathlib import Path

import re2
import yaml

from benchmarks.figures import Ratio, milliseconds, side_by_side
from guides.mail.diagnosis.explain import diagnose
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.diagnosis.scanning import OPTIONS

LIBRARY = Path(__file__).parent.parent / "guides" / "library" / "errors"
TYPICAL = (
    "An error occurred while sending mail. The mail server responded:\n"
    "550-5.7.26 Your email has been blocked because the sender is unauthenticated.\n"
    "550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.\n"
    "550 5.7.26 For instructions, go to https://support.google.com/mail/answer/81126 - gsmtp.\n"
    "Please check the message and try again."
)
WORDS = ("mailbox", "server", "refused", "login", "denied", "account", "relay", "quota", "policy", "host", "sender")


def _library() -> list[str]:
    """The expressions of the library, in their order."""
    found = []
    for path in sorted(LIBRARY.glob("*/article.yaml")):
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        found += [row["pattern"] for row in entry.get("patterns") or ()]
    return found


def _patterns(count: int) -> PatternSet:
    """`count` patterns: the library's, filled up with ones of the same make that find nothing in the text."""
    expressions = _library()[:count]
    chance = random.Random(8)
    while len(expressions) < count:
        words = " ".join(chance.choice(WORDS) for _ in range(4))
        expressions.append(rf"(?i){words}( \w+)? [\[(]?{chance.randrange(10**6)}\.\d+")
    return PatternSet(Pattern(f"p{number}", text, "smtp.other") for number, text in enumerate(expressions))


def run() -> list[Ratio]:
    """300 and 10,000 patterns side by side; the engine beside bare scans of the same patterns."""
    few, many = _patterns(300), _patterns(10_000)
    for patterns in (few, many):
        diagnose(TYPICAL, patterns)
    small, large = side_by_side(lambda: diagnose(TYPICAL, few), lambda: diagnose(TYPICAL, many), 20)

    compiled = [re2.compile(pattern.expression, OPTIONS) for pattern in few]
    line = " ".join(TYPICAL.split())
    bare, whole = side_by_side(
        lambda: [expression.search(line) for expression in compiled], lambda: diagnose(TYPICAL, few), 20
    )
    every = [re2.compile(pattern.expression, OPTIONS) for pattern in many]
    bare_many, whole_many = side_by_side(
        lambda: [expression.search(line) for expression in every], lambda: diagnose(TYPICAL, many), 3
    )
    options = re2.Options()
    options.max_mem = 256 << 20
    joint = re2.Set.SearchSet(options)
    for pattern in few:
        joint.Add(pattern.expression)
    joint.Compile()
    automaton, again = side_by_side(lambda: joint.Match(line), lambda: diagnose(TYPICAL, few), 20)
    return [
        Ratio("10,000 patterns against 300, a typical text", large / small, 3, note=_note(large, small)),
        Ratio("explain against a bare RE2 scan of the same 300 patterns", whole / bare, 3, note=_note(whole, bare)),
        Ratio(
            "explain against a bare RE2 scan of 10,000", whole_many / bare_many, 3, note=_note(whole_many, bare_many)
        ),
        Ratio("explain against one pass of re2.Set over 300", again / automaton, note=_note(again, automaton)),
    ]


def _note(one: float, other: float) -> str:
    return f"{milliseconds(one)} / {milliseconds(other)}"
