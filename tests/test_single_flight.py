"""Work that several want at the same moment."""

from __future__ import annotations

import asyncio

import pytest

from guides.mail.single_flight import SingleFlight


class _Work:
    """Counts how often it began and ended, and goes on when it is let."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.go_on = asyncio.Event()

    async def run(self) -> int:
        self.begun += 1
        try:
            await self.go_on.wait()
            return self.begun
        finally:
            self.ended += 1


def test_it_is_done_once_for_all_who_wait_and_anew_for_who_comes_later() -> None:
    async def main() -> None:
        single_flight, work = SingleFlight[int](), _Work()
        waiting = [asyncio.create_task(single_flight.join("a", work.run)) for _ in range(3)]
        other = asyncio.create_task(single_flight.join("b", work.run))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert work.begun == 2
        work.go_on.set()
        assert await asyncio.gather(*waiting, other) == [2, 2, 2, 2]
        assert await single_flight.join("a", work.run) == 3

    asyncio.run(main())


def test_who_leaves_does_not_end_it_for_others_and_the_last_one_does() -> None:
    async def main() -> None:
        single_flight, work = SingleFlight[int](), _Work()
        one, other = (asyncio.create_task(single_flight.join("a", work.run)) for _ in range(2))
        await asyncio.sleep(0.01)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        assert (work.begun, work.ended) == (1, 0)
        other.cancel()
        with pytest.raises(asyncio.CancelledError):
            await other
        assert work.ended == 1

    asyncio.run(main())


def test_its_failure_is_everybodys() -> None:
    async def fail() -> int:
        await asyncio.sleep(0)
        raise OSError("down")

    async def main() -> None:
        single_flight = SingleFlight[int]()
        ends = await asyncio.gather(*(single_flight.join("a", fail) for _ in range(2)), return_exceptions=True)
        assert [type(end) for end in ends] == [OSError, OSError]

    asyncio.run(main())
