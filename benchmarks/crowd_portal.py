"""A whole portal, its slow mail servers, and visitors who come to it: what the benchmarks of the crowd share."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from benchmarks.slow_mail import host
from tests.portal import ROOT, LivePortal

UNLIMITED = {
    f"LIMIT_{name}": "1000000"
    for name in (
        "VISITOR_HOUR",
        "VISITOR_DAY",
        "VISITOR_AT_ONCE",
        "ACCOUNT_10_MINUTES",
        "ACCOUNT_HOUR",
        "ACCOUNT_DAY",
        "HOST_10_MINUTES",
    )
}


@dataclass(frozen=True)
class Crowded:
    """A running portal in one worker process, and the ports of its mail servers."""

    portal: LivePortal
    imap_port: int
    smtp_port: int

    def worker_memory(self) -> int:
        """Bytes that the worker process holds (RSS)."""
        status = Path(f"/proc/{self._worker()}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024

    def worker_seconds(self) -> float:
        """Seconds of a processor that the worker process has used."""
        fields = Path(f"/proc/{self._worker()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _worker(self) -> str:
        assert self.portal.process is not None
        pid = self.portal.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]


@contextmanager
def crowded_portal(login_seconds: float, **settings: str) -> Iterator[Crowded]:
    """Start mail servers and a portal that finds them; stop both."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        mail = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.slow_mail", str(folder), str(login_seconds)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert mail.stdout is not None
            ports = json.loads(mail.stdout.readline())
            environment = UNLIMITED | {
                "DNS_SERVERS": ports["dns"],
                "EXTRA_CA_FILE": str(folder / "ca.pem"),
                "ALLOWED_NETWORKS": "127.0.0.0/8",
                "ALLOWED_PORTS": f"{ports['imap']},{ports['smtp']},1-1000",
                "ALLOWED_SUFFIXES": "test",
                "EHLO_NAME": "portal.lab.test",
                "TRUSTED_PROXIES": "127.0.0.1/32",  # each visitor comes from an address of their own
                "WEB_CONCURRENCY": "1",
                "LOG_LEVEL": "WARNING",
            }
            with LivePortal(folder / "portal", environment | settings) as portal:
                yield Crowded(portal, ports["imap"], ports["smtp"])
        finally:
            mail.kill()
            mail.wait()
            if mail.stdin is not None:
                mail.stdin.close()
            if mail.stdout is not None:
                mail.stdout.close()


@dataclass(frozen=True)
class Answer:
    """How one request ended."""

    status: int
    seconds: float
    body: bytes


async def get(portal: LivePortal, path: str) -> Answer:
    """One page, over a connection of its own."""
    return await _ask(
        portal, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{portal.port}\r\nConnection: close\r\n\r\n".encode()
    )


async def post_test(crowded: Crowded, visitor: int, mail_host: str | None = None, smtp: bool = True) -> Answer:
    """One connection test, streamed to its end; each visitor at a server of their own unless told otherwise."""
    name = mail_host or host(visitor)
    form = {
        "address": f"visitor{visitor}@{name}",
        "password": f"secret-{visitor}",
        "imap_host": name,
        "imap_port": str(crowded.imap_port),
        "imap_security": "tls",
    }
    if smtp:
        form |= {"smtp_host": name, "smtp_port": str(crowded.smtp_port), "smtp_security": "tls"}
    body = urlencode(form).encode()
    head = (
        f"POST /en/test/ HTTP/1.1\r\nHost: 127.0.0.1:{crowded.portal.port}\r\nConnection: close\r\n"
        f"X-Forwarded-For: 198.18.{visitor // 250}.{visitor % 250}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nHX-Request: true\r\nHX-Request-Type: partial\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return await _ask(crowded.portal, head.encode() + body)


async def _ask(portal: LivePortal, request: bytes) -> Answer:
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", portal.port)
    try:
        writer.write(request)
        answer = await reader.read()
    finally:
        writer.close()
    return Answer(int(answer[9:12]), time.perf_counter() - began, answer)
