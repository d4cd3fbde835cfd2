"""Turns: what tests need is loaded once for a crowd, and always anew when it is calm."""

from __future__ import annotations

import threading
import time

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from guides import budgets
from guides.crowd import turns
from guides.crowd.turns import arriving, once_a_moment, page_work


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    turns._kept.clear()
    monkeypatch.setattr(turns, "_courtesy", turns.Courtesy())


def test_in_the_calm_everything_is_loaded_anew() -> None:
    loads: list[int] = []
    for _ in range(3):
        with arriving():
            once_a_moment("x", lambda: loads.append(1))
    assert len(loads) == 3
    assert not turns._arriving


def test_a_crowd_loads_once_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    monkeypatch.setattr(budgets, "tests_under_way", lambda: turns.CROWD)
    loads: list[str] = []

    def load(name: str) -> str:
        loads.append(name)
        return name

    assert [once_a_moment(name, lambda name=name: load(name)) for name in ("a", "b", "a", "b")] == ["a", "b", "a", "b"]
    assert loads == ["a", "b"]
    clock += turns.MOMENT
    assert once_a_moment("a", lambda: load("a")) == "a"
    assert loads == ["a", "b", "a"]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "tests_under_way", lambda: turns.CROWD)
    for number in range(turns.MOST_KEPT * 2):
        once_a_moment(number, lambda: 1)
    assert len(turns._kept) <= turns.MOST_KEPT + 1


def test_a_turn_is_a_courtesy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who hangs in their turn, say for a database that does not answer, holds nobody up for long."""
    monkeypatch.setattr(turns, "LONGEST_TURN", 0.02)
    held, done = threading.Event(), threading.Event()

    def hang() -> None:
        with page_work():
            held.set()
            done.wait(5)

    thread = threading.Thread(target=hang)
    thread.start()
    held.wait(5)
    with page_work(), page_work():
        pass
    done.set()
    thread.join(5)
    assert turns._turn.acquire(timeout=0.1)
    turns._turn.release()


def test_readers_go_first_but_hold_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch, rf: RequestFactory) -> None:
    monkeypatch.setattr(turns, "LONGEST_READER", 0.05)
    waited: list[float] = []

    def view(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with page_work():
            waited.append(time.perf_counter() - began)
        return HttpResponse()

    turns.readers_first(view)(rf.get("/en/guides/"))
    turns.readers_first(view)(rf.post("/en/test/"))
    assert waited[0] >= 0.05
    assert waited[1] < 0.05

    def broken(request: HttpRequest) -> HttpResponse:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        turns.readers_first(broken)(rf.get("/en/guides/"))
    assert turns._nobody_reads.is_set()


def test_courtesy_takes_half_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch, rf: RequestFactory) -> None:
    monkeypatch.setattr(turns, "LONGEST_READER", 0.05)
    courtesy = turns.Courtesy()
    waited: list[float] = []

    def view(request: HttpRequest) -> HttpResponse:
        for _ in range(3):
            began = time.perf_counter()
            courtesy()
            waited.append(time.perf_counter() - began)
        return HttpResponse()

    turns.readers_first(view)(rf.get("/en/guides/"))
    assert waited[0] >= 0.05
    assert max(waited[1:]) < 0.04


def test_the_loop_lets_readers_go_first_in_a_crowd_only(monkeypatch: pytest.MonkeyPatch, rf: RequestFactory) -> None:
    monkeypatch.setattr(turns, "LONGEST_READER", 0.05)
    courtesy = turns.Courtesy()
    waited: list[float] = []

    def view(request: HttpRequest) -> HttpResponse:
        for crowd in (0, turns.CROWD):
            monkeypatch.setattr(budgets, "tests_under_way", lambda crowd=crowd: crowd)
            began = time.perf_counter()
            courtesy.in_a_crowd()
            waited.append(time.perf_counter() - began)
        return HttpResponse()

    turns.readers_first(view)(rf.get("/en/guides/"))
    assert waited[0] < 0.04
    assert waited[1] >= 0.05
