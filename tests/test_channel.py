"""The bounded line channel: lines, limits, deadlines, STARTTLS, and every way in which TLS fails."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from guides.mail.certificates import NotACertificate, describe
from guides.mail.connection.channel import CHUNK, Channel
from guides.mail.connection.limits import ChannelFault, Limits
from guides.mail.connection.tls import TlsInfo
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.network import Egress
from tests.channels import HOST, RESOLUTION, Script, Server, authority, connected_to, egress_to, serving

Talk = Callable[[Channel], Awaitable[None]]


def says(*parts: bytes | float, close: bool = False) -> Script:
    """A server that sends these bytes, pausing for these seconds."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            else:
                await asyncio.sleep(part)
        if close:
            writer.close()

    return script


def talk(script: Script, talk: Talk, limits: Limits | None = None) -> None:
    """Have a conversation with a server on loopback."""

    async def scenario() -> None:
        async with serving(script) as server, connected_to(server, limits) as channel:
            await talk(channel)

    asyncio.run(scenario())


async def fault_of(work: Awaitable[object]) -> ChannelFault:
    with pytest.raises(ChannelFault) as caught:
        await work
    assert caught.value.cause in CLASSES
    return caught.value


# --- lines -----------------------------------------------------------------------------------------------


def test_lines_end_with_cr_lf_or_a_bare_lf() -> None:
    async def conversation(channel: Channel) -> None:
        assert await channel.read_line(1) == b"* OK ready"
        assert await channel.read_line(1) == b""
        assert await channel.read_line(1) == b"* OK again"
        assert await channel.read_line(1) == b"split"
        assert channel.bytes_read == 32
        assert not channel.encrypted

    talk(says(b"* OK ready\r\n\r\n* OK again\nspl", 0.05, b"it\r", 0.05, b"\n"), conversation)


def test_a_literal_is_read_by_count() -> None:
    async def conversation(channel: Channel) -> None:
        assert await channel.read_line(1) == b"* STATUS {5}"
        assert await channel.read_exactly(5, 1) == b"a\r\nb\0"
        assert await channel.read_line(1) == b" done"
        assert await channel.read_exactly(0, 1) == b""

    talk(says(b"* STATUS {5}\r\na\r", 0.05, b"\nb\0 done\r\n"), conversation)


def test_what_is_written_arrives() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())

    async def conversation(channel: Channel) -> None:
        await channel.write(b"a1 NOOP\r\n")
        assert await channel.read_line(1) == b"a1 NOOP"

    talk(echo, conversation)


@pytest.mark.parametrize("line", [b"a\rb", b"a\0b", b"\0", b"a\r\r", b"\ra"])
def test_bare_cr_and_nul_are_no_text(line: bytes) -> None:
    async def conversation(channel: Channel) -> None:
        assert await channel.read_line(1) == b"good"
        fault = await fault_of(channel.read_line(1))
        assert fault.cause == "net.protocol"
        assert fault.evidence == line

    talk(says(b"good\r\n" + line + b"\r\n"), conversation)


def test_what_came_before_the_end_can_still_be_read() -> None:
    async def conversation(channel: Channel) -> None:
        await asyncio.sleep(0.1)
        assert await channel.read_line(1) == b"* BYE"
        fault = await fault_of(channel.read_line(1))
        assert (fault.cause, fault.evidence) == ("net.closed", b"half a li")
        assert (await fault_of(channel.write(b"x"))).cause == "net.closed"

    talk(says(b"* BYE\r\nhalf a li", close=True), conversation)


def test_a_reset_is_not_an_orderly_end() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        linger_zero = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(1, 13, linger_zero)  # SOL_SOCKET, SO_LINGER
        writer.transport.abort()

    async def conversation(channel: Channel) -> None:
        await channel.write(b"a1 NOOP\r\n")
        assert (await fault_of(channel.read_line(1))).cause == "net.reset"

    talk(reset, conversation)


