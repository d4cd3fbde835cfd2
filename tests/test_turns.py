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
from guides.crowd.turns import Turns, admitted, arriving, at_the_door, page_work, resting


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_courtesy", Courtesy())
    monkeypatch.setattr(turns, "_loops_courtesy", Courtesy())


def test_a_turn_is_a_courtesy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who hangs in their turn, say for a database that does not answer, holds nobody up for long."""
    monkeypatch.setattr(turns._turn, "longest", 0.02)
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
        held = turns._has_turn()
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


def test_who_comes_to_the_door_is_begun_in_their_turn_and_gives_it_back_when_the_answer_begins() -> None:
    seen, begun = Seen(), []
    with page_work():
        at_the_door(begun.append)
        assert begun == []
        assert arriving() == 1
    assert len(begun) == 1
    with admitted(begun[0]):
        assert ask(Turns(seen), "POST", "/en/test/", b"abc") == [b"answer"]
        assert not turns._turn.is_taken  # the answer is told in its own time
    assert seen.calls == [(1, True, False, b"abc")]
    assert arriving() == 0


def test_who_waits_for_their_turn_is_counted_once() -> None:
    def waits() -> None:
        ask(Turns(Seen()), "POST", "/en/test/", b"abc")

    thread = threading.Thread(target=waits)
    with page_work():
        at_the_door(lambda token: turns._turn.give_back(token))
        thread.start()
        while len(turns._turn._lines[0]) < 2:
            time.sleep(0.001)
        assert arriving() == 2
    thread.join(5)
    assert arriving() == 0


def test_who_was_begun_and_never_came_to_ask_gives_the_turn_back() -> None:
    begun: list[int] = []
    at_the_door(begun.append)
    with pytest.raises(ValueError, match="no request"), admitted(begun[0]):
        raise ValueError("no request")
    assert not turns._turn.is_taken


def test_nobody_at_the_door_waits_for_somebody_who_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns._turn, "longest", 0.02)
    begun: list[int] = []
    with page_work():
        at_the_door(begun.append)
        time.sleep(0.03)
        turns.look_after()
        assert len(begun) == 1
    with admitted(begun[0]):
        pass
    assert not turns._turn.is_taken


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
