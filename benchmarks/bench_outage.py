"""200 visitors and one dead host: how often it is still tried, and how soon each visitor has an answer."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from statistics import quantiles

from benchmarks.crowd_portal import Crowded, crowded_portal, post_test
from benchmarks.figures import Ratio, milliseconds
from benchmarks.slow_mail import DEAD

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


async def _measure(crowded: Crowded, dead: DeadHost) -> list[Ratio]:
    here = Crowded(crowded.portal, PORT, 0)
    for visitor in range(5):
        await post_test(here, visitor, DEAD, smtp=False)
    opened = time.monotonic()
    first = await asyncio.gather(*(post_test(here, 10 + number, DEAD, smtp=False) for number in range(VISITORS)))
    trickle = []
    while time.monotonic() - opened < WATCHED_SECONDS:  # and more of them come all the time
        trickle.append(await post_test(here, 1000 + len(trickle), DEAD, smtp=False))
        await asyncio.sleep(0.2)
    answers = [*first, *trickle]
    assert all(answer.status == 200 for answer in answers)
    assert all(b"has not answered anybody" in answer.body for answer in first)
    after = [moment for moment in dead.connections if moment > opened]
    most_a_minute = max((sum(1 for other in after if 0 <= other - moment < 60) for moment in after), default=0)
    slowest = max(answer.seconds for answer in answers)
    p95 = quantiles([answer.seconds for answer in first], n=20)[-1]
    return [
        Ratio(
            "connections to a dead host in any minute after its breaker opens",
            most_a_minute,
            2,
            note=f"{len(dead.connections) - len(after)} before it opened, {len(after)} in {WATCHED_SECONDS} s after",
        ),
        Ratio("the slowest of 200 answers at once, in seconds", slowest, 1.0, note=f"p95 {milliseconds(p95)}"),
    ]


def run() -> list[Ratio]:
    """Five visitors find the host dead; then 200 come at once, and others for a minute."""
    dead = DeadHost()
    try:
        with crowded_portal(0.0) as crowded:
            return asyncio.run(_measure(crowded, dead))
    finally:
        dead.close()
