"""Servers that a benchmark starts and stops: the portal as it is shipped, other programs, and their environments."""

from __future__ import annotations

import atexit
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPMessage
from importlib.metadata import version
from pathlib import Path

from tests.portal import free_port

ROOT = Path(__file__).parent.parent
THREADS = 256  # the portal's default (WEB_THREADS), in one worker
START_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """A whole answer to one request."""

    status: int
    headers: HTTPMessage
    body: bytes

    def text(self) -> str:
        """The body, decompressed."""
        body = gzip.decompress(self.body) if self.headers["Content-Encoding"] == "gzip" else self.body
        return body.decode()


@dataclass(frozen=True)
class Server:
    """A running server: its main process, and the port of 127.0.0.1 it listens on."""

    pid: int
    port: int
    started_in: float  # seconds from its start to its first answer

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """One request over a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def memory(self) -> int:
        """Bytes that the worker processes hold (RSS)."""
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in self._workers()]
        lines = [line for status in statuses for line in status.splitlines() if line.startswith("VmRSS")]
        return sum(int(line.split()[1]) * 1024 for line in lines)

    def cpu_seconds(self) -> float:
        """Processor time (user and system) that the worker processes have used."""
        ticks = 0
        for pid in self._workers():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _workers(self) -> list[str]:
        return Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()


@contextmanager
def serve(
    command: Sequence[str | Path],
    log: Path,
    port: int,
    first: str = "/",
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start a program that serves HTTP; yields once it answers `first` with 200."""
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        while not _answers(port, first):
            if process.poll() is not None or time.monotonic() > began + START_SECONDS:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()}")
            time.sleep(0.01)
        yield Server(process.pid, port, time.monotonic() - began)
    finally:
        _stop(process)


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children: gracefully, or after 5 s at once."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


@cache
def _prepared() -> Path:
    """What `manage.py prepare` makes of nothing: a database with the library. Made once a process."""
    folder = Path(tempfile.mkdtemp(prefix="bench-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run_python(["manage.py", "prepare"], folder)
    return folder


def loaded_data(folder: Path) -> Path:
    """A DATA_DIR below `folder`, loaded with the library."""
    return Path(shutil.copytree(_prepared(), folder / "data"))


def run_python(arguments: Sequence[str], data: Path) -> str:
    """Run Python in the repository on the portal's `data`, and return what it prints."""
    command = [sys.executable, *arguments]
    result = subprocess.run(command, cwd=ROOT, env=_environment(data), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@contextmanager
def portal(data: Path, first: str = "/en/", **settings: str) -> Iterator[Server]:
    """The portal as it is shipped (`helpdesk.gunicorn`, default settings but for `settings`), on its own DATA_DIR."""
    port = free_port()
    environment = _environment(data) | {"PORT": str(port), "LOG_LEVEL": "WARNING"} | settings
    command = [sys.executable, "-m", "gunicorn", "--config", "python:helpdesk.gunicorn"]
    with serve(command, data.parent / f"portal-{port}.log", port, first, environment=environment) as server:
        yield server


def _environment(data: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(data),
        "LANG": "C.UTF-8",
        "DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "helpdesk.settings",
    }


@contextmanager
def other_program(
    environment: Path, app: str, folder: Path, first: str, settings: Mapping[str, str]
) -> Iterator[Server]:
    """A WSGI application out of an environment of `environment_with`, under gunicorn as the portal is."""
    port = free_port()
    command = [
        environment / "bin" / "python", "-m", "gunicorn", app,
        f"--bind=127.0.0.1:{port}", "--worker-class=gthread", "--workers=1", f"--threads={THREADS}", "--keep-alive=5",
        f"--worker-connections={THREADS * 4}", "--no-control-socket",
    ]  # fmt: skip
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **settings}
    with serve(command, folder / f"{app.partition(':')[0]}.log", port, first, folder, variables) as server:
        yield server


def environment_with(name: str, packages: Sequence[str]) -> Path:
    """A virtual environment `benchmarks/.<name>/` with `packages` from the index and the portal's gunicorn; kept."""
    folder = ROOT / "benchmarks" / f".{name}"
    wanted = json.dumps([*packages, f"gunicorn=={version('gunicorn')}"])
    made = folder / "made"
    if not made.exists() or made.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, *json.loads(wanted)], check=True)
        made.write_text(wanted)
    return folder
