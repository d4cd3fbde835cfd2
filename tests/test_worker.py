"""gunicorn's worker: whoever waits is taken in at once, by threads that are there already."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from guides.crowd import readers, turns
from helpdesk.worker import FIRST_BYTES_SECONDS, Worker, asks_for_test
from tests.portal import LivePortal


def worker(connections: int) -> Any:
    made = Worker.__new__(Worker)
    made.nr_conns = 0
    made.worker_connections = connections
    made.cfg = SimpleNamespace(is_ssl=False, threads=3, keepalive=2)
    return made


@pytest.mark.parametrize(("connections", "taken"), [(10, 3), (2, 2)])
def test_it_accepts_all_that_wait_as_far_as_there_is_room(
    monkeypatch: pytest.MonkeyPatch, connections: int, taken: int
) -> None:
    made = worker(connections)
    queued: list[bool] = []
    monkeypatch.setattr(
        Worker, "enqueue_req", lambda _self, conn: (queued.append(readers._nobody_reads.is_set()), conn.sock.close())
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
        made.accept(listener)
        for client in clients:
            client.close()
    assert queued == [False] * taken  # tests waited meanwhile
    assert made.nr_conns == taken
    assert readers._nobody_reads.is_set()


def test_all_threads_are_there_before_anybody_comes(tmp_path: Path) -> None:
    with LivePortal(tmp_path, {"WEB_THREADS": "23"}) as portal:
        assert portal.process is not None
        master = portal.process.pid
        (child,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        assert len(list(Path(f"/proc/{child}/task").iterdir())) >= 24


FORM = b"address=anna%40example.org&password=x"


def request(
    path: bytes = b"/en/test/", body: bytes = FORM, length: bytes | None = None, method: bytes = b"POST"
) -> bytes:
    size = str(len(body)).encode() if length is None else length
    return b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n%s" % (method, path, size, body)


@pytest.mark.parametrize(
    ("said", "asks"),
    [
        (request(), True),
        (request(b"/ja/test/?x=1"), True),
        (request().replace(b"Content-Length", b"content-length"), True),
        (request() + b"more", True),
        (request()[:-1], False),  # the rest of the form has not come
        (request(length=b"0", body=b""), True),
        (request(length=b"9999999"), False),
        (request(length=b"-5"), False),
        (request(length=b"1e3"), False),
        (request().partition(b"\r\n\r\n")[0], False),
        (request().partition(b"\r\n\r\n")[0] + b"\r\n", False),
        (b"POST /en/test/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
        (request(method=b"GET"), False),
        (request(b"/en/settings/"), False),
        (request(b"/en/report/?next=/en/test/"), False),
        (request(b"/en/test/more/"), False),
        (b"", False),
        (b"\x16\x03\x01\x02\x00", False),
    ],
)
def test_only_a_whole_request_for_a_test_waits_for_its_turn_at_the_door(said: bytes, asks: bool) -> None:
    assert asks_for_test(said) is asks


class Taken(Worker):
    """A worker that is asked about one connection."""

    def __init__(self) -> None:
        self.cfg = SimpleNamespace(is_ssl=False, threads=3, keepalive=2)
        self.pending_conns: deque[Any] = deque()
        self.poller = selectors.DefaultSelector()
        self.tpool = ThreadPoolExecutor(2)
        self.method_queue = SimpleNamespace(defer=lambda *_: None)
        self.handled: list[bool] = []
        self.nr_conns = 1

    def handle(self, conn: Any) -> bool:
        self.handled.append(turns._has_turn())
        return False


@pytest.fixture
def taken() -> Iterator[tuple[Taken, socket.socket, Any]]:
    made = Taken()
    here, there = socket.socketpair()
    yield made, there, SimpleNamespace(sock=here, initialized=False, data_ready=False, timeout=0.0)
    made.tpool.shutdown()
    made.poller.close()
    here.close()
    there.close()


def test_a_connection_without_a_word_takes_no_thread(taken: tuple[Taken, socket.socket, Any]) -> None:
    made, client, connection = taken
    made.enqueue_req(connection)
    assert list(made.pending_conns) == [connection]
    assert connection.timeout - time.monotonic() > FIRST_BYTES_SECONDS - 1
    client.sendall(request(b"/en/", method=b"GET"))
    (key, _events), *_ = made.poller.select(5)
    key.data(key.fileobj)
    made.tpool.shutdown()
    assert made.handled == [False]
    assert not made.pending_conns


def test_a_connection_that_is_closed_again_is_handled_at_once(taken: tuple[Taken, socket.socket, Any]) -> None:
    """It is readable, and whoever reads finds its end."""
    made, client, connection = taken
    made.enqueue_req(connection)
    client.close()
    (key, _events), *_ = made.poller.select(5)
    key.data(key.fileobj)
    made.tpool.shutdown()
    assert made.handled == [False]


@pytest.mark.parametrize("said", [request(), request(b"/en/", method=b"GET")], ids=["test", "page"])
def test_nobody_waits_again_for_what_has_come(said: bytes, taken: tuple[Taken, socket.socket, Any]) -> None:
    made, client, connection = taken
    client.sendall(said)
    made.enqueue_req(connection)
    made.tpool.shutdown()
    assert made.handled
    assert connection.data_ready  # gunicorn makes no poller of its own for this connection


def test_who_asks_for_a_test_gets_a_thread_in_their_turn(taken: tuple[Taken, socket.socket, Any]) -> None:
    made, client, connection = taken
    client.sendall(request())
    with turns.page_work():
        made.enqueue_req(connection)
        assert turns.arriving() == 1
        assert made.handled == []
    made.tpool.shutdown()
    assert made.handled == [True]
    assert not turns._turn.is_taken
    assert connection.sock.recv(5) == b"POST "  # nothing was taken away


def test_once_a_second_it_looks_after_the_turn(
    taken: tuple[Taken, socket.socket, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, client, connection = taken
    monkeypatch.setattr(turns._turn, "longest", 0.0)
    client.sendall(request())
    with turns.page_work():
        made.enqueue_req(connection)
        made.murder_pending()
        made.tpool.shutdown()
        assert made.handled == [True]
