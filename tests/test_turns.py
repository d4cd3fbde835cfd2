"""Turns: requests for tests one at a time and readers first; what tests need is loaded once for a crowd."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest

from guides import budgets
from guides.crowd import readers, turns
from guides.crowd.readers import Courtesy, reading
from guides.crowd.turns import Turns, arriving, once_a_moment, page_work, resting


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    turns._kept.clear()
    monkeypatch.setattr(turns, "_courtesy", Courtesy())
    monkeypatch.setattr(turns, "_loops_courtesy", Courtesy())


def test_in_the_calm_everything_is_loaded_anew() -> None:
    loads: list[int] = []
    for _ in range(3):
        once_a_moment("x", lambda: loads.append(1))
    assert len(loads) == 3


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
    assert not turns._turn.is_taken


class Slow:
    """A body that does not come."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.comes = threading.Event()

    def read(self, size: int) -> bytes:
        self.asked.set()
        self.comes.wait(5)
        return b"x" * size


def environ(method: str, path: str, body: Any = b"", length: str | None = None) -> dict[str, Any]:
    source = BytesIO(body) if isinstance(body, bytes) else body
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)) if length is None else length,
        "wsgi.input": source,
    }


class Seen:
    """An application that notes how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, bool, bool, bytes]] = []

    def __call__(self, environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        held = getattr(turns._mine, "held", False)
        reads = not readers._nobody_reads.is_set()
        body = environ["wsgi.input"].read(3) if environ["CONTENT_LENGTH"] else b""
        self.calls.append((arriving(), held, reads, body))
        return [b"answer"]


def ask(application: Turns, *request: Any, **more: Any) -> Iterable[bytes]:
    return application(environ(*request, **more), lambda *_: lambda _: None)


def test_who_reads_is_a_reader_and_who_tests_has_a_turn() -> None:
    seen = Seen()
    application = Turns(seen)
    assert ask(application, "GET", "/en/guides/") == [b"answer"]
    assert ask(application, "POST", "/en/test/", b"abc") == [b"answer"]
    ask(application, "POST", "/en/settings/", b"abc")
    ask(application, "POST", "/en/test/", b"abc", length=str(turns.LONGEST_FORM + 1))
    ask(application, "POST", "/en/test/", length="")
    assert seen.calls == [
        (0, False, True, b""),
        (1, True, False, b"abc"),
        (0, False, False, b"abc"),
        (0, False, False, b"abc"),  # too long to be taken in beforehand: it waits for its turn in the view
        (0, False, False, b""),
    ]
    assert arriving() == 0
    assert readers._nobody_reads.is_set()


def test_a_form_that_does_not_come_has_no_turn() -> None:
    seen, slow = Seen(), Slow()
    application = Turns(seen)
    thread = threading.Thread(target=lambda: ask(application, "POST", "/en/test/", slow, length="3"))
    thread.start()
    slow.asked.wait(5)
    ask(application, "POST", "/en/test/", b"abc")
    assert [body for *_, body in seen.calls] == [b"abc"]
    slow.comes.set()
    thread.join(5)
    assert [body for *_, body in seen.calls] == [b"abc", b"xxx"]


def test_who_waits_for_something_else_gives_the_turn_away() -> None:
    done: list[str] = []

    def other() -> None:
        with page_work():
            done.append("other")

    with page_work(), page_work():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.05)
        assert not done
        with resting():
            thread.join(5)
            assert done == ["other"]
        assert turns._turn.is_taken
    assert not turns._turn.is_taken
    with resting():
        assert not turns._turn.is_taken


def test_the_turn_is_given_back_whatever_happens() -> None:
    def broken(*_: object) -> Iterable[bytes]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ask(Turns(broken), "POST", "/en/test/", b"abc")
    assert not turns._turn.is_taken
    assert arriving() == 0
    with pytest.raises(RuntimeError):
        ask(Turns(broken), "GET", "/en/test/")
    assert readers._nobody_reads.is_set()


def seconds_of(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def test_courtesy_takes_half_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "LONGEST", 0.05)
    courtesy = Courtesy()
    with reading():
        waited = [seconds_of(courtesy) for _ in range(3)]
    assert waited[0] >= 0.05
    assert max(waited[1:]) < 0.04
    assert seconds_of(Courtesy()) < 0.04  # nobody reads any more


def test_a_page_that_takes_long_is_no_readers_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may wait for the loop that would wait for it."""
    monkeypatch.setattr(readers, "LONGEST", 0.05)
    with reading():
        assert seconds_of(Courtesy()) >= 0.05
        monkeypatch.setattr(readers, "LONGEST_PAGE", -1.0)
        assert seconds_of(Courtesy()) < 0.04


def test_a_turn_begins_after_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "LONGEST", 0.05)

    def take_a_turn() -> None:
        with page_work():
            pass

    with reading():
        assert seconds_of(take_a_turn) >= 0.05
    assert seconds_of(take_a_turn) < 0.04


def test_the_loop_lets_readers_go_first_in_a_crowd_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "LONGEST", 0.05)
    with reading():
        assert seconds_of(turns.let_readers_go_first) < 0.04
        monkeypatch.setattr(budgets, "tests_under_way", lambda: turns.CROWD)
        assert seconds_of(turns.let_readers_go_first) >= 0.05
