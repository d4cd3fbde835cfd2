"""200 visitors and one dead host: how often it is still tried once its circuit breaker is open."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Ratio
from benchmarks.servers import Server, loaded_data, portal
from benchmarks.slow_mail import DEAD, MailServers, mail_servers
from benchmarks.visitors import Answer, post_test

VISITORS = 200
WATCHED_SECONDS = 65
PORT = 900  # one of those that the portal may reach


class DeadHost:
    """Accepts and hangs up at once, so that attempts can be counted; to a mail program it is dead."""

    def __init__(self) -> None:
        self.connections: list[float] = []
        self._listener = socket.create_server(("127.31.0.1", PORT), backlog=500)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(time.monotonic())
            connection.close()

    def close(self) -> None:
        """Stop."""
        self._listener.close()


async def _measure(server: Server, mail: MailServers, dead: DeadHost) -> list[Ratio]:
    async def test(visitor: int) -> Answer:
        return await post_test(server.port, mail, visitor, DEAD, smtp=False)

    for visitor in range(5):
        await test(visitor)
    opened = time.monotonic()
    first = await asyncio.gather(*(test(10 + number) for number in range(VISITORS)))
    later = []
    while time.monotonic() - opened < WATCHED_SECONDS:  # and more of them come all the time
        later.append(await test(1000 + len(later)))
        await asyncio.sleep(0.2)
    answers = [*first, *later]
    assert all(answer.status == 200 for answer in answers)
    assert all(b"has not answered anybody" in answer.body for answer in first)
    after = [moment for moment in dead.connections if moment > opened]
    most_a_minute = max((sum(1 for other in after if 0 <= other - moment < 60) for moment in after), default=0)
    before = len(dead.connections) - len(after)
    return [
        Ratio(
            "connections to a dead host in any minute after its breaker opens",
            most_a_minute,
            2,
            note=f"{before} before it opened, {len(after)} in {WATCHED_SECONDS} s after",
        ),
        Ratio("the slowest of 200 answers at once, in seconds", max(answer.seconds for answer in answers)),
    ]


def run() -> list[Ratio]:
    """Five visitors find the host dead; then 200 come at once, and others for a minute."""
    dead = DeadHost()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-outage-") as name:
            data = loaded_data(Path(name))
            with mail_servers(Path(name), 0.0) as mail, portal(data, **mail.settings()) as server:
                return asyncio.run(_measure(server, replace(mail, imap=PORT), dead))
    finally:
        dead.close()
