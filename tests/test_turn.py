"""The turn itself: lines, bells, those who are started, and those who hang in it."""

from __future__ import annotations

import threading
import time

from guides.crowd.turn import Turn


def test_one_has_it_at_a_time_and_the_first_line_goes_first() -> None:
    turn, order = Turn(lines=2, longest=30), []
    mine = turn.take(0)

    def wait(name: str, line: int) -> None:
        token = turn.take(line)
        order.append(name)
        turn.give_back(token)

    threads = []
    for number, (name, line) in enumerate([("late", 1), ("first", 0), ("second", 0)]):
        threads.append(threading.Thread(target=wait, args=(name, line)))
        threads[-1].start()
        while sum(map(len, turn._lines)) <= number:
            time.sleep(0.001)
    assert [len(line) for line in turn._lines] == [2, 1]
    assert order == []
    turn.give_back(mine)
    for thread in threads:
        thread.join(5)
    assert order == ["first", "second", "late"]
    assert not turn.is_taken


def test_who_is_started_has_it_at_once_or_from_whoever_gives_it_back() -> None:
    turn, begun = Turn(lines=1, longest=30), []
    turn.take_later(0, lambda token: begun.append(("free", token)))
    assert [name for name, _ in begun] == ["free"]
    turn.take_later(0, lambda token: begun.append(("waited", token)))
    assert [name for name, _ in begun] == ["free"]
    turn.give_back(begun[0][1])
    assert [name for name, _ in begun] == ["free", "waited"]
    assert turn.is_taken
    turn.give_back(begun[1][1])
    assert not turn.is_taken


def test_giving_it_back_twice_takes_it_from_nobody() -> None:
    turn = Turn(lines=1, longest=30)
    first = turn.take(0)
    turn.give_back(first)
    second = turn.take(0)
    turn.give_back(first)
    assert turn.is_taken
    turn.give_back(second)
    assert not turn.is_taken


def test_who_hangs_in_it_loses_it_to_the_next_and_gives_nothing_back_later() -> None:
    turn, begun = Turn(lines=1, longest=0.03), []
    hanging = turn.take(0)
    turn.take_later(0, begun.append)
    turn.look_after()
    assert begun == []  # not yet
    time.sleep(0.04)
    turn.look_after()
    assert len(begun) == 1
    turn.give_back(hanging)
    assert turn.is_taken  # by the one that was started
    turn.give_back(begun[0])
    assert not turn.is_taken


def test_a_thread_that_waits_looks_after_it_itself() -> None:
    turn = Turn(lines=1, longest=0.03)
    turn.take(0)  # and never given back
    began = time.monotonic()
    token = turn.take(0)
    assert 0.02 < time.monotonic() - began < 5
    turn.give_back(token)
    assert not turn.is_taken


def test_a_turn_that_nobody_waits_for_is_free_when_it_was_had_for_too_long() -> None:
    turn = Turn(lines=1, longest=0.0)
    turn.take(0)
    turn.look_after()
    assert not turn.is_taken
