"""Time limits for visitors' connections: gunicorn's `gthread` has none of its own once the first byte is there.

Without them 256 connections with an unfinished request occupy all threads for as long as they stay open
(docs/decisions/0011-time-limits-of-connections.md).
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

# Seconds. Requests that wait for a thread must not get their time one after the other, so it runs while they wait.
HEAD_SECONDS = 10.0  # for a request's head, from the connection's start or from the head's first byte
REQUEST_SECONDS = 20.0  # for the head and the body: 1.1 MB, the most that a form may hold, at 440 kbit/s
SEND_SECONDS = 20.0  # for each piece of an answer
# Octets of answers that the system keeps for a visitor who does not read (Linux doubles it). By itself it keeps up to
# 4 MB: 400 visitors who ask for page after page over their connections made a process busy for more than a minute.
SEND_BUFFER_BYTES = 65_536

WHOLE_BODY_BYTES = 1_200_000  # a longer body is refused by each page, which reads past it


class ClientSocket(socket.socket):
    """A visitor's connection. What exceeds a limit looks to gunicorn as if the visitor had reset the connection."""

    _started: float | None = None  # when the request that is being received began (monotonic)
    _seconds = HEAD_SECONDS

    def begin(self, seconds: float) -> None:
        """A request begins: the time limit for all that is received until something is sent."""
        self._started, self._seconds = time.monotonic(), seconds

    def expect_body(self) -> None:
        """Its head is there: from now on the whole request's time limit holds."""
        self._seconds = REQUEST_SECONDS

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """What has arrived. Raises ConnectionResetError after the time limit; what had arrived before is read first."""
        own = self.gettimeout()
        if self._started is None:
            self.begin(HEAD_SECONDS)
        left = max((self._started or 0) + self._seconds - time.monotonic(), 0)
        self.settimeout(left if own is None else min(left, own))
        try:
            return super().recv(size, flags)
        except (BlockingIOError, TimeoutError):
            raise _too_slow() from None
        finally:
            self.settimeout(own)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all. Raises ConnectionResetError after the time limit. The next request has a new one."""
        self._started = None
        self.settimeout(SEND_SECONDS)
        try:
            super().sendall(data, flags)
        except TimeoutError:
            raise _too_slow() from None

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file. The time limit is for each piece that the system takes."""
        self._started = None
        self.settimeout(SEND_SECONDS)
        try:
            return super().sendfile(file, offset, count)
        except TimeoutError:
            raise _too_slow() from None

    def shutdown(self, how: int, /) -> None:
        """Half-close. gunicorn then waits in its accepting thread for the visitor's end, 2 s each: it must not."""
        self.begin(0)
        super().shutdown(how)


class ListeningSocket(socket.socket):
    """Takes over a listening socket; its connections have time limits."""

    @classmethod
    def taken_from(cls, other: Any) -> ListeningSocket:
        """The other one is closed by it."""
        taken = cls(fileno=other.detach())
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)  # its connections get the same
        return taken

    def accept(self) -> tuple[ClientSocket, Any]:
        """The next connection. The time limit of its first request runs from here, while it waits for a thread too."""
        accepted, address = super().accept()
        client = ClientSocket(fileno=accepted.detach())
        client.begin(HEAD_SECONDS)
        return client, address


def stop_accepting(worker: Any, begin_stop: Callable[[], None]) -> None:
    """Let a worker that stops take the connections that wait, and close its listening sockets at once.

    gunicorn's `gthread` keeps them open until its last request has ended: the system goes on to accept connections that
    no process answers, and a proxy's readers hang for as long as a test takes (measured: 22 s).
    """
    set_accept_enabled = worker.set_accept_enabled

    def and_close(enabled: bool) -> None:
        set_accept_enabled(enabled)
        if worker.alive or not worker.sockets:
            return
        begin_stop()
        for listener in worker.sockets:
            taken = -1
            while taken != worker.nr_conns:  # `accept` returns without a connection when none waits
                taken = worker.nr_conns
                worker.accept(listener)
            listener.close()
        worker.sockets = []

    worker.set_accept_enabled = and_close


def _too_slow() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the visitor was too slow")


def with_whole_bodies(application: WSGIApplication) -> WSGIApplication:
    """The application, which only hears of requests whose body has arrived whole.

    One that ends early or is late is dropped: gunicorn would hand it on as if it were complete.
    """

    def whole(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        client = environ.get("gunicorn.socket")
        if isinstance(client, ClientSocket):
            client.expect_body()
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or not 0 < int(length) <= WHOLE_BODY_BYTES:
            return application(environ, start_response)
        body = _received(environ["wsgi.input"], int(length))
        if body is None:
            start_response("408 Request Timeout", [("Content-Length", "0")])
            return [b""]
        environ["wsgi.input"] = body
        return application(environ, start_response)

    return whole


def _received(stream: InputStream, length: int) -> BytesIO | None:
    """A body; None when it ended early or was late. Error reports show variables, and it may hold a password."""
    try:
        body = stream.read(length)
    except OSError:
        return None
    return BytesIO(body) if len(body) == length else None
