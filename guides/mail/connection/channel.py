"""One bounded line channel for IMAP, POP3 and SMTP.

The standard library's clients store all that a server sends, wait without limit for a slow server, and accept clear
text sent after the STARTTLS reply as if it had come through TLS (command injection). This channel buffers at most
`Limits.line` and a few chunks, counts every byte, has a deadline for every wait, and empties its buffer at STARTTLS.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from guides.mail.connection.limits import Attempt, ChannelFault, Limits
from guides.mail.connection.tls import TlsInfo, looks_like_tls, sent_chain, tls_fault, tls_info

__all__ = ["Attempt", "Channel", "ChannelFault", "Limits", "TlsInfo", "Wire"]

CHUNK = 8 * 1024
HEAD = 512  # bytes kept of what is received instead of a handshake, before any personal data was sent


class Wire(asyncio.BufferedProtocol):
    """The asyncio protocol of a clear connection, with its buffer of received bytes.

    Reading from the socket pauses while more than `Limits.line` bytes are buffered, so that TCP limits the server.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.pending = bytearray()
        self.received = 0
        self.fault: str | None = None
        self.closed = asyncio.Event()
        self._chunk = memoryview(bytearray(CHUNK))
        self._transport: asyncio.Transport | None = None
        self._reading = True
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def transport(self) -> asyncio.Transport:
        """The transport; only after `connection_made`."""
        assert self._transport is not None  # noqa: S101
        return self._transport

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        transport.set_write_buffer_limits(high=0)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._chunk

    def buffer_updated(self, nbytes: int) -> None:
        self.received += nbytes
        if self.received > self.limits.connection_bytes:
            self.lose("limit.exceeded")
            self.transport.abort()
            return
        self._take(self._chunk[:nbytes])
        if len(self.pending) > self.limits.line and self._reading:
            self._reading = False
            self.transport.pause_reading()
        self._news.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.lose("net.closed" if error is None else "net.timeout" if isinstance(error, TimeoutError) else "net.reset")
        self.closed.set()

    # What the channel calls.

    def lose(self, cause: str) -> None:
        """Note why no more data will come. Only the first cause counts."""
        self.fault = self.fault or cause
        self._news.set()
        self._writable.set()

    async def more(self) -> None:
        """Wait for more data. Raises ChannelFault when no more will come."""
        self._news.clear()
        if self.fault is not None:
            raise ChannelFault(self.fault)
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()
        await self._news.wait()

    def take(self, count: int) -> bytes:
        """Remove and return the first `count` bytes."""
        taken = bytes(self.pending[:count])
        del self.pending[:count]
        return taken

    def send(self, data: bytes) -> None:
        """Write `data` to the transport."""
        self.transport.write(data)

    @property
    def is_sent(self) -> bool:
        """Whether the kernel has taken all data, and the connection is open."""
        return self._writable.is_set() and self.fault is None

    async def sent(self) -> None:
        """Wait until the kernel has taken all data. Raises ChannelFault when the connection is lost."""
        await self._writable.wait()
        if self.fault is not None:
            raise ChannelFault(self.fault)

    def close(self) -> None:
        """Close the connection. Unsent data is dropped, as a server that does not read could block closing."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _take(self, data: memoryview) -> None:
        self.pending += data


class TlsWire(Wire):
    """The same under TLS. Its buffer begins empty: no clear text is taken over."""

    def __init__(self, before: Wire, context: ssl.SSLContext, host: str) -> None:
        super().__init__(before.limits)
        self.received = before.received
        self._transport = before.transport
        self._reading = before._reading
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._head: bytearray | None = bytearray()  # the first bytes, until it is clear whether they are TLS
        self._open = False
        self.session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.transport.set_protocol(self)

    def begin_with(self, data: bytes) -> None:
        """Feed bytes that were received before the handshake; only with implicit TLS."""
        self._take(memoryview(data))

    async def handshake(self, clear_text_cause: str) -> None:
        """Do the handshake. Raises ChannelFault: `clear_text_cause` when the data is not TLS, else `tls.*`."""
        while True:
            self._judge_head(clear_text_cause)
            try:
                self.session.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError as error:
                self._flush()  # sends the alert
                raise tls_fault(error) from None
            else:
                break
            try:
                await self.more()
            except ChannelFault as fault:
                cause = fault.cause if fault.cause == "limit.exceeded" else "tls.eof"
                raise ChannelFault(cause, bytes(self._head or b"")) from None
        self._open = True
        self._flush()
        self._decrypt()

    def send(self, data: bytes) -> None:
        self.session.write(data)
        self._flush()

    def close(self) -> None:
        if self._open and self.fault is None:
            with suppress(ssl.SSLError):  # the server's close_notify is not awaited
                self.session.unwrap()
            self._flush()
        super().close()

    def _take(self, data: memoryview) -> None:
        self._incoming.write(data)
        if self._open:
            self._decrypt()
        elif self._head is not None:
            self._head += data[:HEAD]

    def _judge_head(self, clear_text_cause: str) -> None:
        if self._head and not looks_like_tls(self._head):
            raise ChannelFault(clear_text_cause, bytes(self._head))
        if self._head and len(self._head) > 1:
            self._head = None

    def _decrypt(self) -> None:
        try:
            while text := self.session.read(CHUNK):
                self.pending += text
            self.lose("net.closed")
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.lose("net.closed")
        except ssl.SSLError:
            self.lose("net.protocol")
        self._flush()  # answers to key updates

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data and not self.transport.is_closing():
            self.transport.write(data)


class Channel:
    """A connection to a mail server, read by lines.

    Every wait ends after the given seconds or at `deadline` (the loop's time), whichever is first.
    All faults are ChannelFault: net.closed, net.reset, net.timeout, net.protocol, limit.exceeded, limit.deadline,
    and tls.* of the handshake.
    """

    def __init__(self, wire: Wire, ip_address: str, attempts: tuple[Attempt, ...] = ()) -> None:
        self._wire = wire
        self.ip_address = ip_address
        self.attempts = attempts
        self.limits = wire.limits
        self._now = asyncio.get_running_loop().time
        self.deadline = self._now() + wire.limits.leg
        self.tls: TlsInfo | None = None

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return self.tls is not None

    @property
    def bytes_read(self) -> int:
        """Bytes received, TLS overhead included."""
        return self._wire.received

    async def read_line(self, seconds: float) -> bytes:
        """The next line without its end, CR LF or a bare LF. A bare CR or NUL in it is net.protocol.

        TLS records where a clear line should begin are `tls.tls_on_plain`.
        """
        wire = self._wire
        self._check_deadline()
        end = self._line_end(0)
        if end is None:  # usually the line is buffered already; each wait costs a timer
            async with self._within(seconds, "net.timeout"):
                while end is None:
                    seen = len(wire.pending)
                    await wire.more()
                    end = self._line_end(seen)
        line = wire.take(end + 1)[:-1].removesuffix(b"\r")
        if b"\r" in line or b"\0" in line:
            raise ChannelFault("net.protocol", line)
        return line

    def _line_end(self, seen: int) -> int | None:
        """The end of the next line, if it is complete; the first `seen` bytes were searched before."""
        pending = self._wire.pending
        if not self.encrypted and len(pending) > 1 and looks_like_tls(pending):
            raise self._fault("tls.tls_on_plain")
        end = pending.find(b"\n", seen)
        if (end if end >= 0 else len(pending)) > self.limits.line:
            raise self._fault("limit.exceeded")
        return end if end >= 0 else None

    async def read_exactly(self, count: int, seconds: float) -> bytes:
        """The next `count` bytes, for an IMAP literal. More than `Limits.literal_bytes` is limit.exceeded."""
        if count > self.limits.literal_bytes:
            raise ChannelFault("limit.exceeded")
        wire = self._wire
        async with self._within(seconds, "net.timeout"):
            while len(wire.pending) < count:
                await wire.more()
        return wire.take(count)

    async def read_some(self, count: int, seconds: float) -> bytes:
        """At most `count` bytes, as soon as there are any; none when the server has closed the connection."""
        wire = self._wire
        async with self._within(seconds, "net.timeout"):
            while not wire.pending:
                if wire.fault == "net.closed":
                    return b""
                try:
                    await wire.more()
                except ChannelFault:
                    if wire.fault != "net.closed":
                        raise
        return wire.take(count)

    async def write(self, data: bytes, seconds: float | None = None) -> None:
        """Send `data`; returns when the kernel has taken all of it."""
        if self._wire.fault is not None:
            raise self._fault(self._wire.fault)
        self._check_deadline()
        self._wire.send(data)
        if self._wire.is_sent:
            return
        async with self._within(self.limits.command if seconds is None else seconds, "net.timeout"):
            await self._wire.sent()

    async def start_tls(self, host: str, context: ssl.SSLContext, seconds: float, *, starttls: bool = True) -> TlsInfo:
        """Start TLS; `host` is sent as SNI, and a verifying context requires the certificate to name it.

        `starttls=False` is implicit TLS, right after connecting. Clear text instead of TLS is
        `tls.starttls_injection`, or `tls.not_tls` with implicit TLS.
        """
        clear_text_cause = "tls.starttls_injection" if starttls else "tls.not_tls"
        early = bytes(self._wire.pending)
        if early and starttls:
            raise self._fault(clear_text_cause)
        if self._wire.fault is not None:
            raise self._fault("tls.eof")
        wire = TlsWire(self._wire, context, host)
        self._wire = wire
        wire.begin_with(early)  # empty, except with implicit TLS
        async with self._within(seconds, "tls.handshake_timeout"):
            await wire.handshake(clear_text_cause)
        self.tls = tls_info(wire.session)
        return self.tls

    def peer_certificates(self) -> list[bytes]:
        """The certificates that the server sent, its own first, in DER. Empty without TLS."""
        return sent_chain(self._wire.session) if isinstance(self._wire, TlsWire) else []

    def close(self) -> None:
        """Close the connection; the socket is closed in the loop's next iteration."""
        self._wire.close()

    async def wait_closed(self) -> None:
        """Return when the socket is closed."""
        await self._wire.closed.wait()

    def _fault(self, cause: str) -> ChannelFault:
        pending = bytes(self._wire.pending)
        return ChannelFault(cause, pending, is_cut=not pending.endswith(b"\n"))

    def _check_deadline(self) -> None:
        # Buffered lines are read without a wait, so a flood of them would pass the deadline.
        if self.deadline <= self._now():
            raise self._fault("limit.deadline")

    @asynccontextmanager
    async def _within(self, seconds: float, cause: str) -> AsyncIterator[None]:
        """Limit a wait to `seconds` and the deadline; a fault then has the received bytes as evidence."""
        until = self._now() + seconds
        self._check_deadline()
        if self.deadline <= until:
            until, cause = self.deadline, "limit.deadline"
        try:
            async with asyncio.timeout_at(until):
                yield
        except TimeoutError:
            raise self._fault(cause) from None
        except ChannelFault as fault:
            if fault.evidence:
                raise
            raise self._fault(fault.cause) from None
