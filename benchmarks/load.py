"""Requests a second over four kept connections, by wrk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks.servers import Answer, Server

CONNECTIONS = 4
SECONDS = int(os.environ.get("BENCH_SECONDS", 2))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
SCRIPT = Path(__file__).with_name("load.lua")
# Search words of the library, for {word}: frequent and rare ones.
WORDS = (
    "password", "settings", "certificate", "outgoing", "server", "thunderbird", "outlook", "android", "quota",
    "attachment", "blocked", "relay", "spam", "login", "mailbox", "timeout", "port", "imap", "pop3", "smtp",
    "encryption", "address", "rejected", "refused", "greylisting", "dns", "phone", "calendar", "folder", "sent",
)  # fmt: skip
_starts = count(1, 1_000_000)  # {n} never comes twice


@dataclass(frozen=True)
class Target:
    """What is requested of a server: a path, which may hold {n} (another number each time) and {word}."""

    server: Server
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    def answer(self) -> Answer:
        """One answer, of the expected status."""
        answer = self.server.get(self._filled(), self._all_headers())
        assert answer.status == self.status, f"{self.path}: {answer.status}"
        return answer

    def measure(self, seconds: int = SECONDS) -> tuple[float, int]:
        """Requests a second, and the number of requests."""
        self.answer()
        command = [_wrk(), "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s", "--timeout=30s"]
        for name, value in self._all_headers().items():
            command += ["--header", f"{name}: {value}"]
        url = f"http://127.0.0.1:{self.server.port}/"
        command += ["--script", str(SCRIPT), url, "--", self.path, str(next(_starts)), *WORDS]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        figures = json.loads(result.stdout.splitlines()[-1])
        assert not figures["failed"], f"{self.path}: {figures}"
        return figures["requests"] * 1e6 / figures["microseconds"], figures["requests"]

    def _filled(self) -> str:
        return self.path.replace("{n}", str(next(_starts))).replace("{word}", WORDS[0])

    def _all_headers(self) -> dict[str, str]:
        return {"Accept-Encoding": "gzip", "Accept-Language": "en", **self.headers}  # as browsers send them


def _wrk() -> str:
    program = shutil.which("wrk")
    assert program, "wrk is missing: .ci/packages.sh wrk"
    return program


class Rates:
    """Requests a second of several targets, measured in turns so that a busy machine slows all of them."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._rates: dict[str, list[float]] = {name: [] for name in targets}
        for _ in range(ROUNDS):
            for name, target in targets.items():
                self._rates[name].append(target.measure()[0])

    def ratio(self, one: str, other: str) -> float:
        """The median of the rounds' ratios: what slows the machine for a while slows neighbouring turns alike."""
        return median(a / b for a, b in zip(self._rates[one], self._rates[other], strict=True))

    def note(self, *names: str) -> str:
        """The medians, as requests a second."""
        return " against ".join(f"{median(self._rates[name]):.0f}/s" for name in names)