def test_a_fault_does_not_show_what_the_server_said() -> None:
    fault = ChannelFault("net.closed", b"-ERR wrong password: horse " + b"x" * 1000)
    assert str(fault) == "net.closed"
    assert "horse" not in repr(fault) + repr(fault.args)
    assert len(fault.evidence) == 1027  # whole: what half a password is cut from, no redactor finds


# --- limits ----------------------------------------------------------------------------------------------


def flood(data: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.transport.is_closing():
            writer.write(data)
            await writer.drain()

    return script


async def read_all(channel: Channel) -> None:
    while True:
        await channel.read_line(1)


def test_a_line_may_have_eight_kilobytes() -> None:
    limit = Limits().line

    async def conversation(channel: Channel) -> None:
        assert len(await channel.read_line(1)) == limit - 1
        fault = await fault_of(channel.read_line(1))
        assert fault.cause == "limit.exceeded"
        assert fault.evidence.rstrip(b"\r\n") == b"y" * (limit + 1)

    talk(says(b"x" * (limit - 1) + b"\r\n" + b"y" * (limit + 1) + b"\r\n"), conversation)


@pytest.mark.parametrize("data", [b"x" * 65536, b"\r" * 65536, b"x" * 4095 + b"\n"])
def test_a_flood_is_stopped_and_takes_no_memory(data: bytes) -> None:
    async def conversation(channel: Channel) -> None:
        tracemalloc.start()
        try:
            await asyncio.sleep(0.5)  # nobody reads: it has to wait in the kernel
            held = len(channel._wire.pending)
            assert 0 < held <= channel.limits.line + CHUNK
            assert channel.bytes_read == held
            assert (await fault_of(read_all(channel))).cause == "limit.exceeded"
            assert channel.bytes_read <= channel.limits.connection_bytes + CHUNK
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()

    talk(flood(data), conversation)


def test_a_connection_may_bring_256_kilobytes_and_is_then_cut() -> None:
    async def scenario() -> None:
        async with serving(flood(b"x" * 99 + b"\n")) as server, connected_to(server) as channel:
            for _ in range(2500):
                assert await channel.read_line(1) == b"x" * 99
            fault = await fault_of(read_all(channel))
            assert fault.cause == "limit.exceeded"
            assert channel.bytes_read <= channel.limits.connection_bytes + CHUNK
            await asyncio.wait_for(server.gone.wait(), 1)
            assert (await fault_of(channel.write(b"x"))).cause == "limit.exceeded"

    asyncio.run(scenario())


def test_a_literal_may_have_four_kilobytes() -> None:
    async def conversation(channel: Channel) -> None:
        assert len(await channel.read_exactly(4096, 1)) == 4096
        assert (await fault_of(channel.read_exactly(4097, 1))).cause == "limit.exceeded"

    talk(says(b"x" * 10_000), conversation)


def test_a_drip_does_not_put_the_end_off() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.transport.is_closing():
            writer.write(b".")
            await asyncio.sleep(0.02)

    async def conversation(channel: Channel) -> None:
        began = monotonic()
        fault = await fault_of(channel.read_line(0.4))
        assert fault.cause == "net.timeout"
        assert set(fault.evidence) == set(b".")
        assert (await fault_of(channel.read_exactly(4000, 0.2))).cause == "net.timeout"
        assert monotonic() - began < 5

    talk(drip, conversation)


def test_the_deadline_ends_every_wait() -> None:
    async def conversation(channel: Channel) -> None:
        assert channel.deadline - monotonic() == pytest.approx(channel.limits.leg, abs=1)
        assert await channel.read_line(1) == b"one"
        began = monotonic()
        channel.deadline = began + 0.2
        assert (await fault_of(channel.read_exactly(4000, 10))).cause == "limit.deadline"
        assert monotonic() - began < 5
        # Lines that have come already are not read either, or a flood would outlast the deadline.
        assert (await fault_of(channel.read_line(10))).cause == "limit.deadline"
        assert (await fault_of(channel.write(b"x"))).cause == "limit.deadline"

    talk(says(b"one\r\ntwo\r\n"), conversation)


def test_a_server_that_does_not_read_ends_a_write() -> None:
    async def scenario() -> None:
        over = asyncio.Event()

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()

        async with serving(deaf) as server:
            async with connected_to(server) as channel:
                began = monotonic()
                assert (await fault_of(channel.write(b"x" * 50_000_000, 0.3))).cause == "net.timeout"
                channel.close()  # drops what was not taken
                await asyncio.wait_for(channel.wait_closed(), 5)
                assert monotonic() - began < 10
            over.set()

    asyncio.run(scenario())


def test_cancelling_closes_the_socket_within_a_second() -> None:
    async def scenario() -> None:
        async with serving(says()) as server:

            async def visit() -> None:
                async with connected_to(server) as channel:
                    await channel.read_line(60)

            task = asyncio.create_task(visit())
            await asyncio.sleep(0.1)
            began = monotonic()
            task.cancel()
            await asyncio.wait_for(server.gone.wait(), 1)
            assert monotonic() - began < 0.5
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scenario())


