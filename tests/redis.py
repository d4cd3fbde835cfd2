"""A real Redis on a loopback port, which a test may stop in the middle."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from tests.portal import free_port

PROGRAM = shutil.which("redis-server") or "/usr/bin/redis-server"


class LiveRedis(AbstractContextManager["LiveRedis"]):
    """Started on entering, gone on leaving. It keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def caches(self) -> dict[str, object]:
        """CACHES of a portal that uses it."""
        timeouts = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
        backend = "django.core.cache.backends.redis.RedisCache"
        return {"default": {"BACKEND": backend, "LOCATION": self.url, "OPTIONS": timeouts}}

    def start(self) -> None:
        """Start it, empty, on the same port as before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [PROGRAM, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 0.2) as probe:
                    probe.sendall(b"PING\r\n")
                    if probe.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP lets it hang, SIGCONT lets it go on."""
        if self._process is not None:
            self._process.send_signal(number)

    def __enter__(self) -> LiveRedis:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
