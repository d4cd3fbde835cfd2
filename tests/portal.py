"""A whole portal in a process of its own: gunicorn, SQLite and the real library, as `make run` serves it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

ROOT = Path(__file__).parent.parent
START_SECONDS = 60


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def _prepared() -> TemporaryDirectory[str]:
    """What `manage.py prepare` makes of nothing: a database with the real library. Made once a run, and copied."""
    folder = TemporaryDirectory(prefix="prepared-")
    portal = LivePortal(Path(folder.name))
    portal.manage("prepare")
    return folder


class LivePortal(AbstractContextManager["LivePortal"]):
    """Started on entering, stopped on leaving. Everything that it writes lands below `folder`."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "portal.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.staff_password = secrets.token_urlsafe(18)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "DATA_DIR": str(self.data),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "helpdesk.settings",
            **(environment or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run manage.py against the portal's own database and return what it prints."""
        result = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=600,  # a busy machine is no failure
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def __enter__(self) -> LivePortal:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(Path(_prepared().name) / "data", self.data, dirs_exist_ok=True)
        self.manage(
            "createsuperuser",
            "--noinput",
            "--username=anna",
            "--email=anna@example.net",
            DJANGO_SUPERUSER_PASSWORD=self.staff_password,
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config", "python:helpdesk.gunicorn"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return self
            except OSError:
                time.sleep(0.1)
            finally:
                connection.close()
        self.stop()
        raise AssertionError(f"the portal did not start:\n{self.log.read_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process and its workers; a worker in the middle of a test does not hold the run up."""
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
