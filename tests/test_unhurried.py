"""A clock that stands while its loop works, and goes while it waits."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.unhurried import run_unhurried


def test_work_takes_no_time_and_waiting_does() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        time.sleep(0.3)  # noqa: ASYNC251 (this is the work)
        worked = loop.time() - began
        await asyncio.sleep(0.2)
        return worked, loop.time() - began

    worked, waited = run_unhurried(main())
    assert worked == 0
    assert waited == pytest.approx(0.2, abs=0.01)


def test_nobody_comes_to_an_end_by_another_ones_work() -> None:
    async def main() -> str:
        async def work() -> None:
            for _ in range(5):
                time.sleep(0.1)  # noqa: ASYNC251
                await asyncio.sleep(0)

        asyncio.get_running_loop().create_task(work())
        async with asyncio.timeout(0.2):
            await asyncio.sleep(0.1)
        return "in time"

    assert run_unhurried(main()) == "in time"


def test_a_wait_in_vain_ends() -> None:
    async def main() -> None:
        async with asyncio.timeout(0.1):
            await asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        run_unhurried(main())
