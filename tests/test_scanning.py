"""Many expressions at once find what each finds by itself."""

import random

import pytest

from guides.mail.diagnosis import scanning
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.diagnosis.scanning import Scanner

WORDS = ["mailbox", "full", "relay", "denied", "user", "unknown", "4.2.2", "spam", "list"]


def test_it_works() -> None:
    scanner = Scanner(["full$", "^550", "денег"])
    assert scanner.hits("550 mailbox full") == [0, 1]
    assert scanner.hits("нет денег") == [2]
    assert scanner.span(0, "550 mailbox full") == (12, 16)
    assert scanner.span(2, "550 mailbox full") is None


@pytest.mark.parametrize("memory", [16 << 20, 1 << 14])
def test_portions_and_a_full_memory_change_nothing(monkeypatch: pytest.MonkeyPatch, memory: int) -> None:
    options = scanning._SET_OPTIONS
    before = options.max_mem
    options.max_mem = memory
    monkeypatch.setattr(scanning, "_PORTION", 60)
    chance = random.Random(8)
    expressions = [rf"{chance.choice(WORDS)} .*\w{{3,9}}" for _ in range(40)] + [f"(?i){word}" for word in WORDS]
    try:
        scanner = Scanner(expressions)
    finally:
        options.max_mem = before
    for _ in range(50):
        line = " ".join(chance.choice(WORDS) for _ in range(6))
        alone = [index for index in range(len(expressions)) if scanner.span(index, line) is not None]
        assert scanner.hits(line) == alone


def test_an_automaton_that_gives_up_is_noticed() -> None:
    class Silent:
        def Match(self, line: str) -> list[int]:  # noqa: N802 (RE2's own name)
            return []

    scanner = Scanner(["full", "relay"])
    scanner._portions = [(Silent(), [0, 1])]
    assert scanner.hits("relay denied") == [1]


def test_an_expression_too_large_for_a_portion_is_searched_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_PORTION", 50)
    scanner = Scanner(["full", r"(\w{1,200} ){3}denied", "relay"])
    assert scanner._alone == [1]
    assert scanner.hits("relay not in list denied") == [1, 2]


def test_all_patterns_of_a_line_come_in_their_order() -> None:
    own = Pattern("own", "denied", "auth.policy", provider="yahoo")
    broad = Pattern("broad", "relay", "smtp.relay_denied", priority=5)
    found = PatternSet([broad, own]).found("relay access denied")
    assert [(item.pattern.name, item.start, item.end) for item in found] == [("own", 13, 19), ("broad", 0, 5)]
