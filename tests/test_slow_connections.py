"""Slow and unfinished requests must not stop the portal: the short form of `make slow`, with fewer threads."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from benchmarks.proxy import nginx
from helpdesk import client_sockets
from helpdesk.client_sockets import ClientSocket, ListeningSocket, with_whole_bodies
from tests.portal import LivePortal
from tests.slow_connections import KINDS, answers_again_after, connections, page_seconds

THREADS = 8


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ClientSocket, socket.socket]]:
    """The portal's end of a connection and the visitor's, with time limits of a fifth of a second."""
    for name in ("HEAD_SECONDS", "REQUEST_SECONDS", "SEND_SECONDS"):
        monkeypatch.setattr(client_sockets, name, 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        ListeningSocket.taken_from(server) as listener,
        socket.create_connection(listener.getsockname()) as visitor,
        listener.accept()[0] as ours,
    ):
        yield ours, visitor


def test_what_has_arrived_is_read_and_then_the_time_limit_holds(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, visitor = pair
    visitor.sendall(b"GET /")
    ours.begin(0)
    assert ours.recv(100) == b"GET /"
    with pytest.raises(ConnectionResetError):
        ours.recv(100)


def test_single_bytes_do_not_extend_the_time_limit(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, visitor = pair
    ended = threading.Event()
    thread = threading.Thread(target=_trickle, args=(visitor, ended))
    thread.start()
    started = time.monotonic()
    try:
        with suppress(ConnectionResetError):
            while time.monotonic() < started + 5:
                ours.recv(1)
    finally:
        ended.set()
        thread.join()
    assert time.monotonic() - started < 4


def _trickle(visitor: socket.socket, ended: threading.Event) -> None:
    while not ended.wait(0.05):
        visitor.sendall(b"a")


def test_a_reader_that_never_reads_ends(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, _visitor = pair
    with pytest.raises(ConnectionResetError):
        ours.sendall(b"a" * 100_000_000)


def test_a_reader_that_never_reads_is_kept_little(pair: tuple[ClientSocket, socket.socket]) -> None:
    ours, visitor = pair
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    ours.setblocking(False)
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += ours.send(b"a" * 10_000)
    assert sent < 500_000


@pytest.mark.parametrize(("sent", "heard"), [(b"text=550", True), (b"text=55", False), (b"", False)])
def test_only_a_whole_body_reaches_the_application(sent: bytes, *, heard: bool) -> None:
    bodies: list[bytes] = []
    statuses: list[str] = []

    def application(environ: dict[str, object], start_response: object) -> list[bytes]:
        bodies.append(environ["wsgi.input"].read())  # type: ignore[attr-defined]
        return []

    environ = {"CONTENT_LENGTH": "8", "wsgi.input": io.BytesIO(sent)}
    list(with_whole_bodies(application)(environ, lambda status, _headers: statuses.append(status)))  # type: ignore[arg-type]
    assert bodies == ([sent] if heard else [])
    assert statuses == ([] if heard else ["408 Request Timeout"])


@pytest.mark.long
def test_more_slow_connections_than_threads(tmp_path: Path) -> None:
    limit = client_sockets.REQUEST_SECONDS
    with LivePortal(tmp_path / "portal", {"WEB_THREADS": str(THREADS)}) as portal:
        for kind in ("half-sent body", "finished and left open"):
            with connections(portal.port, kind, 3 * THREADS):
                assert answers_again_after(portal.port, limit + 10) < limit + 10, kind
        assert "Traceback" not in portal.log.read_text()
    assert set(KINDS) >= {"half-sent head", "half-sent body", "one byte a second", "idle", "reader that never reads"}


@pytest.mark.long
def test_more_slow_connections_behind_nginx_than_threads(tmp_path: Path) -> None:
    """Nothing has to wait for a time limit: the portal's threads never see a visitor who is slow."""
    with (
        LivePortal(tmp_path / "portal", {"WEB_THREADS": str(THREADS)}) as portal,
        nginx(tmp_path, portal.port, portal.port) as proxy,
        ExitStack() as visitors,
    ):
        for kind in KINDS:
            visitors.enter_context(connections(proxy.port, kind, 3 * THREADS))
            assert page_seconds(proxy.port, client_sockets.HEAD_SECONDS) < client_sockets.HEAD_SECONDS, kind
        assert _pages_made(portal) < 10 * 3 * THREADS  # of 200 that each visitor who never reads has asked for


def _pages_made(portal: LivePortal) -> int:
    """How many pages the portal has made when a second has brought no more."""
    made = -1
    while made != (made := portal.log.read_text().count(" /en/errors/ ")):
        time.sleep(1)
    return made
