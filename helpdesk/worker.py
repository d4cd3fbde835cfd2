"""gunicorn's worker of threads, made ready for two hundred visitors who come at the same moment."""

from __future__ import annotations

import re
import selectors
import socket
import threading
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from guides.crowd import turns
from guides.crowd.readers import reading
from guides.crowd.turn import Token

FIRST_BYTES_SECONDS = 10.0  # how long a connection may stay silent before its first request
LOOKED_AT = 16 * 1024  # bytes; a request for a test is about one thousand

_TEST = re.compile(rb"POST /[^ ?]*" + re.escape(turns.TEST_PATH.encode()) + rb"[ ?]")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,6})\r\n", re.IGNORECASE)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Takes in all connections that wait, before tests go on; who asks for a test gets a thread when it is their turn.

    Each thread that wakes up stands in others' way. With a thread for each connection, two hundred of them took in
    their requests at the same time, and who came to read was somewhere among them.
    """

    def load_wsgi(self) -> None:
        """Load the application, and start all threads with what each of them needs of their own."""
        super().load_wsgi()
        from django.db import connections  # there are settings now

        everybody = threading.Barrier(self.cfg.threads + 1)

        def begin() -> None:
            for alias in connections:
                connections[alias].close()  # made, not opened
            everybody.wait()

        for _ in range(self.cfg.threads):
            self.tpool.submit(begin)
        everybody.wait()

    def accept(self, listener: Any) -> None:
        """Accept what waits at a listener, as far as there is room."""
        with reading():
            while self.nr_conns < self.worker_connections:
                before = self.nr_conns
                super().accept(listener)
                if self.nr_conns == before:  # nobody waits any more
                    break

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection to a thread when its first bytes are there, and when it is its turn."""
        if not conn.initialized and not conn.data_ready and not _peek(conn.sock, 1):
            self._wait_for_first_bytes(conn)
            return
        conn.data_ready = True  # nobody needs to wait for them again
        if asks_for_test(_peek(conn.sock, LOOKED_AT)):
            turns.at_the_door(partial(self._begin, conn))
        else:
            super().enqueue_req(conn)

    def murder_pending(self) -> None:
        """What is done about once a second."""
        super().murder_pending()
        turns.look_after()

    def _wait_for_first_bytes(self, conn: Any) -> None:
        conn.timeout = time.monotonic() + FIRST_BYTES_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _begin(self, conn: Any, token: Token) -> None:
        """As gunicorn does; but the thread has the turn. Called in any thread."""
        future = self.tpool.submit(self._handle_in_turn, conn, token)
        future.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def _handle_in_turn(self, conn: Any, token: Token) -> Any:
        with turns.admitted(token):
            return self.handle(conn)


def _peek(connection: socket.socket, size: int) -> bytes:
    """What a client has sent, as far as it has come; it is still there to be read."""
    try:
        return connection.recv(size, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""
    except OSError:  # whoever reads it will notice
        return b"-"


def asks_for_test(request: bytes) -> bool:
    """Whether this is a whole request for a test, so that nobody whose connection is slow is waited for in a turn."""
    if not _TEST.match(request):
        return False
    head, end, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(end and length) and len(body) >= int(length[1])  # type: ignore[index]
