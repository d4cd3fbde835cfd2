"""The background loop: streaming to a thread, heartbeats, cancelling, faults without values."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from time import monotonic, sleep

import pytest

from guides.mail.connection.loop import BackgroundLoop, LoopClosed
from tests.channels import RESOLUTION, Server, egress_to


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    yield loop
    loop.close()


def test_items_come_one_by_one_with_heartbeats_between(loop: BackgroundLoop) -> None:
    async def work() -> AsyncIterator[str]:
        yield "first"
        await asyncio.sleep(0.35)
        yield "second"

    # a loaded machine may send heartbeats before the first item, too, and fewer of them in the pause
    parts = list(loop.stream(work, heartbeat=0.1))
    assert [part for part in parts if part] == [["first"], ["second"]]
    between = parts[parts.index(["first"]) + 1 : parts.index(["second"])]
    assert 1 <= len(between) <= 4


def test_items_that_came_meanwhile_come_together_and_the_end_after_them(loop: BackgroundLoop) -> None:
    async def work() -> AsyncIterator[int]:
        for number in range(3):
            yield number
        raise LockedOutError("no")

    items = loop.stream(work, heartbeat=5)
    sleep(0.2)
    assert next(items) == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(LockedOutError):
            next(items)


def test_it_starts_no_thread_before_it_is_used() -> None:
    before = threading.active_count()
    loop = BackgroundLoop()
    assert threading.active_count() == before
    loop.close()


def test_jobs_of_many_threads_run_side_by_side_on_one(loop: BackgroundLoop) -> None:
    seen: list[tuple[int | None, str]] = []

    async def work(name: str) -> None:
        await asyncio.sleep(0.3)
        seen.append((threading.current_thread().ident, name))

    threads = [threading.Thread(target=lambda n=n: loop.run(work(str(n)))) for n in range(20)]
    began = monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert monotonic() - began < 4  # one after another: 6 s
    assert len({ident for ident, _ in seen}) == 1
    assert {name for _, name in seen} == {str(n) for n in range(20)}


def test_run_returns_the_result_even_when_it_is_nothing(loop: BackgroundLoop) -> None:
    async def answer(value: object) -> object:
        await asyncio.sleep(0)
        return value

    assert loop.run(answer(42)) == 42
    assert loop.run(answer(None)) is None


class LockedOutError(Exception):
    pass


def test_what_the_work_raises_is_raised_here_without_its_local_variables(loop: BackgroundLoop) -> None:
    async def log_in(password: str) -> None:
        await asyncio.sleep(0)
        try:
            int("x" + password[:0])
        except ValueError as error:
            raise LockedOutError("no") from error

    async def work() -> AsyncIterator[str]:
        password = "correct " + "horse"
        yield "first"
        await log_in(password)

    items = loop.stream(work, heartbeat=1)
    assert next(items) == ["first"]
    with pytest.raises(LockedOutError) as caught:
        next(items)
    captured = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(captured.format())
    assert "log_in" in text  # where it happened is still told
    assert "correct horse" not in text


def test_the_loop_complains_without_values(loop: BackgroundLoop, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        def fail(password: str) -> None:
            raise LockedOutError(password)

        asyncio.get_running_loop().call_soon(fail, "correct horse")
        await asyncio.sleep(0.01)

    with caplog.at_level(logging.ERROR):
        loop.run(work())
    assert "LockedOutError" in caplog.text
    assert "horse" not in caplog.text


def silent_server(loop: BackgroundLoop) -> tuple[Server, list[asyncio.Server]]:
    """A server on the loop that takes connections and says nothing."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = Server(script)

    async def start() -> asyncio.Server:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        return listener

    return server, [loop.run(start())]


def test_a_visitor_who_leaves_closes_the_sockets_within_a_second(loop: BackgroundLoop) -> None:
    servers = BackgroundLoop()
    server, (listener,) = silent_server(servers)
    lost: list[bool] = []

    async def work() -> AsyncIterator[str]:
        channel = await egress_to(server).connect(RESOLUTION, server.port)
        try:
            yield "connected"
            await channel.read_line(60)
        finally:
            channel.close()
            lost.append(channel._wire.transport.is_closing())

    items = loop.stream(work, heartbeat=0.1)
    assert next(items) == ["connected"]
    assert next(items) == []
    began = monotonic()
    items.close()
    assert monotonic() - began < 5
    assert lost == [True]

    async def gone() -> None:
        await asyncio.wait_for(server.gone.wait(), 1)
        listener.close()

    servers.run(gone())
    servers.close()


def test_work_that_does_not_end_is_not_waited_for_long(loop: BackgroundLoop) -> None:
    async def work() -> AsyncIterator[str]:
        yield "started"
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(20)

    items = loop.stream(work, heartbeat=0.1)
    assert next(items) == ["started"]
    sleep(0.05)
    began = monotonic()
    items.close()
    assert 0.9 < monotonic() - began < 10


def test_closing_before_anything_came(loop: BackgroundLoop) -> None:
    async def work() -> AsyncIterator[str]:
        await asyncio.sleep(60)
        yield "never"

    never_started = loop.stream(work, heartbeat=0.05)
    never_started.close()
    items = loop.stream(work, heartbeat=0.05)
    assert next(items) == []
    began = monotonic()
    items.close()
    assert monotonic() - began < 5


def test_closing_the_loop_ends_what_runs_and_refuses_more() -> None:
    loop = BackgroundLoop()
    ended = threading.Event()

    async def work() -> AsyncIterator[str]:
        yield "started"
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def answer() -> int:
        return 42

    items = loop.stream(work, heartbeat=5)
    assert next(items) == ["started"]
    sleep(0.05)
    loop.close()
    assert ended.is_set()
    with pytest.raises(LoopClosed):
        next(items)
    with pytest.raises(LoopClosed):
        loop.run(answer())
    loop.close()
