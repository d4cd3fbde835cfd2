"""One background asyncio loop for a process of threads: it runs all connection tests, their legs side by side.

A synchronous view iterates over a test's stages as they come, gets an empty list as a heartbeat while none does, and by
closing the iterator cancels the test and its sockets.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import closing, suppress
from typing import Any, Generic, TypeVar

from guides.mail.connection.tracebacks import without_locals

logger = logging.getLogger(__name__)

T = TypeVar("T")

CLOSING_SECONDS = 1.0


class LoopClosed(RuntimeError):  # noqa: N818
    """The process is stopping; nothing more is run."""


class _End:
    """The last message of a stream: its work returned, or failed with `error`."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Stream(Generic[T]):
    """What a running job yields, for one thread to iterate over. Made by `BackgroundLoop.stream`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, make: Callable[[], AsyncIterator[T]], heartbeat: float) -> None:
        self._loop = loop
        self._heartbeat = heartbeat
        self._messages: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._task: asyncio.Task[None] | None = None
        loop.call_soon_threadsafe(self._start, make)

    def __iter__(self) -> Iterator[list[T]]:
        return self

    def __next__(self) -> list[T]:
        items: list[T] = []
        with suppress(queue.Empty):
            message = self._messages.get(timeout=self._heartbeat)
            while not isinstance(message, _End):
                items.append(message)
                message = self._messages.get_nowait()  # each wake-up of the reader costs more than an item
            self._messages.put(message)  # the end is told after the items, and again to a reader that asks again
            if not items:
                if message.error is not None:
                    raise without_locals(message.error)
                raise StopIteration
        return items

    def close(self) -> None:
        """Cancel work that has not ended, and wait until its sockets are closed, CLOSING_SECONDS at most."""
        if self._ended.is_set():
            return
        with suppress(RuntimeError):  # the loop may have been closed this very moment, and all its work with it
            self._loop.call_soon_threadsafe(self._cancel)
        self._ended.wait(CLOSING_SECONDS)

    # What follows runs on the loop.

    def _start(self, make: Callable[[], AsyncIterator[T]]) -> None:
        self._task = asyncio.create_task(self._pump(make))
        self._task.add_done_callback(self._finish)

    async def _pump(self, make: Callable[[], AsyncIterator[T]]) -> None:
        async for item in make():
            self._messages.put(item)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _finish(self, task: asyncio.Task[None]) -> None:
        # A transport closes in a callback that its last close() scheduled, so before this one.
        self._messages.put(_End(LoopClosed() if task.cancelled() else task.exception()))
        self._ended.set()


class BackgroundLoop:
    """A daemon thread with an asyncio loop, started at its first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def stream(self, make: Callable[[], AsyncIterator[T]], heartbeat: float) -> Stream[T]:
        """Start `make()`; iterating yields lists of what has come, an empty one after `heartbeat` seconds of nothing.

        The caller closes it, which cancels the work. What the work raises is raised to the reader, with the local
        variables of its frames cleared. Raises LoopClosed.
        """
        return Stream(self._started(), make, heartbeat)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result. An interruption of this thread cancels it."""

        async def boxed() -> AsyncIterator[tuple[T]]:
            yield (await work,)

        try:
            with closing(self.stream(boxed, heartbeat=CLOSING_SECONDS)) as stream:
                results = [box[0] for boxes in stream for box in boxes]
        except LoopClosed:
            work.close()
            raise
        return results[0]

    def close(self) -> None:
        """Cancel all work and end the thread. For the end of the process, and of tests."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(CLOSING_SECONDS * 2)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise LoopClosed
            if self._loop is None:
                loop = asyncio.new_event_loop()
                loop.set_exception_handler(_log_without_values)
                self._thread = threading.Thread(target=_serve, args=(loop,), name="connection-tests", daemon=True)
                self._thread.start()
                self._loop = loop
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """The thread: run until stopped, then cancel what still runs."""
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=CLOSING_SECONDS))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _log_without_values(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log the loop's own complaints. asyncio's handler writes the arguments of callbacks; this one writes no value."""
    error: BaseException | None = context.get("exception")
    what = "a callback failed" if "handle" in context else context["message"]
    place = traceback.extract_tb(error.__traceback__)[-1:] if error is not None else []
    where = f" at {place[0].filename}:{place[0].lineno}" if place else ""
    logger.error("%s: %s%s", what, type(error).__name__, where)
