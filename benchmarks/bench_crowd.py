"""200 tests at once, against servers that answer a login after 2 s, and a guide that is read meanwhile.

Once in the default single process, once with a process for pages and one for tests behind nginx (docs/scale.md).
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from benchmarks.figures import Ratio, milliseconds
from benchmarks.load import Target
from benchmarks.proxy import two_processes
from benchmarks.servers import Server, loaded_data, portal
from benchmarks.slow_mail import MailServers, mail_servers
from benchmarks.visitors import Answer, Readers, post_test

TESTS = 200
LOGIN_SECONDS = 2.0
GUIDE = "/en/guides/thunderbird/?at=gmail.com"
IDLE_PAGES = 120


@dataclass(frozen=True)
class Figures:
    """What one set-up of the portal came to. Times are seconds, memory is bytes."""

    failed: Counter[int]  # by the status of the answer
    single: float
    last: float
    idle_p95: float
    p95: float
    pages: int
    cpu_test: float  # of a processor, each test
    cpu_floor: float  # of a processor, each request for the constant view
    memory_test: float


def run() -> list[Ratio]:
    """Each visitor at another mail server, since the portal opens few connections to one; IMAP and SMTP."""
    with tempfile.TemporaryDirectory(prefix="bench-crowd-") as name:
        folder = Path(name)
        data = loaded_data(folder)
        with mail_servers(folder, LOGIN_SECONDS) as mail:
            with portal(data, **mail.settings()) as server:
                one = asyncio.run(_measure(mail, server, server, (server,)))
            with two_processes(data, **mail.settings()) as (proxy, pages, tests):
                two = asyncio.run(_measure(mail, proxy, tests, (pages, tests)))
    note = f"{milliseconds(one.p95)} against {milliseconds(one.idle_p95)} idle, {one.pages} pages"
    return [
        *_common("one process", one, most_processor=30),
        Ratio("one process: a guide's p95 meanwhile, in seconds", one.p95, 1.0, note=note),
        *_common("two processes", two),
        Ratio(
            "two processes: a guide's p95 meanwhile / its idle p95",
            two.p95 / two.idle_p95,
            4,
            note=f"{milliseconds(two.p95)} against {milliseconds(two.idle_p95)}, {two.pages} pages",
        ),
    ]


def _common(name: str, figures: Figures, most_processor: float | None = None) -> list[Ratio]:
    """No limit for the processor time with Redis: a test asks it two dozen times, which costs about 5 ms."""
    last = f"{figures.last:.2f} s against {figures.single:.2f} s"
    cpu = f"{milliseconds(figures.cpu_test)} against {milliseconds(figures.cpu_floor)}"
    failed = ", ".join(f"{number} with status {status}" for status, number in figures.failed.items())
    return [
        Ratio(f"{name}: tests refused or failed, of {TESTS} at once", figures.failed.total(), 0, note=failed),
        Ratio(f"{name}: the last test's end / a single test", figures.last / figures.single, 3.5, note=last),
        Ratio(
            f"{name}: processor, test / constant view", figures.cpu_test / figures.cpu_floor, most_processor, note=cpu
        ),
        Ratio(f"{name}: memory of a test, in MB", figures.memory_test / 1e6, 1.0),
    ]


async def _measure(mail: MailServers, front: Server, tests: Server, processes: tuple[Server, ...]) -> Figures:
    """Visitors come to `front`; `tests` runs their tests; memory and processor are those of all `processes`."""

    async def test(visitor: int) -> Answer:
        return await post_test(front.port, mail, visitor)

    def works(answer: Answer) -> bool:
        return answer.status == 200 and b"It works" in answer.body

    def cpu() -> float:
        return sum(server.cpu_seconds() for server in processes)

    def memory() -> int:
        return sum(server.memory() for server in processes)

    for number in range(3):  # what a process does once
        assert works(await test(TESTS + number))
    single = median([(await test(TESTS + 10 + number)).seconds for number in range(3)])
    Readers(front.port, GUIDE, 20).stop()
    idle = Readers(front.port, GUIDE, IDLE_PAGES).stop()

    spent = tests.cpu_seconds()
    _rate, requests = Target(tests, "/livez").measure(seconds=4)
    cpu_floor = (tests.cpu_seconds() - spent) / requests

    most = before = memory()
    watching = asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not watching.is_set():
            most = max(most, memory())
            await asyncio.sleep(0.1)

    readers = Readers(front.port, GUIDE, 20)
    watcher = asyncio.create_task(watch())
    await asyncio.sleep(1)  # until the readers have come
    spent, began = cpu(), time.perf_counter()
    ended = await asyncio.gather(*(test(number) for number in range(TESTS)))
    last, spent = time.perf_counter() - began, cpu() - spent
    pages = await asyncio.to_thread(readers.stop)
    watching.set()
    await watcher
    return Figures(
        failed=Counter(answer.status for answer in ended if not works(answer)),
        single=single,
        last=last,
        idle_p95=_p95(idle),
        p95=_p95(pages),
        pages=len(pages),
        cpu_test=spent / TESTS,
        cpu_floor=cpu_floor,
        memory_test=(most - before) / TESTS,
    )


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]