# --- TLS -------------------------------------------------------------------------------------------------


async def start_tls(
    server: Server, *, host: str = HOST, starttls: bool = False, limits: Limits | None = None
) -> TlsInfo:
    """Connect and shake hands, trusting the tests' authority."""
    egress = egress_to(server, limits, extra_ca_file=authority().file)
    channel = await egress.connect(RESOLUTION, server.port)
    try:
        info = await channel.start_tls(host, egress.tls_context(), egress.limits.tls, starttls=False)
        assert channel.encrypted
        assert channel.tls == info
        return info
    finally:
        channel.close()
        await asyncio.wait_for(channel.wait_closed(), 1)


def tls_cause(context: ssl.SSLContext, host: str = HOST) -> str:
    async def scenario() -> str:
        async with serving(says(b"* OK\r\n"), context) as server:
            return (await fault_of(start_tls(server, host=host))).cause

    return asyncio.run(scenario())


def test_implicit_tls() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        async with serving(echo, authority().server_context(through_intermediate=True)) as server:
            egress = egress_to(server, extra_ca_file=authority().file)
            channel = await egress.connect(RESOLUTION, server.port)
            info = await channel.start_tls(HOST, egress.tls_context(), 5, starttls=False)
            assert info.protocol == "TLSv1.3"
            assert info.cipher
            assert info.issuer == "Test Intermediate"
            assert info.not_after is not None
            assert await channel.read_line(1) == b"* OK ready"
            await channel.write("pässwörd\r\n".encode())
            assert await channel.read_line(1) == "pässwörd".encode()
            assert (await fault_of(channel.read_line(1))).cause == "net.closed"
            assert len(channel.peer_certificates()) == 2
            channel.close()

    asyncio.run(scenario())


def openssl_cause(context: ssl.SSLContext) -> str:
    """The cause against a blocking server: asyncio's own does not tell the other side why it gives up."""

    def accept_one() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            context.wrap_socket(connection, server_side=True)

    async def shake_hands() -> str:
        server = Server(says())
        server.port = listener.getsockname()[1]
        return (await fault_of(start_tls(server))).cause

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept_one)
        thread.start()
        try:
            return asyncio.run(shake_hands())
        finally:
            thread.join()


def test_tls_1_2_is_enough_and_1_1_is_not() -> None:
    async def scenario() -> None:
        context = authority().server_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        async with serving(says(b"* OK\r\n"), context) as server:
            assert (await start_tls(server)).protocol == "TLSv1.2"

    asyncio.run(scenario())
    old = authority().server_context()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    assert openssl_cause(old) == "tls.protocol_version"


