"""A proxy on loopback that delays everything by the same time each way, the way to a far server.

The kernel accepts a connection at once; the round trip that connecting takes is charged to the first bytes instead:
what a client sends arrives no sooner than it would have after a handshake of three delays.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading


class DelayProxy:
    """Listens on `address` on each of `ports`, and leads to the same port of another address. Runs in a thread."""

    def __init__(self, address: str, target: str, ports: list[int], dns: tuple[str, int], delay: float) -> None:
        self.address = address
        self.dns = (address, dns[1])
        self._target = target
        self._ports = ports
        self._target_dns = dns
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="delay", daemon=True)

    def __enter__(self) -> DelayProxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _begin(self) -> None:
        for port in self._ports:
            await asyncio.start_server(lambda r, w, port=port: self._accept(r, w, port), self.address, port)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: _Datagrams(self._target_dns, self._delay), self.dns)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        loop = asyncio.get_running_loop()
        connected = loop.time() + 2 * self._delay  # when the client would have seen the handshake's answer
        await asyncio.sleep(3 * self._delay)  # when the server would have seen its end
        try:
            far_reader, far_writer = await asyncio.open_connection(self._target, port)
        except OSError:
            writer.close()
            return
        with contextlib.suppress(asyncio.CancelledError):  # the end of the benchmark
            await asyncio.gather(self._pump(reader, far_writer, connected), self._pump(far_reader, writer, 0.0))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, not_before: float) -> None:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    break
                writer.write(data)
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof() if writer.can_write_eof() else writer.close()

        delivering = asyncio.create_task(deliver())
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                waiting.put_nowait((max(loop.time(), not_before) + self._delay, data))
        waiting.put_nowait((loop.time() + self._delay, b""))
        await delivering


class _Datagrams(asyncio.DatagramProtocol):
    """DNS questions there and answers back, delayed."""

    def __init__(self, target: tuple[str, int], delay: float) -> None:
        self._target = target
        self._delay = delay
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, sender: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(data, sender))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, data: bytes, sender: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()

        class Once(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, _sender: tuple[str, int]) -> None:
                if not answered.done():
                    answered.set_result(data)

        await asyncio.sleep(self._delay)
        transport, _ = await loop.create_datagram_endpoint(Once, remote_addr=self._target)
        try:
            transport.sendto(data)
            answer = await asyncio.wait_for(answered, 5)
        finally:
            transport.close()
        await asyncio.sleep(self._delay)
        self._transport.sendto(answer, sender)  # type: ignore[attr-defined]
