"""Autoconfig against automx2 and against a constant view, under gunicorn with the same worker and threads, in one run.

automx2 comes from PyPI into an environment of this benchmark's own (`benchmarks/.automx2/`, made at the first run) with
its example data. Both answer one domain again and again over connections that stay open, as clients behind a proxy ask.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import cast

from benchmarks.figures import Ratio
from tests.portal import LivePortal, free_port

HERE = Path(__file__).parent
ENVIRONMENT = HERE / ".automx2"
AUTOMX2 = "2026.2"
THREADS = 256  # the portal's default; one worker
CONNECTIONS = 4
ROUNDS, SECONDS = 15, 1.0


def run() -> list[Ratio]:
    """Turns of a few seconds, so that a busy machine slows all of them."""
    with tempfile.TemporaryDirectory(prefix="bench-autoconfig-") as name:
        folder = Path(name)
        with LivePortal(folder / "portal") as portal, _automx2(folder) as other:
            targets = {
                "portal": (portal.port, "/mail/config-v1.1.xml?emailaddress=anna@mail.ru"),
                "constant": (portal.port, "/livez"),
                "automx2": (other, "/mail/config-v1.1.xml?emailaddress=anna@example.com"),
            }
            _check(targets)
            rates: dict[str, list[float]] = {target: [] for target in targets}
            for _ in range(ROUNDS):
                for target, (port, path) in targets.items():
                    rates[target].append(_rate(port, path))
    note = ", ".join(f"{target} {round(median(each))}/s" for target, each in rates.items())
    return [
        Ratio("autoconfig: portal / automx2, requests a second", _against(rates, "automx2"), 5, True, note),
        Ratio("autoconfig / constant view, requests a second", _against(rates, "constant"), 0.5, True, note),
    ]


def _against(rates: dict[str, list[float]], other: str) -> float:
    """The median of the rounds' ratios: what slows the machine for a while slows neighbouring turns alike."""
    return median(own / theirs for own, theirs in zip(rates["portal"], rates[other], strict=True))


@contextmanager
def _automx2(folder: Path) -> Iterator[int]:
    """automx2 with a database file and its example data; yields its port."""
    python = ENVIRONMENT / "bin" / "python"
    wanted = [f"automx2=={AUTOMX2}", f"gunicorn=={version('gunicorn')}"]
    done = ENVIRONMENT / "made"
    if not done.exists() or done.read_text() != str(wanted):
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        done.write_text(str(wanted))
    configuration = folder / "automx2.conf"
    configuration.write_text(f"[automx2]\nloglevel = WARNING\ndb_uri = sqlite:///{folder}/automx2.sqlite3\n")
    port = free_port()
    command = [
        python, "-m", "gunicorn", "automx2.server:app",
        f"--bind=127.0.0.1:{port}", "--worker-class=gthread", "--workers=1", f"--threads={THREADS}", "--keep-alive=5",
        f"--worker-connections={THREADS * 4}",
    ]  # fmt: skip
    with (folder / "automx2.log").open("wb") as log:
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AUTOMX2_CONF": str(configuration)}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            for _ in range(100):
                try:
                    status, _body = _get(port, "/initdb/")
                    break
                except ConnectionRefusedError:
                    time.sleep(0.1)
            else:
                raise RuntimeError((folder / "automx2.log").read_text())
            assert status == 200
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _check(targets: dict[str, tuple[int, str]]) -> None:
    """A fast wrong answer is no answer."""
    for target in ("portal", "automx2"):
        status, body = _get(*targets[target])
        assert status == 200, target
        assert b"<incomingServer" in body, target
    assert _get(*targets["constant"]) == (200, b"ok\n")


def _rate(port: int, path: str) -> float:
    """Requests a second, over connections that stay open, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bench_autoconfig", str(port), path]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(result.stdout)


def _main(port: int, path: str) -> None:
    """One loop over all connections: threads would measure their own interpreter's lock."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n".encode()
    selector = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port))
        selector.register(connection, selectors.EVENT_READ)
        connection.sendall(request)
    missing: dict[socket.socket, int] = {}
    done = 0
    began = time.monotonic()
    while time.monotonic() < began + SECONDS:
        for key, _events in selector.select(1):
            connection = cast("socket.socket", key.fileobj)
            data = connection.recv(65536)
            left = missing.pop(connection, 0) or _length(data)
            left -= len(data)
            if left > 0:
                missing[connection] = left
                continue
            done += 1
            connection.sendall(request)
    print(done / (time.monotonic() - began))


def _length(data: bytes) -> int:
    """How long the answer that starts with `data` is, head and all."""
    head, _, _body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return len(head) + 4 + int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2])
