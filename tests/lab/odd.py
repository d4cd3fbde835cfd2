"""Servers that no real program plays: one that never speaks, one that hangs up, one that repeats what it hears."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.hosts import BLACK_HOLE, ECHO, HANG_UP, SILENT, Host, Ports

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class OddServers:
    """Runs them on one asyncio loop. `heard` is every line that the repeating server was sent."""

    addresses: dict[Host, str]
    ports: Ports
    certificate: Path
    heard: list[bytes] = field(default_factory=list)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    async def start(self) -> None:
        for port in self.ports.mail():
            await self._listen(SILENT, port, self._say_nothing)
            await self._listen(HANG_UP, port, self._hang_up)
            self._open_black_hole(port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        await self._listen(ECHO, self.ports.imaps, self._echo_imap, context)
        await self._listen(ECHO, self.ports.pop3s, self._echo_pop3, context)
        await self._listen(ECHO, self.ports.submissions, self._echo_smtp, context)

    def stop(self) -> None:
        for server in self._servers:
            server.close()
        for opened in self._sockets:
            opened.close()

    async def _listen(self, host: Host, port: int, talk: Talk, context: ssl.SSLContext | None = None) -> None:
        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                    await talk(reader, writer)
            except asyncio.CancelledError:
                writer.transport.abort()  # the lab ends; a farewell under TLS would be waited for
            finally:
                writer.close()

        server = await asyncio.start_server(guarded, self.addresses[host], port, ssl=context)
        self._servers.append(server)

    def _open_black_hole(self, port: int) -> None:
        """A listener whose queue is full: Linux drops further SYNs, as a firewall does."""
        listener = socket.socket()
        listener.bind((self.addresses[BLACK_HOLE], port))
        listener.listen(0)
        self._sockets.append(listener)
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((self.addresses[BLACK_HOLE], port))
            self._sockets.append(filler)

    async def _say_nothing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass

    async def _hang_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def _line(self, reader: asyncio.StreamReader) -> str:
        line = (await reader.readuntil(b"\n")).rstrip(b"\r\n")
        self.heard.append(line)
        return line.decode("utf-8", "replace")

    async def _echo_imap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR ID] repeats\r\n")
        while line := await self._line(reader):
            tag, _, rest = line.partition(" ")
            verb = rest.partition(" ")[0].upper()
            if verb == "CAPABILITY":
                writer.write(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR ID\r\n{tag} OK done\r\n".encode())
            elif verb == "LOGOUT":
                writer.write(f"* BYE bye\r\n{tag} OK done\r\n".encode())
                return
            else:
                if verb == "AUTHENTICATE" and rest.count(" ") == 1:
                    writer.write(b"+ \r\n")
                    rest = await self._line(reader)
                while rest.endswith("}"):  # a literal: the text is in the lines that follow
                    writer.write(b"+ go on\r\n")
                    rest += await self._line(reader)
                writer.write(f"{tag} NO [AUTHENTICATIONFAILED] no: {_repeat(rest)}\r\n".encode())

    async def _echo_pop3(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK repeats\r\n")
        while line := await self._line(reader):
            verb = line.partition(" ")[0].upper()
            if verb == "CAPA":
                writer.write(b"+OK\r\nUSER\r\nSASL PLAIN\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n.\r\n")
            elif verb == "QUIT":
                writer.write(b"+OK bye\r\n")
                return
            elif verb == "USER":
                writer.write(b"+OK\r\n")
            else:
                if verb == "AUTH" and line.count(" ") == 1:
                    writer.write(b"+ \r\n")
                    line = await self._line(reader)
                writer.write(f"-ERR [AUTH] no: {_repeat(line)}\r\n".encode())

    async def _echo_smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 echo.lab.test ESMTP repeats\r\n")
        while line := await self._line(reader):
            verb = line.partition(" ")[0].upper()
            if verb == "EHLO":
                writer.write(b"250-echo.lab.test\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000000\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                while verb == "AUTH" and line.count(" ") == 1:
                    writer.write(b"334 \r\n")
                    line += " " + await self._line(reader)
                said = _repeat(line)
                writer.write(f"535-5.7.8 no: {said}\r\n535 5.7.8 again: {said}\r\n".encode())


def _repeat(line: str) -> str:
    """The line, and what its last word says in Base64: what a careless or hostile server sends back."""
    last = line.rpartition(" ")[2]
    try:
        opened = base64.b64decode(last, validate=True).decode("utf-8", "replace").replace("\0", " ")
    except ValueError:
        opened = ""
    return f"{line} {opened}".replace("\r", "").replace("\n", "")
