"""Visitors of the benchmarks: connection tests, and readers of a page from a process of their own.

`python -m benchmarks.visitors PORT PATH LEAST` requests a page ten times a second, each time over a new connection,
until its input ends (and LEAST times at least), and prints the seconds of each as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.servers import ROOT
from benchmarks.slow_mail import MailServers, host

PAGE_EVERY = 0.1


@dataclass(frozen=True)
class Answer:
    """How one request ended."""

    status: int
    seconds: float
    body: bytes


async def post_test(
    port: int, servers: MailServers, visitor: int, mail_host: str | None = None, smtp: bool = True
) -> Answer:
    """One connection test, read to its end; each visitor has an address and a mail server of their own by default."""
    name = mail_host or host(visitor)
    form = {
        "address": f"visitor{visitor}@{name}",
        "password": f"secret-{visitor}",
        "imap_host": name,
        "imap_port": str(servers.imap),
        "imap_security": "tls",
    }
    if smtp:
        form |= {"smtp_host": name, "smtp_port": str(servers.smtp), "smtp_security": "tls"}
    body = urlencode(form).encode()
    head = (
        f"POST /en/test/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"X-Forwarded-For: 198.18.{visitor // 250}.{visitor % 250}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nHX-Request: true\r\nHX-Request-Type: partial\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return await _ask(port, head.encode() + body)


async def _ask(port: int, request: bytes) -> Answer:
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        answer = await reader.read()
    finally:
        writer.close()
    return Answer(int(answer[9:12]), time.perf_counter() - began, answer)


class Readers:
    """Requests for a page from another process, so that the work of this one delays none of them."""

    def __init__(self, port: int, path: str, least: int) -> None:
        command = [sys.executable, "-m", "benchmarks.visitors", str(port), path, str(least)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self) -> list[float]:
        """The seconds that each request took."""
        output, _ = self._process.communicate("")
        assert self._process.returncode == 0
        return [float(seconds) for seconds in json.loads(output)]


async def _read(port: int, path: str, least: int) -> list[float]:
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    taken: list[asyncio.Task[float]] = []
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()

    async def one() -> float:
        answer = await _ask(port, request)
        assert answer.status == 200
        return answer.seconds

    while not ended.done() or len(taken) < least:
        taken.append(asyncio.create_task(one()))
        await asyncio.sleep(PAGE_EVERY)
    return list(await asyncio.gather(*taken))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_read(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
