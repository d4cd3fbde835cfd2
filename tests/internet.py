"""A small internet on loopback: a DNS server, a web server on port 443, and mail ports; every name ends in `.test`.

It needs root, as the lab does: the portal asks web servers on port 443 alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from dnslib import A

from guides.mail.connection.limits import Limits
from guides.mail.network import Egress, EgressConfig
from tests.lab.certificates import make_authority, make_certificate, pem
from tests.lab.dns import Data, Name, NameServer

Stream = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Page:
    """What the web server answers. `stream` writes an answer of its own instead, head and all."""

    body: bytes = b""
    status: int = 200
    media_type: str = "text/xml"
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0  # before the answer begins
    stream: Stream | None = None


def redirect(location: str, status: int = 301) -> Page:
    """An answer that sends on."""
    return Page(status=status, headers=(("Location", location),))


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    host: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


MAIL_SERVER = re.compile(r"(imap|smtp|pop|mail|in|out|mx|[a-z])\d*\..+\.test")


class Zone(dict[str, Name]):
    """Names with what they lead to. Mail servers that settings may name exist all, below an address that refuses
    every connection; `gone.` begins the name of one that does not.
    """

    elsewhere = ""

    def get(self, name: str, default: Any = None) -> Any:
        """What the name server knows of a name."""
        unknown = Name((A(self.elsewhere),)) if MAIL_SERVER.fullmatch(name) else default
        return super().get(name, unknown)


@dataclass
class Internet:
    """Names, pages and mail ports are added before it starts; pages and records may change while it runs.

    A host's certificate names it, unless it is in `uncertified`.
    """

    pages: dict[tuple[str, str], Page] = field(default_factory=dict)
    zone: Zone = field(default_factory=Zone)
    mail: dict[str, tuple[int, ...]] = field(default_factory=dict)  # host -> ports that speak TLS there
    uncertified: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def host(self, *names: str) -> None:
        """Names that lead to the web server."""
        for name in names:
            self.zone[name] = Name((*self._data(name), A(self.web)))

    def records(self, name: str, *data: Data) -> None:
        """More records of a name."""
        self.zone[name] = Name((*self._data(name), *data))

    def page(self, url: str, page: Page | bytes) -> None:
        """What an https address answers. Its host leads to the web server."""
        host, slash, path = url.removeprefix("https://").partition("/")
        if host not in self.zone or not any(isinstance(data, A) for data in self._data(host)):
            self.host(host)
        self.pages[host, f"{slash}{path}"] = page if isinstance(page, Page) else Page(page)

    def mail_host(self, name: str, *ports: int, certified: bool = True) -> None:
        """A name with an address of its own, where `ports` speak TLS."""
        number = len(self.mail) + 2
        self.records(name, A(f"{self.network}.{number}"))
        self.mail[name] = ports
        if not certified:
            self.uncertified.add(name)

    def __post_init__(self) -> None:
        self.network = f"127.{random.randrange(128, 250)}.{random.randrange(4, 250)}"
        self.web = f"{self.network}.1"
        self.zone.elsewhere = f"{self.network}.253"
        self.dns_server = (f"{self.network}.254", 5300)
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def __enter__(self) -> Internet:
        self._cleanup = contextlib.ExitStack()
        self.folder = Path(self._cleanup.enter_context(TemporaryDirectory(prefix="internet-")))
        root = make_authority("Internet root")
        self.ca_file = self.folder / "root.pem"
        self.ca_file.write_bytes(pem(root))
        names = [name for name in self.zone if "_" not in name and name not in self.uncertified]
        certificate = make_certificate(names or ["none.test"], root).write(self.folder / "good.pem")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self.dns = NameServer(self.zone, domain="test")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="internet", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._cleanup.close()

    def config(self) -> EgressConfig:
        """What lets an egress find and trust it."""
        return EgressConfig(
            dns_servers=(self.dns_server,),
            allowed_networks=(ip_network(f"{self.network}.0/24"),),
            allowed_suffixes=frozenset({"test"}),
            extra_ca_file=self.ca_file,
        )

    def environment(self) -> dict[str, str]:
        """The same as the portal's settings."""
        host, port = self.dns_server
        return {
            "DNS_SERVERS": f"{host}:{port}",
            "EXTRA_CA_FILE": str(self.ca_file),
            "ALLOWED_NETWORKS": f"{self.network}.0/24",
            "ALLOWED_SUFFIXES": "test",
        }

    def egress(self, limits: Limits | None = None) -> Egress:
        """An egress to it."""
        return Egress(self.config(), limits)

    def _data(self, name: str) -> tuple[Data, ...]:
        return self.zone[name].data if name in self.zone else ()

    async def _start(self) -> None:
        self._datagrams, dns_streams = await self.dns.serve(self.dns_server)
        web = await asyncio.start_server(self._guarded(self._serve), self.web, 443, ssl=self._context)
        self._servers = [dns_streams, web]
        for number, ports in enumerate(self.mail.values(), start=2):
            for port in ports:
                mail = self._guarded(self._greet)
                self._servers.append(
                    await asyncio.start_server(mail, f"{self.network}.{number}", port, ssl=self._context)
                )

    async def _stop(self) -> None:
        self._datagrams.close()
        for server in self._servers:
            server.close()
        await asyncio.sleep(0.05)  # what was accepted a moment ago gets its talk, and who hung up is noticed
        for task, writer in list(self._talks.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        others = asyncio.all_tasks() - {asyncio.current_task()}  # the DNS server's
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)

    def _guarded(
        self, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError
            ):
                await talk(reader, writer)
                await writer.drain()
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            task = asyncio.get_running_loop().create_task(guarded(reader, writer))
            self._talks[task] = writer  # a task that is cancelled before its first step closes nothing
            task.add_done_callback(lambda done: self._talks.pop(done, None))

        return connected

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK hello\r\n")
        await reader.read()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        host = headers["host"].partition(":")[0]
        self.asked.append(Asked(method, host, target, headers, body))
        page = self.pages.get((host, target)) or Page(b"no such page", 404, "text/html")
        await asyncio.sleep(page.seconds)
        if page.stream is not None:
            await page.stream(writer)
            return
        head = [f"HTTP/1.1 {page.status} X", f"Content-Type: {page.media_type}", f"Content-Length: {len(page.body)}"]
        head += [f"{name}: {value}" for name, value in page.headers]
        writer.write("\r\n".join([*head, "", ""]).encode() + page.body)
