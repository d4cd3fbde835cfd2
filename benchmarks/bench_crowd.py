"""200 tests at once in one worker process, against servers that answer a login after 2 s; and guides meanwhile."""

from __future__ import annotations

import asyncio
import time
from statistics import median, quantiles

from benchmarks.crowd_portal import Crowded, crowded_portal, get, post_test
from benchmarks.figures import Ratio, milliseconds

TESTS = 200
LOGIN_SECONDS = 2.0
GUIDE = "/en/guides/thunderbird/?at=gmail.com"
PAGE_EVERY = 0.1


async def _single(crowded: Crowded, visitor: int) -> float:
    answer = await post_test(crowded, visitor)
    assert answer.status == 200, answer.body[:300]
    assert b"It works" in answer.body, answer.body[-3000:].decode()
    return answer.seconds


async def _pages(crowded: Crowded, until: asyncio.Event, least: int) -> list[float]:
    """Readers of a guide, one after another at a steady pace, until told to stop."""
    taken: list[asyncio.Task[float]] = []

    async def one() -> float:
        answer = await get(crowded.portal, GUIDE)
        assert answer.status == 200
        return answer.seconds

    while not until.is_set() or len(taken) < least:
        taken.append(asyncio.create_task(one()))
        await asyncio.sleep(PAGE_EVERY)
    return list(await asyncio.gather(*taken))


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


async def _measure(crowded: Crowded) -> list[Ratio]:
    for number in range(3):
        await _single(crowded, 200 + number)
    done = asyncio.Event()
    done.set()
    await _pages(crowded, done, 20)
    idle = _p95(await _pages(crowded, done, 120))
    single = median([await _single(crowded, 210 + number) for number in range(3)])

    before = crowded.worker_memory()
    most = before
    finished = asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not finished.is_set():
            most = max(most, crowded.worker_memory())
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    reading = asyncio.create_task(_pages(crowded, finished, 20))
    worked = crowded.worker_seconds()
    began = time.perf_counter()
    taken = await asyncio.gather(*(_single(crowded, number) for number in range(TESTS)))
    last = time.perf_counter() - began
    worked = crowded.worker_seconds() - worked
    finished.set()
    pages = await reading
    await watching
    meanwhile = _p95(pages)
    a_test = (most - before) / TESTS
    note = f"{last:.2f} s against {single:.2f} s; median {median(taken):.2f} s; {worked:.2f} s of a processor"
    return [
        Ratio("200 tests at once: the last one's end / a single test", last / single, 1.5, note=note),
        Ratio(
            "a guide's p95 meanwhile / its idle p95",
            meanwhile / idle,
            2.0,
            note=f"{milliseconds(meanwhile)} against {milliseconds(idle)}, {len(pages)} pages",
        ),
        Ratio(
            "memory a test, in MB", a_test / 1e6, 1.0, note=f"{before / 1e6:.0f} MB before, {most / 1e6:.0f} MB at most"
        ),
    ]


def run() -> list[Ratio]:
    """200 visitors, each at a mail server of their own; IMAP and SMTP."""
    with crowded_portal(LOGIN_SECONDS) as crowded:
        return asyncio.run(_measure(crowded))
