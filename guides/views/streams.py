"""The answer of a test that runs: events for htmx, or one page that grows, for browsers without JavaScript.

Both write something now and then while a server is silent: writing fails when the visitor has left, and that ends the
test. Under gunicorn the connection is looked at as well, so that it is written to only when the visitor seems to be
gone: two hundred threads that woke up twice a second took a tenth of a crowd's processor.
"""

from __future__ import annotations

import logging
import select
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from guides.views.running import RunningTest, TestPage

logger = logging.getLogger(__name__)

EVENT_STREAM = "text/event-stream; charset=utf-8"


class Connection(Protocol):
    """As much of a socket as is looked at."""

    def fileno(self) -> int: ...


class Answer(Protocol):
    """What a server reads in pieces, and closes when it has read all or the visitor has left."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """End the test, even when nobody has read the first piece."""


class EventStream:
    """An event for each batch of stages; the test runs from the beginning on."""

    def __init__(self, page: TestPage, running: RunningTest) -> None:
        self._page = page
        self._running = running

    def __iter__(self) -> Iterator[bytes]:
        yield event(self._page.skeleton())
        try:
            for batch in self._running:
                # A comment tells nobody anything, but writing it fails when the visitor has left.
                yield b":\n\n" if batch is None else b"".join(map(event, self._page.take(batch)))
            return
        except Exception as error:
            kind = type(error).__name__
        yield event(_broken(self._page, kind))

    def close(self) -> None:
        """End the test."""
        self._running.close()


class GrowingPage:
    """A page whose result comes when the test has ended; what stands before it is there at once."""

    def __init__(self, before: str, after: str, page: TestPage, running: RunningTest) -> None:
        self._before = before
        self._after = after
        self._page = page
        self._running = running

    def __iter__(self) -> Iterator[bytes]:
        yield self._before.encode()
        try:
            for batch in self._running:
                for item in batch or ():
                    self._page.note(item)
                yield b"\n"
            html = self._page.whole()
        except Exception as error:
            kind = type(error).__name__
            html = ""
        yield (html or _broken(self._page, kind)).encode()
        yield self._after.encode()

    def close(self) -> None:
        """End the test."""
        self._running.close()


def departure(environ: Mapping[str, Any]) -> Callable[[], bool] | None:
    """A function that says whether the other side has ended its half of the connection; None outside gunicorn.

    Somebody may still read (a half-closed connection), so that it is a reason to write something, and no more.
    """
    connection: Connection | None = environ.get("gunicorn.socket")
    if connection is None:
        return None

    def has_left() -> bool:
        number = connection.fileno()
        if number < 0:  # closed by this side
            return False
        poll = select.poll()
        poll.register(number, select.POLLRDHUP)
        return bool(poll.poll(0))

    return has_left


def event(html: str) -> bytes:
    """HTML as one event of a stream."""
    if "\r" in html:  # a line of an event may end in that, too
        html = html.replace("\r\n", "\n").replace("\r", "\n")
    lines = html.strip().replace("\n", "\ndata: ")
    return f"data: {lines}\n\n".encode()


def _broken(page: TestPage, kind: str) -> str:
    # No message, no traceback, and outside the handler: a log record could show what the visitor typed.
    logger.error("a connection test broke off: %s", kind)
    return page.broken()
