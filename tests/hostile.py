"""Servers that attack or are broken, for tests/test_hostile_servers.py: what they do, and how polite they are before it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from guides.mail.accounts import Protocol, Security
from tests import channels
from tests.scripted import Connection, Imap, Pop3, Scripted, Smtp, certificates

IMAP, POP3, SMTP = Protocol.IMAP, Protocol.POP3, Protocol.SMTP
Deed = Callable[[Connection, "Stand"], Awaitable[None]]


class Mode(Enum):
    """Where the deed is done: before STARTTLS, behind it, or under TLS from the first byte."""

    CLEAR = "clear"
    STARTTLS = "starttls"
    TLS = "tls"


class Phase(Enum):
    """What the server is about to say when it turns hostile."""

    GREETING = "greeting"
    CAPABILITIES = "capabilities"
    LOGIN = "login"
    MAILBOX = "mailbox"


@dataclass(frozen=True)
class Stand:
    """A place for a deed."""

    protocol: Protocol
    mode: Mode
    phase: Phase

    @property
    def prefix(self) -> bytes:
        """What makes a line untagged data, or the middle of a reply, here."""
        if self.protocol is IMAP:
            return b"* "
        if self.protocol is SMTP:
            code = {Phase.GREETING: b"220-", Phase.CAPABILITIES: b"250-", Phase.LOGIN: b"535-", Phase.MAILBOX: b"250-"}
            return code[self.phase]
        return b"+OK\r\n" if self.phase is Phase.CAPABILITIES else b"+OK "


def server_at(stand: Stand, deed: Deed) -> Scripted:
    """A server that is polite up to its phase, and then does the deed."""
    kind = {IMAP: Imap, POP3: Pop3, SMTP: Smtp}[stand.protocol]
    security = Security.TLS if stand.mode is Mode.TLS else Security.STARTTLS
    server = kind(security=security)

    async def talk(connection: Connection) -> None:
        await _polite_until(connection, stand)
        await deed(connection, stand)

    server.talk = talk
    return server


async def _polite_until(connection: Connection, stand: Stand) -> None:
    if stand.mode is Mode.STARTTLS:
        await _through_starttls(connection, stand.protocol)
    elif stand.phase is Phase.GREETING:
        return
    else:
        await connection.say(GREETINGS[stand.protocol])
    command = await connection.hear()
    if stand.phase is Phase.CAPABILITIES:
        return
    await say_capabilities(connection, stand.protocol, command)
    command = await connection.hear()
    if stand.phase is Phase.LOGIN:
        return
    await connection.say(*_success(stand.protocol, command))
    await connection.hear()


async def _through_starttls(connection: Connection, protocol: Protocol) -> None:
    await agree_to_tls(connection, protocol)
    await connection.start_tls(certificates().context("good"))


async def agree_to_tls(connection: Connection, protocol: Protocol) -> None:
    """Everything up to the server's consent to TLS."""
    await connection.say(GREETINGS[protocol])
    command = await connection.hear()
    clear = {
        IMAP: (b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED", tag_of(command) + b" OK done"),
        POP3: (b"+OK", b"STLS", b"."),
        SMTP: (b"250-x", b"250 STARTTLS"),
    }
    await connection.say(*clear[protocol])
    command = await connection.hear()
    await connection.say({IMAP: tag_of(command) + b" OK begin", POP3: b"+OK begin", SMTP: b"220 begin"}[protocol])


async def shake_hands(connection: Connection, context: ssl.SSLContext) -> None:
    """A handshake of the server's side that sends its last alert, too; asyncio's own drops it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    with contextlib.suppress(ssl.SSLError):
        while True:
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:
                connection.writer.write(outgoing.read())
                incoming.write(await connection.reader.read(4096) or b"\0")
            else:
                break
    connection.writer.write(outgoing.read())
    await connection.writer.drain()


GREETINGS = {IMAP: b"* OK ready", POP3: b"+OK ready", SMTP: b"220 x ESMTP"}


def tag_of(command: bytes) -> bytes:
    return command.partition(b" ")[0]


async def say_capabilities(connection: Connection, protocol: Protocol, command: bytes) -> None:
    """What a good server offers."""
    offered = {
        IMAP: (b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN", tag_of(command) + b" OK done"),
        POP3: (b"+OK", b"USER", b"UIDL", b"TOP", b"."),
        SMTP: (b"250-x", b"250 AUTH PLAIN"),
    }
    await connection.say(*offered[protocol])


def _success(protocol: Protocol, command: bytes) -> tuple[bytes, ...]:
    return {IMAP: (tag_of(command) + b" OK [CAPABILITY IMAP4rev1] in",), POP3: (b"+OK",), SMTP: (b"235 in",)}[protocol]


# --- deeds -----------------------------------------------------------------------------------------------

HOLD = 5.0  # longer than any limit of these tests


async def say_nothing(connection: Connection, stand: Stand) -> None:
    await asyncio.sleep(HOLD)


async def hang_up(connection: Connection, stand: Stand) -> None:
    """Close in order, as far as TLS and TCP go."""
    connection.writer.close()
    await asyncio.sleep(0.05)


async def reset(connection: Connection, stand: Stand) -> None:
    """Close with a RST."""
    opened = connection.writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.writer.transport.abort()


async def drip(connection: Connection, stand: Stand) -> None:
    """One byte at a time: within any limit on a wait, so only a limit on the whole reply ends it."""
    while True:
        connection.writer.write(b"x")
        await connection.writer.drain()
        await asyncio.sleep(0.05)


async def _flood(connection: Connection, data: bytes) -> None:
    while True:
        connection.writer.write(data)
        await connection.writer.drain()


async def endless_line(connection: Connection, stand: Stand) -> None:
    await _flood(connection, b"x" * 4096)


async def endless_lines(connection: Connection, stand: Stand) -> None:
    """Lines that mean nothing."""
    await _flood(connection, b"hello\r\n" * 500)


async def endless_reply(connection: Connection, stand: Stand) -> None:
    """Lines of a reply that never comes to its end."""
    await connection.say(stand.prefix + b"1 EXISTS")
    line = b"X-MORE\r\n" if stand.protocol is POP3 else stand.prefix + b"1 EXISTS\r\n"
    await _flood(connection, line * 200)


def saying(text: bytes) -> Deed:
    """Say one thing, `{tag}` being the command's, and then nothing more."""

    async def deed(connection: Connection, stand: Stand) -> None:
        tag = tag_of(connection.heard[-1]) if connection.heard else b"a1"
        connection.writer.write(text.replace(b"{tag}", tag))
        await connection.writer.drain()
        await asyncio.sleep(HOLD)

    return deed


async def endless_continuations(connection: Connection, stand: Stand) -> None:
    prompt = b"334 \r\n" if stand.protocol is SMTP else b"+ \r\n"
    while True:
        connection.writer.write(prompt)
        await connection.writer.drain()
        await connection.hear()


def with_a_huge_certificate(protocol: Protocol) -> Scripted:
    """Under TLS from the first byte, with a certificate of 6,000 names."""
    server = {IMAP: Imap, POP3: Pop3, SMTP: Smtp}[protocol](speaks_tls=False)
    context = channels.authority().server_context(extra_names=6000)

    async def talk(connection: Connection) -> None:
        await shake_hands(connection, context)
        await asyncio.sleep(0.1)

    server.talk = talk
    return server