def test_faulty_certificates_are_told_apart() -> None:
    context = authority().server_context
    assert tls_cause(context(days=(-60, -1))) == "tls.cert_expired"
    assert tls_cause(context(days=(1, 60))) == "tls.cert_not_yet"
    assert tls_cause(context("other.example.org")) == "tls.cert_hostname"
    assert tls_cause(context(self_signed=True)) == "tls.cert_self_signed"
    assert tls_cause(context(through_intermediate=True, send_intermediate=False)) == "tls.chain_or_unknown_ca"
    assert tls_cause(context(key=rsa.generate_private_key(65537, 1024))) == "tls.weak_key"
    assert tls_cause(context(extra_names=6000)) == "tls.cert_too_large"


def test_a_signature_by_a_digest_that_is_too_weak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here can sign with SHA-1 any more; SHA-224 is at OpenSSL's level 3 what SHA-1 is at 2, the usual one."""
    make = Egress._make_context

    def strict(egress: Egress, verify: bool) -> ssl.SSLContext:
        context = make(egress, verify)
        context.set_ciphers("DEFAULT:@SECLEVEL=3")
        return context

    made = authority().server_context(digest=hashes.SHA224())
    assert tls_cause(made, host="other.example.org") == "tls.cert_hostname"  # accepted, but for the name
    monkeypatch.setattr(Egress, "_make_context", strict)
    assert tls_cause(made) == "tls.weak_sig"


def test_no_common_cipher() -> None:
    context = authority().server_context(key=rsa.generate_private_key(65537, 2048))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("NULL-SHA256:@SECLEVEL=0")  # without encryption: no build of OpenSSL offers that
    assert openssl_cause(context) == "tls.no_cipher"


@pytest.mark.parametrize(
    ("script", "cause", "evidence"),
    [
        (says(b"220 mail.example.com ESMTP\r\n"), "tls.not_tls", b"220 mail.example.com ESMTP\r\n"),
        (says(0.1, b"* OK IMAP4rev1\r\n"), "tls.not_tls", b"* OK IMAP4rev1\r\n"),
        (says(b"\x15"), "tls.handshake_timeout", b""),
        (says(b"\x16\x03\x01"), "tls.handshake_timeout", b""),
        (says(b"\x15\x03\x01\x00\x02\x02\x28"), "tls.no_cipher", None),
        (says(b"\x15\x03\x01\x00\x02\x02\x46"), "tls.protocol_version", None),
        (says(b"\x15\x03\x01\x00\x02\x02\x70"), "tls.cert_hostname", None),
        (says(b"\x15\x03\x01\x00\x02\x02\x50"), "tls.eof", None),
        (says(b"\x16\x03\x01\xff\xff" + b"x" * 100), None, None),
        (says(0.1, close=True), "tls.eof", b""),
        (says(close=True), "tls.eof", b""),
        (says(), "tls.handshake_timeout", b""),
        (flood(b"\x16\x03\x01\x00\x04\x00\x00\x00\x00" * 1000), None, None),
        (flood(b"x" * 65536), "tls.not_tls", b"x" * 512),
        (says(b"\x16\x03\x01\x40\x00" + b"\x02\x00\xff\xff" * 5000), None, None),
    ],
)
def test_what_is_no_handshake_is_told_apart(script: Script, cause: str | None, evidence: bytes | None) -> None:
    async def scenario() -> None:
        async with serving(script) as server:
            fault = await fault_of(start_tls(server, limits=Limits(tls=0.4)))
            assert cause is None or fault.cause == cause
            assert evidence is None or fault.evidence == evidence

    asyncio.run(scenario())


def test_clear_text_that_waits_already_is_not_tls_either() -> None:
    async def conversation(channel: Channel) -> None:
        await asyncio.sleep(0.1)
        fault = await fault_of(channel.start_tls(HOST, ssl.create_default_context(), 1, starttls=False))
        assert (fault.cause, fault.evidence) == ("tls.not_tls", b"* OK hello\r\n")

    talk(says(b"* OK hello\r\n"), conversation)


