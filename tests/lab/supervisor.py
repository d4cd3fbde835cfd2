"""Owns the lab's directory and processes, so that nothing of them outlives the tests.

Runs as a process of its own, in a session of its own. It reads one JSON command a line from standard input
and answers each with a line; when its input ends (the tests are over, or were killed) or a signal comes, it
stops every process below it and removes the directory.

    {"run": ["dovecot", ...], "output": "dovecot.out"}  ->  the process's id
    {"chown": [["path", "user", "group"], ...]}         ->  done
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 3.0


def descendants() -> list[int]:
    """Every process below this one. Orphans are included: this process is their reaper."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name, in parentheses, may hold blanks; the parent's id is the second field behind it.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def stop_all(masters: list[int]) -> None:
    """Ask the masters to stop; what is still there after a while is killed."""
    for pid in masters:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while descendants() and time.monotonic() < deadline:
        time.sleep(0.02)
        reap()
    while left := descendants():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
        reap()


def execute(command: dict[str, Any], directory: Path, masters: list[int]) -> str:
    if "run" in command:
        with (directory / command["output"]).open("ab") as output:
            process = subprocess.Popen(
                command["run"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                start_new_session=True,
            )
        process.returncode = 0  # reaped by `reap`, not by Popen
        masters.append(process.pid)
        return str(process.pid)
    for path, user, group in command["chown"]:
        shutil.chown(path, user, group)
    return "done"


def leave(*_: object) -> NoReturn:
    raise SystemExit(0)


def main() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests; this process goes when they do
    # Sockets of Unix have names of at most 108 bytes: no deep TMPDIR here.
    directory = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
    directory.chmod(0o755)
    masters: list[int] = []
    try:
        print(directory, flush=True)
        for line in sys.stdin:
            print(execute(json.loads(line), directory, masters), flush=True)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop_all(masters)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
