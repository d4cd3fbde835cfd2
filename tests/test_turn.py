"""The turn: handed over in the order of the lines, and never lost."""

from __future__ import annotations

import threading
import time

from guides.crowd.turn import Turn


def waiting(turn: Turn, line: int, name: str, order: list[str]) -> threading.Thread:
    """A thread that stands in a line by the time this returns."""

    def wait() -> None:
        assert turn.take(line, 5)
        order.append(name)
        turn.give_back()

    stands = sum(map(len, turn._lines)) + 1
    thread = threading.Thread(target=wait)
    thread.start()
    while sum(map(len, turn._lines)) < stands:
        time.sleep(0.001)
    return thread


def test_the_first_line_goes_first_and_each_in_its_order() -> None:
    turn, order = Turn(2), []
    assert turn.take(1, 5)
    threads = [waiting(turn, line, name, order) for line, name in ((1, "c"), (0, "a"), (1, "d"), (0, "b"))]
    assert turn.is_taken
    turn.give_back()
    for thread in threads:
        thread.join(5)
    assert order == ["a", "b", "c", "d"]
    assert not turn.is_taken


def test_who_has_waited_long_enough_goes_without_it() -> None:
    turn, order = Turn(1), []
    assert turn.take(0, 5)
    assert not turn.take(0, 0.01)
    assert not any(turn._lines)
    thread = waiting(turn, 0, "a", order)
    turn.give_back()
    thread.join(5)
    assert order == ["a"]
    assert not turn.is_taken


def test_one_at_a_time_and_nothing_is_lost() -> None:
    turn, inside, most = Turn(2), 0, 0

    def work(line: int) -> None:
        nonlocal inside, most
        for _ in range(200):
            if turn.take(line, 0.0005):
                inside += 1
                most = max(most, inside)
                inside -= 1
                turn.give_back()

    threads = [threading.Thread(target=work, args=(number % 2,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == 1
    assert not turn.is_taken
    assert not any(turn._lines)