@pytest.mark.parametrize("record", [b"\x15\x03\x01\x00\x02\x02\x46", b"\x16\x03\x01\x00\x05hello"])
def test_tls_where_a_clear_line_is_expected(record: bytes) -> None:
    async def conversation(channel: Channel) -> None:
        fault = await fault_of(channel.read_line(5))
        assert fault.cause == "tls.tls_on_plain"
        assert fault.evidence == record

    talk(says(record), conversation)


def test_a_real_tls_server_that_is_spoken_to_in_the_clear() -> None:
    async def scenario() -> None:
        async with serving(says(), authority().server_context()) as server, connected_to(server) as channel:
            await channel.write(b"EHLO portal.example.com\r\n")
            fault = await fault_of(channel.read_line(2))
            assert fault.cause in ("tls.tls_on_plain", "net.closed")

    asyncio.run(scenario())


# --- STARTTLS --------------------------------------------------------------------------------------------


def starttls_server(reply: bytes, late: bytes = b"") -> Script:
    """Answers one command with `reply`, sends `late` a moment later, then goes on under TLS and greets."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(reply)
        await writer.drain()
        if late:
            await asyncio.sleep(0.1)
            writer.write(late)
            await writer.drain()
        await writer.start_tls(authority().server_context())
        writer.write(b"250 under TLS\r\n")
        await writer.drain()

    return script


async def ask_starttls(channel: Channel) -> None:
    await channel.write(b"STARTTLS\r\n")
    assert await channel.read_line(1) == b"220 go ahead"


def test_starttls() -> None:
    async def scenario() -> None:
        async with serving(starttls_server(b"220 go ahead\r\n")) as server:
            egress = egress_to(server, extra_ca_file=authority().file)
            channel = await egress.connect(RESOLUTION, server.port)
            before = channel._wire
            await ask_starttls(channel)
            await channel.start_tls(HOST, egress.tls_context(), 5)
            assert channel._wire is not before
            assert channel.encrypted
            assert await channel.read_line(1) == b"250 under TLS"
            assert channel.bytes_read > before.received
            channel.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("late", [False, True])
def test_clear_text_behind_the_reply_to_starttls_is_never_taken_for_encrypted(late: bool) -> None:
    injected = b"250 AUTH PLAIN\r\n"
    reply = b"220 go ahead\r\n"
    script = starttls_server(reply, injected) if late else starttls_server(reply + injected)

    async def scenario() -> None:
        async with serving(script) as server:
            egress = egress_to(server, extra_ca_file=authority().file)
            channel = await egress.connect(RESOLUTION, server.port)
            await ask_starttls(channel)
            fault = await fault_of(channel.start_tls(HOST, egress.tls_context(), 5))
            assert fault.cause == "tls.starttls_injection"
            assert fault.evidence.startswith(injected)
            assert not channel.encrypted
            channel.close()

    asyncio.run(scenario())


def test_a_flood_under_tls_is_stopped_too() -> None:
    async def scenario() -> None:
        async with serving(flood(b"x" * 65536), authority().server_context()) as server:
            egress = egress_to(server, extra_ca_file=authority().file)
            channel = await egress.connect(RESOLUTION, server.port)
            await channel.start_tls(HOST, egress.tls_context(), 5, starttls=False)
            await asyncio.sleep(0.3)
            assert len(channel._wire.pending) < channel.limits.line + 4 * CHUNK
            assert channel.bytes_read < 8 * CHUNK
            assert (await fault_of(channel.read_line(1))).cause == "limit.exceeded"
            channel.close()

    asyncio.run(scenario())


# --- a second look at a faulty certificate ---------------------------------------------------------------


def test_a_faulty_certificate_is_described_and_nothing_is_said() -> None:
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read())

    async def scenario() -> None:
        context = authority().server_context("other.example.org", days=(-60, -1), through_intermediate=True)
        async with serving(listen, context) as server:
            summary = await egress_to(server).describe_certificate(RESOLUTION, server.port, HOST)
        assert summary is not None
        assert summary.subject == "other.example.org, Example Org"
        assert summary.names == ("other.example.org", "192.0.2.7")
        assert summary.issuer == "Test Intermediate"
        assert summary.not_before < summary.not_after
        assert not summary.self_signed
        assert summary.chain_length == 2
        assert not heard

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("order", "cause"),
    [
        ({"self_signed": True}, "tls.cert_self_signed"),
        ({"through_intermediate": True, "send_intermediate": False, "issuer_address": True}, "tls.chain_incomplete"),
        ({"through_intermediate": True, "send_intermediate": False}, "tls.chain_or_unknown_ca"),
        ({"through_intermediate": True}, "tls.unknown_ca"),
        ({"key": rsa.generate_private_key(65537, 1024)}, "tls.chain_or_unknown_ca"),
    ],
)
def test_the_sent_chain_tells_a_gap_from_an_unknown_issuer(order: dict[str, object], cause: str) -> None:
    async def scenario() -> None:
        async with serving(says(), authority().server_context(**order)) as server:  # type: ignore[arg-type]
            summary = await egress_to(server).describe_certificate(RESOLUTION, server.port, HOST)
        assert summary is not None
        assert summary.chain_cause == cause

    asyncio.run(scenario())


def test_a_certificate_behind_starttls_is_described() -> None:
    async def scenario() -> None:
        async with serving(starttls_server(b"220 go ahead\r\n")) as server:
            look = egress_to(server).describe_certificate
            summary = await look(RESOLUTION, server.port, HOST, ask_starttls)
        assert summary is not None
        assert summary.names[0] == HOST

    asyncio.run(scenario())


@pytest.mark.parametrize("script", [says(close=True), says(b"* OK clear text\r\n")])
def test_without_a_certificate_there_is_nothing_to_describe(script: Script) -> None:
    async def scenario() -> None:
        async with serving(script) as server:
            assert await egress_to(server).describe_certificate(RESOLUTION, server.port, HOST) is None
        assert await egress_to(server).describe_certificate(RESOLUTION, server.port, HOST) is None  # closed by now

    asyncio.run(scenario())


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def test_the_reader_of_certificates_agrees_with_a_library() -> None:
    for certificate in (authority().root, authority().intermediate):
        summary = describe([der(certificate)])
        assert summary.not_before == certificate.not_valid_before_utc
        assert summary.not_after == certificate.not_valid_after_utc
        assert summary.self_signed == (certificate.subject == certificate.issuer)
        assert summary.names == ()


@given(st.data())
def test_damaged_certificates_are_described_or_refused(data: st.DataObject) -> None:
    good = der(authority().root)
    position = data.draw(st.integers(0, len(good) - 1))
    damaged = bytearray(good[: data.draw(st.integers(position, len(good)))])
    if position < len(damaged):
        damaged[position] = data.draw(st.integers(0, 255))
    with suppress(NotACertificate):
        describe([bytes(damaged)])


@pytest.mark.parametrize("junk", [b"", b"\x30", b"\x30\x80\x00\x00", b"\x30\x84\xff\xff\xff\xff", os.urandom(2000)])
def test_junk_is_no_certificate(junk: bytes) -> None:
    with pytest.raises(NotACertificate):
        describe([junk])


def test_reading_goes_on_when_much_came_before_the_handshake() -> None:
    async def scenario() -> None:
        record = b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"\0" * 0x3FFC
        async with serving(says(record)) as server, connected_to(server) as channel:
            await asyncio.sleep(0.2)
            assert len(channel._wire.pending) > channel.limits.line
            assert channel.bytes_read < len(record)  # the rest waits in the kernel
            context = egress_to(server).tls_context()
            fault = await fault_of(channel.start_tls(HOST, context, 1, starttls=False))
            assert fault.cause not in ("tls.handshake_timeout", "tls.not_tls")

    asyncio.run(scenario())
