"""TERM with a test under way: the test is ended with a word for the visitor, and no connection is left unanswered."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from guides.mail.accounts import Protocol, Security
from helpdesk.client_sockets import stop_accepting
from tests.lab import Lab
from tests.lab.hosts import SILENT
from tests.portal import LivePortal


def test_a_worker_that_stops_takes_what_waits_and_closes_its_sockets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = listener.getsockname()
        worker = SimpleNamespace(alive=True, sockets=[listener], nr_conns=0, set_accept_enabled=lambda _enabled: None)
        taken, stopped = [], []

        def accept(waiting: socket.socket) -> None:
            try:
                taken.append(waiting.accept()[0])
            except BlockingIOError:
                return
            worker.nr_conns += 1

        worker.accept = accept
        stop_accepting(worker, lambda: stopped.append(True))
        visitors = [socket.create_connection(address) for _ in range(3)]
        worker.set_accept_enabled(False)  # too many connections: it goes on afterwards
        assert (worker.sockets, taken, stopped) == ([listener], [], [])
        worker.alive = False
        for _ in range(2):
            worker.set_accept_enabled(False)
            assert (len(taken), worker.sockets, stopped) == (3, [], [True])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        for each in (*visitors, *taken):
            each.close()


@pytest.mark.lab
@pytest.mark.parametrize(
    ("language", "words", "headers"),
    [
        ("en", "The portal is being restarted.", {"HX-Request": "true", "HX-Request-Type": "partial"}),
        ("ja", "ポータルを再起動しています。", {}),
        ("ru", "Портал перезапускается.", {}),
    ],
)
def test_a_test_is_told_and_its_portal_stops(
    tmp_path: Path, lab: Lab, language: str, words: str, headers: dict[str, str]
) -> None:
    server = lab.server(Protocol.IMAP, Security.STARTTLS, SILENT)
    form = {
        "address": lab.people["anna"].address,
        "password": lab.people["anna"].password,
        "imap_host": server.host,
        "imap_port": str(server.port),
        "imap_security": "starttls",
    }
    with LivePortal(tmp_path, lab.environment()) as portal:
        assert portal.process is not None
        visitor = HTTPConnection("127.0.0.1", portal.port, timeout=120)
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        visitor.request("POST", f"/{language}/test/", urlencode(form), headers)
        answer = visitor.getresponse()
        until = time.monotonic() + 60
        while not lab.connections(SILENT):
            assert time.monotonic() < until
            time.sleep(0.01)
        told = time.monotonic()
        os.kill(portal.process.pid, signal.SIGTERM)

        # While the test goes on, readers are refused at once, so that a proxy asks another portal.
        while True:
            try:
                reader = socket.create_connection(("127.0.0.1", portal.port), timeout=60)
            except ConnectionRefusedError:
                break
            reader.close()
            assert time.monotonic() < told + 60
            time.sleep(0.05)
        assert lab.connections(SILENT)

        page = answer.read().decode()
        heard = time.monotonic() - told
        answer.close()
        visitor.close()
        assert words in page
        assert portal.process.wait(60) == 0
        print(f"told after {heard:.1f} s, stopped after {time.monotonic() - told:.1f} s")
        assert "broke off" not in portal.log.read_text()


@pytest.mark.long
def test_no_request_is_lost_while_workers_change(tmp_path: Path) -> None:
    with LivePortal(tmp_path, {"WEB_CONCURRENCY": "2"}) as portal:
        assert portal.process is not None
        ended, statuses = threading.Event(), []

        def visit() -> None:
            while not ended.is_set():
                connection = HTTPConnection("127.0.0.1", portal.port, timeout=120)
                try:
                    connection.request("GET", "/en/guides/")
                    statuses.append(connection.getresponse().status)
                except OSError as error:
                    statuses.append(repr(error))
                connection.close()

        visitors = [threading.Thread(target=visit) for _ in range(4)]
        for each in visitors:
            each.start()
        for _ in range(3):
            os.kill(portal.process.pid, signal.SIGHUP)
            enough = len(statuses) + 200
            while len(statuses) < enough:
                time.sleep(0.05)
        ended.set()
        for each in visitors:
            each.join()
    assert set(statuses) == {200}
