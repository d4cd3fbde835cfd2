"""Single flight: concurrent calls with the same key share one execution. Results are not cached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """The running tasks by key. Safe to use from several event loops; calls share only within one loop."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[asyncio.Task[T], list[object]]] = {}

    async def join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result or the exception of `work`, which is started unless a task for `key` is running.

        A cancelled caller stops waiting; when the last one is cancelled, so is the task.
        """
        key = asyncio.get_running_loop(), key
        if key not in self._running:
            self._running[key] = asyncio.create_task(work()), []
        task, waiting = self._running[key]
        waiter = object()
        waiting.append(waiter)
        try:
            return await asyncio.shield(task)
        finally:
            waiting.remove(waiter)
            if not waiting:
                del self._running[key]
                if not task.done():
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)  # let it close its connections
