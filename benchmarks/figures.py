"""What a benchmark comes to: ratios within one run, as times differ between machines."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Ratio:
    """`value` is measured; `limit` is promised, at most (or at least, where `at_least`). None: nothing is promised."""

    name: str
    value: float
    limit: float | None = None
    at_least: bool = False
    note: str = ""  # the times behind it

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def seconds(work: Callable[[], object], times: int, rounds: int = 5) -> float:
    """The median time of one call, over `rounds` rounds of `times` calls, without the garbage collector's pauses."""
    work()
    taken = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            began = perf_counter()
            for _ in range(times):
                work()
            taken.append((perf_counter() - began) / times)
    finally:
        gc.enable()
    return median(taken)


def side_by_side(
    one: Callable[[], object], other: Callable[[], object], times: int, rounds: int = 7
) -> tuple[float, float]:
    """The median times of two works that take turns, so that a busy machine slows both."""
    pairs = [(seconds(one, times, 1), seconds(other, times, 1)) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def milliseconds(value: float) -> str:
    """A time for a note."""
    return f"{value * 1000:.3g} ms"
