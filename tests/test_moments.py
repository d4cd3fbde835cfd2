"""What many ask for at the same moment: made once in a crowd, and each time in the calm."""

from __future__ import annotations

import time

import pytest

from guides import budgets
from guides.crowd import moments, turns
from guides.crowd.moments import Moments


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "tests_under_way", lambda: turns.CROWD)


def test_in_the_calm_everything_is_made_anew() -> None:
    kept, made = Moments(10), []
    for _ in range(3):
        kept.get("x", lambda: made.append(1))
    assert len(made) == 3


@pytest.mark.usefixtures("crowd")
def test_a_crowd_makes_it_once_a_moment(clock: Clock) -> None:
    kept = Moments(10)
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    assert [kept.get(name, lambda name=name: make(name)) for name in ("a", "b", "a", "b")] == ["a", "b", "a", "b"]
    assert made == ["a", "b"]
    clock.now += moments.MOMENT
    assert kept.get("a", lambda: make("a")) == "a"
    assert made == ["a", "b", "a"]


@pytest.mark.usefixtures("crowd")
def test_while_it_is_made_anew_others_get_the_old_one(clock: Clock) -> None:
    kept = Moments(10)
    kept.get("x", lambda: "old")
    clock.now += moments.MOMENT
    meanwhile: list[str] = []

    def slow() -> str:
        meanwhile.append(kept.get("x", lambda: "another"))
        return "new"

    assert kept.get("x", slow) == "new"
    assert meanwhile == ["old"]
    assert kept.get("x", lambda: "another") == "new"


@pytest.mark.usefixtures("crowd")
def test_one_who_fails_to_make_it_leaves_it_to_the_next(clock: Clock) -> None:
    kept = Moments(10)
    kept.get("x", lambda: "old")
    clock.now += moments.MOMENT

    def broken() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        kept.get("x", broken)
    clock.now += moments.MAKING
    assert kept.get("x", lambda: "new") == "new"


@pytest.mark.usefixtures("crowd", "clock")
def test_what_does_not_serve_others_is_not_kept() -> None:
    kept = Moments(10)
    assert kept.get("x", lambda: 1, lambda _: False) == 1
    assert kept.get("x", lambda: 2) == 2
    assert len(kept) == 1


@pytest.mark.usefixtures("crowd", "clock")
def test_how_much_is_kept_is_bounded() -> None:
    kept = Moments(10)
    for number in range(25):
        kept.get(number, lambda: 1)
    assert len(kept) == 5
