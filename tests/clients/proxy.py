"""https in front of the portal, as a proxy does it: TLS ends here, and the bytes go on as they are."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from tests.lab.certificates import make_authority, make_certificate, pem


class TlsProxy(AbstractContextManager["TlsProxy"]):
    """Listens on port 443 of a loopback address of its own, with a certificate for `names`."""

    def __init__(self, folder: Path, names: list[str], port: int) -> None:
        self.address = f"127.{random.randrange(64, 128)}.{random.randrange(4, 250)}.1"
        self._port = port
        root = make_authority("Clients' root")
        self.root = pem(root).decode()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(make_certificate(names, root).write(folder / "web.pem"))

    def __enter__(self) -> TlsProxy:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listen = asyncio.start_server(self._talk, self.address, 443, ssl=self._context)
        self._server = asyncio.run_coroutine_threadsafe(listen, self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async def stop() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_portal = await asyncio.open_connection("127.0.0.1", self._port)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await asyncio.gather(_pass_on(reader, to_portal), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
