"""What many ask for at the same moment is made once for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TypeVar

from guides.crowd.turns import give_way, is_crowded

T = TypeVar("T")

MOMENT = 3.0  # seconds
MAKING = 1.0  # seconds for which others get the old one while somebody makes it anew


class Moments:
    """Things by their keys, each with the time until which it serves others.

    A key names what is made, and decides its type. Nobody changes what they get: others have it, too.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Hashable, tuple[float, object]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], T], serves: Callable[[T], bool] = lambda _: True) -> T:
        """What `make` returns: made now, or in a crowd, by somebody within the last moments.

        `serves` says whether it may be given to others.
        """
        give_way()
        now = time.monotonic()
        until, value = self._kept.get(key, (0.0, None))
        if is_crowded():
            if now < until:
                return value  # type: ignore[return-value]
            if until:
                self._kept[key] = now + MAKING, value
        made = make()
        if not serves(made):
            self._kept.pop(key, None)
            return made
        if len(self._kept) >= self._most and key not in self._kept:
            self._kept.clear()
        self._kept[key] = time.monotonic() + MOMENT, made
        return made


_things = Moments(most=1000)


def once_a_moment(key: Hashable, load: Callable[[], T], serves: Callable[[T], bool] = lambda _: True) -> T:
    """What `load` returns, for all who need the same row, table or text in a crowd."""
    return _things.get(key, load, serves)
