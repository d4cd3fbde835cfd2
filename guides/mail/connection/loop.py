"""One background asyncio loop for a process of threads: it runs all connection tests, their legs side by side.

A synchronous view iterates over a test's stages as they come, hears a heartbeat while nothing does, and by closing
the iterator cancels the test and its sockets.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import selectors
import threading
import traceback
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from guides.mail.connection.tracebacks import without_locals

logger = logging.getLogger(__name__)

T = TypeVar("T")

CLOSING_SECONDS = 1.0
LOOK_SECONDS = 0.35  # how often it is asked whether a reader has left
LOOK_AGAIN_SECONDS = 0.1  # and while it seems so


class LoopClosed(RuntimeError):  # noqa: N818
    """The process is stopping; nothing more is run."""


@dataclass(frozen=True, slots=True)
class _End:
    """The last message of a job: it returned, or failed with `error`."""

    error: BaseException | None = None


class _Job(Generic[T]):
    """One task on the loop, as the thread that waits for it sees it."""

    def __init__(self, has_left: Callable[[], bool] | None) -> None:
        self.messages: queue.SimpleQueue[list[T] | _End] = queue.SimpleQueue()
        self._has_left = has_left
        self._looking: asyncio.TimerHandle | None = None
        self._gathered: list[T] = []
        self._sending: asyncio.TimerHandle | None = None
        self.done = threading.Event()
        self.task: asyncio.Task[None] | None = None
        self._cancelled = False

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs on the loop."""
        self.task = asyncio.get_running_loop().create_task(work)
        self.task.add_done_callback(self._finish)
        if self._has_left is not None:
            self._look(self._has_left)
        if self._cancelled:
            self.task.cancel()

    def _look(self, has_left: Callable[[], bool]) -> None:
        """Wake the reader's thread when nobody seems to read any more: the thread finds out whether that is so."""
        seems_gone = has_left()
        if seems_gone:
            self.messages.put([])
        seconds = LOOK_AGAIN_SECONDS if seems_gone else LOOK_SECONDS
        self._looking = asyncio.get_running_loop().call_later(seconds, self._look, has_left)

    def put(self, item: T, patience: float) -> None:
        """Hand an item over within `patience` seconds, together with others. Runs on the loop."""
        self._gathered.append(item)
        if patience <= 0:
            self._send()
        elif self._sending is None:
            self._sending = asyncio.get_running_loop().call_later(patience, self._send)

    def _send(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        if self._gathered:
            self.messages.put(self._gathered)
            self._gathered = []

    def cancel(self) -> None:
        """Runs on the loop."""
        self._cancelled = True
        if self.task is not None:
            self.task.cancel()

    def _finish(self, task: asyncio.Task[None]) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._send()
        # A transport closes in a callback that its last close() queued, so before this one.
        self.messages.put(_End(LoopClosed() if task.cancelled() else task.exception()))
        self.done.set()


class BackgroundLoop:
    """A daemon thread with an asyncio loop; started at first use, and anew in a forked child."""

    _lock: threading.Lock
    _loop: asyncio.AbstractEventLoop | None
    _thread: threading.Thread | None

    def __init__(self) -> None:
        self.courtesy: Callable[[], None] = lambda: None  # called at each turn: it may wait a little for other threads
        self._forget()
        # A child has neither the thread nor a lock that anybody will release.
        method = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (forget := method()) and forget())

    def stream(self, make: Callable[[], AsyncIterator[T]], heartbeat: float) -> Iterator[T | None]:
        """Yield what `make()` yields, as it comes, and else as `batches` does."""
        with closing(self.batches(make, heartbeat)) as batches:
            for batch in batches:
                if batch is None:
                    yield None
                else:
                    yield from batch

    def batches(
        self,
        make: Callable[[], AsyncIterator[T]],
        heartbeat: float,
        patience: Callable[[T], float] = lambda _: 0.0,
        has_left: Callable[[], bool] | None = None,
    ) -> Batches[T]:
        """Start `make()`, and return lists of what it yields; None whenever `heartbeat` seconds pass without anything.

        `patience` says how many seconds an item may wait for others to come with it: each list wakes a thread.
        `has_left`, asked on the loop several times a second, says whether the reader seems to be gone; while it does,
        None comes as often. It must be quick, and not wait.
        Closing the iterator cancels the work and returns when its sockets are closed, after CLOSING_SECONDS at most.
        What the work raises is raised here, with the local variables of its frames cleared.
        """
        job: _Job[T] = _Job(has_left)

        async def pump() -> None:
            async for item in make():
                job.put(item, patience(item))

        loop = self._started()
        loop.call_soon_threadsafe(job.start, pump())
        return Batches(loop, job, heartbeat)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result. An interruption of this thread cancels it."""

        async def boxed() -> AsyncIterator[tuple[T]]:
            yield (await work,)

        try:
            results = [box[0] for box in self.stream(boxed, heartbeat=CLOSING_SECONDS) if box is not None]
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

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._loop = None
        self._thread = None
        self._closed = False

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise LoopClosed
            if self._loop is None:
                loop = asyncio.SelectorEventLoop(_PoliteSelector(lambda: self.courtesy()))
                loop.set_exception_handler(_log_without_values)
                self._thread = threading.Thread(target=_serve, args=(loop,), name="connection-tests", daemon=True)
                self._thread.start()
                self._loop = loop
            return self._loop


class Batches(Generic[T]):
    """The items of a job that runs, in lists, for one thread to read."""

    def __init__(self, loop: asyncio.AbstractEventLoop, job: _Job[T], heartbeat: float) -> None:
        self._loop = loop
        self._job = job
        self._heartbeat = heartbeat

    def __iter__(self) -> Iterator[list[T] | None]:
        try:
            while True:
                try:
                    message = self._job.messages.get(timeout=self._heartbeat)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(message, _End):
                    if message.error is not None:
                        raise without_locals(message.error)
                    return
                yield message or None
        finally:
            self.close()

    def close(self) -> None:
        """Cancel a job that has not ended, and wait a little for its end."""
        if self._job.done.is_set():
            return
        with suppress(RuntimeError):  # the loop may have been closed this very moment, and all its work with it
            self._loop.call_soon_threadsafe(self._job.cancel)
        self._job.done.wait(CLOSING_SECONDS)


class _PoliteSelector(selectors.DefaultSelector):
    """Between waiting for sockets and working on what came, it lets others go first."""

    def __init__(self, courtesy: Callable[[], None]) -> None:
        super().__init__()
        self._courtesy = courtesy

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As ever, and then the courtesy."""
        ready = super().select(timeout)
        self._courtesy()
        return ready


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
    """The loop's own complaints. asyncio's handler writes the arguments of callbacks; this one writes no value."""
    error: BaseException | None = context.get("exception")
    what = "a callback failed" if "handle" in context else context["message"]
    place = traceback.extract_tb(error.__traceback__)[-1:] if error is not None else []
    where = f" at {place[0].filename}:{place[0].lineno}" if place else ""
    logger.error("%s: %s%s", what, type(error).__name__, where)
