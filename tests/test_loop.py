"""The background loop: streaming to a thread, heartbeats, cancelling, faults without values, forks."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from time import monotonic, sleep

import pytest

from guides.mail.connection import loop as module
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

    began = monotonic()
    items = loop.stream(work, heartbeat=0.1)
    assert next(items) == "first"
    assert monotonic() - began < 0.1
    rest = list(items)
    assert rest[-1] == "second"
    assert 2 <= rest[:-1].count(None) <= 4
    assert len(rest) == rest.count(None) + 1


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
    assert monotonic() - began < 1
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
    assert next(items) == "first"
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
    assert next(items) == "connected"
    assert next(items) is None
    began = monotonic()
    items.close()
    assert monotonic() - began < 0.5
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
            await asyncio.sleep(2.5)

    items = loop.stream(work, heartbeat=0.1)
    assert next(items) == "started"
    sleep(0.05)
    began = monotonic()
    items.close()
    assert 0.9 < monotonic() - began < 1.5


def test_closing_before_anything_came(loop: BackgroundLoop) -> None:
    async def work() -> AsyncIterator[str]:
        await asyncio.sleep(60)
        yield "never"

    never_started = loop.stream(work, heartbeat=0.05)
    never_started.close()
    items = loop.stream(work, heartbeat=0.05)
    assert next(items) is None
    began = monotonic()
    items.close()
    assert monotonic() - began < 0.5


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
    assert next(items) == "started"
    sleep(0.05)
    loop.close()
    assert ended.is_set()
    with pytest.raises(LoopClosed):
        next(items)
    with pytest.raises(LoopClosed):
        loop.run(answer())
    loop.close()


FORKS = """
import asyncio, os, sys
from guides.mail.connection.loop import BackgroundLoop

loop = BackgroundLoop()

async def where():
    return os.getpid()

assert loop.run(where()) == os.getpid()
child = os.fork()
if child == 0:
    ok = loop.run(where()) == os.getpid()
    os._exit(0 if ok else 1)
_, status = os.waitpid(child, 0)
assert loop.run(where()) == os.getpid()
loop.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_process_gets_a_loop_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], timeout=20, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_items_that_may_wait_come_together_and_one_that_may_not_brings_them_along(loop: BackgroundLoop) -> None:
    async def work() -> AsyncIterator[str]:
        for item in ("a", "b", "now", "c", "d"):
            yield item

    patience = {"now": 0.0}
    batches = loop.batches(work, 5, lambda item: patience.get(item, 60.0))
    assert list(batches) == [["a", "b", "now"], ["c", "d"]]  # the end waits for nothing either


def test_items_wait_no_longer_than_they_may(loop: BackgroundLoop) -> None:
    async def work() -> AsyncIterator[str]:
        yield "a"
        yield "b"
        await asyncio.sleep(60)

    batches = loop.batches(work, 30, lambda _: 0.05)
    assert next(iter(batches)) == ["a", "b"]
    batches.close()


def test_it_is_courteous_at_each_of_its_turns(loop: BackgroundLoop) -> None:
    seen: list[str | None] = []
    loop.courtesy = lambda: seen.append(threading.current_thread().name)

    async def work() -> None:
        await asyncio.sleep(0.01)

    loop.run(work())
    assert set(seen) == {"connection-tests"}


def test_a_reader_who_seems_to_be_gone_is_woken_until_that_is_found_out(
    loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.02)
    gone = threading.Event()

    async def work() -> AsyncIterator[str]:
        yield "first"
        await asyncio.sleep(60)

    with closing(loop.batches(work, heartbeat=30, has_left=gone.is_set)) as batches:
        items = iter(batches)
        assert next(items) == ["first"]
        sleep(0.1)
        assert batches._job.messages.empty()  # nobody is woken while they read
        gone.set()
        assert [next(items), next(items)] == [None, None]
        gone.clear()
        sleep(0.1)
        while not batches._job.messages.empty():
            next(items)
        sleep(0.1)
        assert batches._job.messages.empty()


def test_nobody_looks_for_a_reader_of_what_has_ended(loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    looks: list[int] = []

    async def work() -> AsyncIterator[str]:
        yield "only"

    batches = loop.batches(work, 30, has_left=lambda: bool(looks.append(1)))
    assert list(batches) == [["only"]]
    before = len(looks)
    assert before
    sleep(0.1)
    assert len(looks) == before
