"""Work that several want at the same moment is done once. Nothing is kept: who comes after its end starts it anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Work under way, by what it is for. May serve several event loops, each of which shares with itself only."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, tuple[asyncio.Task[T], list[object]]] = {}

    async def join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `work` returns or raises: begun now, or by somebody who waits for it already.

        Whoever is cancelled leaves; the last one to leave ends the work.
        """
        key = asyncio.get_running_loop(), key
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(work()), []
        task, waiting = self._under_way[key]
        me = object()
        waiting.append(me)
        try:
            return await asyncio.shield(task)
        finally:
            waiting.remove(me)
            if not waiting:
                del self._under_way[key]
                if not task.done():
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)  # what it opened is closed
