"""gunicorn's worker: whoever waits is taken in at once, by threads that are there already."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from guides.crowd import readers
from helpdesk.worker import Worker
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
