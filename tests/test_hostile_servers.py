"""Hostile and broken servers: each ends in time, at the right stage, for the right cause, in little memory, harmlessly."""

from __future__ import annotations

import asyncio
import ssl
import time
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from django.template.loader import render_to_string

from guides.mail.accounts import Protocol
from guides.mail.connection.limits import Limits
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Leg, StageResult
from guides.views.result_page import StageRow
from tests import channels, hostile
from tests.hostile import IMAP, POP3, SMTP, Mode, Phase, Stand, saying, server_at
from tests.scripted import (
    HOST,
    QUICK,
    Imap,
    LoopbackEgress,
    Pop3,
    Ran,
    Scripted,
    Smtp,
    certificates,
    egress,
    run_against,
)


def limits_of(seconds: float) -> Limits:
    """The limits of a test in which each wait for the server ends after so many seconds."""
    return replace(
        QUICK, greeting=seconds, command=seconds, authentication=seconds, tls=max(seconds, 1.0), leg=6.0, test=7.0
    )


PATIENT = limits_of(3.0)  # where something else ends it, however busy this machine is
MEGABYTE = 1024 * 1024
ALL = (IMAP, POP3, SMTP)


def hidden(server: Scripted, limits: Limits = PATIENT) -> Ran:
    """A test without the search for other settings, which would meet the same server again."""
    through = LoopbackEgress(egress().config, limits)
    return run_against(server, limits=limits, through=through, hidden_hosts=frozenset({HOST}))


def end(server: Scripted, limits: Limits = PATIENT) -> StageResult:
    """The stage that a test of a server ends in; the test kept to its time, its memory and its manners."""
    began = time.monotonic()
    ran = hidden(server, limits)
    assert time.monotonic() - began < limits.test
    for result in ran.stages:
        assert result.cause is None or result.cause in CLASSES
        check_harmless(result)
    assert ran.verdict.cause in CLASSES
    return ran.last(Leg(server.protocol))


def check_harmless(result: StageResult) -> None:
    """What is shown holds nothing that a terminal or a text's direction would obey, and the page nothing unescaped."""
    texts = [evidence.text for evidence in result.evidence] + list(result.details.values())
    for text in texts:
        assert len(text) <= 500
        assert not any(unicodedata.category(char) in ("Cc", "Cf") and char != "\n" for char in text)
    shown = render_to_string("test/_stage.html", {"row": StageRow("stage-x", "Stage", result)})
    assert "<script" not in shown
    assert "</script" not in shown


# --- IMAP's literals and grammar ---------------------------------------------------------------------------


IMAP_ANSWERS = {
    "a literal of 0": (b"* LIST () {0}\r\n x\r\n{tag} OK done\r\n", None),
    "a literal of 4096": (b"* LIST () {4096}\r\n" + b"x" * 4096 + b"\r\n{tag} OK done\r\n", None),
    "a literal of 4097": (b"* LIST () {4097}\r\n" + b"x" * 4097 + b"\r\n{tag} OK done\r\n", "limit.exceeded"),
    "a literal of 10^9": (b"* LIST () {1000000000}\r\nx", "limit.exceeded"),
    "a literal of 10^30": (b"* LIST () {1" + b"0" * 30 + b"}\r\nx", "limit.exceeded"),
    "a literal of -1": (b"* LIST () {-1}\r\n{tag} OK done\r\n", None),  # no literal: text that looks like one
    "nested literals": (b"* LIST ({2}\r\n{2}{2}\r\n{}{1}\r\nx)\r\n{tag} OK done\r\n", None),
    "five literals": (b"* LIST ({1}\r\na{1}\r\nb{1}\r\nc{1}\r\nd{1}\r\ne)\r\n{tag} OK done\r\n", "limit.exceeded"),
    "a literal that never comes": (b"* LIST () {10}\r\nabc", "net.timeout"),
    "a wrong tag": (b"zz OK done\r\n", "net.protocol"),
    "the tag of another command": (b"a999 OK done\r\n", "net.protocol"),
    "a tag without an answer": (b"{tag} HELLO\r\n", "net.protocol"),
    "a continuation that nobody asked for": (b"+ more\r\n", "net.protocol"),
    "BYE": (b"* BYE see you\r\n", None),
    "an unclosed code": (b"{tag} NO [ALERT no end\r\n", None),
    "an unclosed quote": (b'* CAPABILITY "IMAP4rev1\r\n{tag} OK done\r\n', None),
    "brackets without end": (b"* " + b"(" * 4000 + b"\r\n{tag} OK done\r\n", None),
}


@pytest.mark.parametrize("mode", [Mode.STARTTLS, Mode.TLS])
@pytest.mark.parametrize("title", IMAP_ANSWERS)
def test_imap_grammar(title: str, mode: Mode) -> None:
    """At the mailbox: what is understood ends in silence at the next command, what is not ends there and then."""
    text, cause = IMAP_ANSWERS[title]
    waits = cause in (None, "net.timeout") and title != "an unclosed code"
    last = end(server_at(Stand(IMAP, mode, Phase.MAILBOX), saying(text)), limits_of(0.5) if waits else PATIENT)
    if cause is not None:
        assert (last.stage, last.cause) == ("mailbox", cause)
    elif title == "BYE":
        assert (last.stage, last.cause) == ("mailbox", "net.closed")
    elif title == "an unclosed code":
        assert (last.stage, last.cause) == ("mailbox", "mbox.not_enabled_after_login")
    else:
        assert (last.stage, last.cause) == ("folders", "net.timeout")


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize("mode", [Mode.STARTTLS, Mode.TLS])
def test_endless_continuations(protocol: Protocol, mode: Mode) -> None:
    server = server_at(Stand(protocol, mode, Phase.LOGIN), hostile.endless_continuations)
    last = end(server)
    assert (last.stage, last.cause) == ("login", "net.protocol")
    assert len(server.heard) < 12


@pytest.mark.parametrize(
    "text",
    [
        b"25\r\n",
        b"2500 hm\r\n",
        b"250_x\r\n",
        b"999 x\r\n",
        b"\xb2\xb5\xb0 x\r\n",
        b"250-a\r\n251 b\r\n",
        b"250-a\r\nb\r\n",
    ],
)
@pytest.mark.parametrize("mode", [Mode.CLEAR, Mode.STARTTLS, Mode.TLS])
def test_malformed_smtp_codes(text: bytes, mode: Mode) -> None:
    last = end(server_at(Stand(SMTP, mode, Phase.CAPABILITIES), saying(text)))
    assert (last.stage, last.cause) == ("capabilities", "net.protocol")


@pytest.mark.parametrize("text", [b"OK\r\n", b"+OKAY\r\n", b"+ OK\r\n", b"-ERROR\r\n"])
@pytest.mark.parametrize("mode", [Mode.CLEAR, Mode.STARTTLS, Mode.TLS])
def test_malformed_pop3_marks(text: bytes, mode: Mode) -> None:
    last = end(server_at(Stand(POP3, mode, Phase.CAPABILITIES), saying(text)))
    assert (last.stage, last.cause) == ("capabilities", "net.protocol")


# --- referrals, alerts, refusals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "cause"),
    [
        (Imap(login=b"NO [REFERRAL IMAP://user;AUTH=*@SERVER2/] Specified user is invalid here"), "mbox.moved"),
        (Imap(greeting=b"* BYE [REFERRAL IMAP://SERVER2/] go there"), "mbox.moved"),
        (Imap(examine=b"NO [REFERRAL IMAP://user@SERVER2/INBOX] not here"), "mbox.moved"),
        (Smtp(rcpt=b"551 User not local; please try <x@elsewhere.example>"), "rcpt.moved"),
    ],
)
def test_referrals_are_not_followed(server: Scripted, cause: str) -> None:
    last = end(server)
    assert (last.cause, last.outcome) == (cause, "fail")
    assert last.evidence
    assert server.connections == 1


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
def test_words_from_before_tls_are_marked_and_no_password_follows(kind: type[Scripted]) -> None:
    refusals = {
        Imap: {"starttls": b"NO [ALERT] Send your password to https://evil.example"},
        Pop3: {"starttls": b"-ERR Send your password to https://evil.example"},
        Smtp: {"starttls": b"454 Send your password to https://evil.example"},
    }
    server = kind(security=hostile.Security.STARTTLS, **refusals[kind])  # type: ignore[arg-type]
    last = end(server)
    assert (last.stage, last.cause) == ("tls", "tls.starttls_refused")
    assert last.evidence[0].before_encryption
    assert server.logins == 0


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
@pytest.mark.parametrize("same_segment", [True, False])
def test_what_is_injected_behind_starttls(kind: type[Scripted], *, same_segment: bool) -> None:
    """Clear text behind the consent, in the same segment or the next: no byte of it is taken for TLS."""
    consent = {Imap: b"OK begin", Pop3: b"+OK begin", Smtp: b"220 begin"}[kind]
    injected = {
        Imap: b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n* OK [ALERT] injected",
        Pop3: b"+OK injected",
        Smtp: b"250 AUTH PLAIN injected",
    }[kind]
    polite = kind(security=hostile.Security.STARTTLS)

    async def talk(connection: hostile.Connection) -> None:
        await connection.say(hostile.GREETINGS[polite.protocol])
        command = await connection.hear()
        clear = {
            Imap: (b"* CAPABILITY IMAP4rev1 STARTTLS", hostile.tag_of(command) + b" OK done"),
            Pop3: (b"+OK", b"STLS", b"."),
            Smtp: (b"250-x", b"250 STARTTLS"),
        }
        await connection.say(*clear[kind])
        tag = hostile.tag_of(await connection.hear()) + b" " if kind is Imap else b""
        if same_segment:
            await connection.say(tag + consent, injected)
        else:
            await connection.say(tag + consent)
            await asyncio.sleep(0.05)
            await connection.say(injected)
        await asyncio.sleep(hostile.HOLD)

    polite.talk = talk
    last = end(polite)
    assert (last.stage, last.cause) == ("tls", "tls.starttls_injection")
    assert polite.logins == 0


@pytest.mark.parametrize(
    ("server", "stage", "cause"),
    [
        (Imap(greeting=b"* PREAUTH in", security=hostile.Security.STARTTLS), "greeting", "greet.preauth_in_clear"),
        (Imap(greeting=b"* PREAUTH in"), "login", "auth.protocol_error"),
        (Imap(greeting=b"* BYE no"), "greeting", "greet.bye"),
        (Imap(capabilities=b"IMAP4rev1 LOGINDISABLED"), "capabilities", "cap.login_disabled"),
        (
            Imap(capabilities=b"IMAP4rev1 LOGINDISABLED", security=hostile.Security.STARTTLS),
            "capabilities",
            "cap.login_disabled",
        ),
        (Smtp(ehlo=(b"250 x",), security=hostile.Security.STARTTLS), "capabilities", "cap.no_auth"),
        (Imap(greeting=b"* BYE no", security=hostile.Security.STARTTLS), "greeting", "greet.bye"),
        (Smtp(greeting=b"421 4.3.2 shutting down", security=hostile.Security.STARTTLS), "greeting", "greet.421"),
        (Smtp(greeting=b"554 5.7.1 no", security=hostile.Security.STARTTLS), "greeting", "greet.refused"),
        (Pop3(greeting=b"-ERR no", security=hostile.Security.STARTTLS), "greeting", "greet.refused"),
        (Smtp(ehlo=(b"250 x",)), "capabilities", "cap.no_auth"),
        (Smtp(greeting=b"421 4.3.2 shutting down"), "greeting", "greet.421"),
        (Smtp(greeting=b"554 5.7.1 no"), "greeting", "greet.refused"),
        (Pop3(greeting=b"-ERR no"), "greeting", "greet.refused"),
        (Imap(clear_capabilities=b"IMAP4rev1", security=hostile.Security.STARTTLS), "tls", "tls.starttls_missing"),
        (Pop3(clear_capabilities=(b"USER",), security=hostile.Security.STARTTLS), "tls", "tls.starttls_missing"),
        (Smtp(clear_ehlo=(b"250 AUTH PLAIN",), security=hostile.Security.STARTTLS), "tls", "tls.starttls_missing"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Scripted) else str(value),
)
def test_servers_that_will_not(server: Scripted, stage: str, cause: str) -> None:
    last = end(server)
    assert (last.stage, last.cause) == (stage, cause)
    assert server.logins == 0


# --- TLS ---------------------------------------------------------------------------------------------------


def alert(number: int) -> bytes:
    """A fatal alert as the answer to a ClientHello (RFC 8446 section 6)."""
    return bytes((0x15, 0x03, 0x03, 0x00, 0x02, 0x02, number))


BOTH = pytest.mark.parametrize("security", [hostile.Security.TLS, hostile.Security.STARTTLS])
IN_THE_CLEAR = "tls.not_tls or tls.starttls_injection"  # behind STARTTLS it is an attack, else the wrong port


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
@BOTH
@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (alert(40), "tls.no_cipher"),
        (alert(70), "tls.protocol_version"),
        (alert(112), "tls.cert_hostname"),
        (alert(80), "tls.eof"),
        (alert(255), "tls.eof"),
        (b"\x15\x03\x03\xff\xff" + b"x" * 100, "tls.eof"),
        (b"\x16\x03\x03\x00\x04\x02\x00\xff\xff", "tls.eof"),  # a record that is whole, of a message that is not
        (b"220 hello\r\n", IN_THE_CLEAR),
        (b"\0" * 100, IN_THE_CLEAR),
    ],
)
def test_tls_alerts_and_garbage(kind: type[Scripted], security: hostile.Security, answer: bytes, cause: str) -> None:
    server = kind(security=security, speaks_tls=False)

    async def talk(connection: hostile.Connection) -> None:
        if security is hostile.Security.STARTTLS:
            await hostile.agree_to_tls(connection, server.protocol)
        await connection.reader.read(4096)
        connection.writer.write(answer)
        await connection.writer.drain()
        await asyncio.sleep(0.2)

    server.talk = talk
    last = end(server)
    assert last.stage == "tls"
    assert last.cause == (
        cause if cause != IN_THE_CLEAR else cause.split(" or ")[security is hostile.Security.STARTTLS]
    )
    assert server.logins == 0


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
@BOTH
@pytest.mark.parametrize(
    ("head", "cause"),
    [
        (b"", "tls.handshake_timeout"),
        (b"\x16\x03\x03\x40\x00", "tls.handshake_timeout"),  # a record that drips
        (b"\x16\x03\x03\x00\x05\x02\xff\xff\xff\x03", "tls.cert_too_large"),  # a message of 16 MB, announced in a short record
    ],
)  # fmt: skip
def test_a_handshake_that_never_ends(kind: type[Scripted], security: hostile.Security, head: bytes, cause: str) -> None:
    server = kind(security=security, speaks_tls=False)

    async def talk(connection: hostile.Connection) -> None:
        if security is hostile.Security.STARTTLS:
            await hostile.agree_to_tls(connection, server.protocol)
        await connection.reader.read(4096)
        connection.writer.write(head)
        while head and not connection.writer.is_closing():
            connection.writer.write(b"\0")
            await connection.writer.drain()
            await asyncio.sleep(0.05)
        await asyncio.sleep(hostile.HOLD)

    server.talk = talk
    last = end(server, replace(PATIENT, tls=0.4))
    assert (last.stage, last.cause) == ("tls", cause)


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
@BOTH
def test_old_versions_and_huge_certificates(kind: type[Scripted], security: hostile.Security) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.load_cert_chain(certificates().folder / "good.pem")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.maximum_version = ssl.TLSVersion.TLSv1
    huge = channels.authority().server_context(extra_names=6000)
    for context, cause in ((old, "tls.protocol_version"), (huge, "tls.cert_too_large")):
        server = kind(security=security, speaks_tls=False)
        server.talk = _shaking_hands(server, context)
        last = end(server)
        assert (last.stage, last.cause) == ("tls", cause)


def _shaking_hands(server: Scripted, context: ssl.SSLContext) -> Callable[[hostile.Connection], Awaitable[None]]:
    async def talk(connection: hostile.Connection) -> None:
        if server.security is hostile.Security.STARTTLS:
            await hostile.agree_to_tls(connection, server.protocol)
        await hostile.shake_hands(connection, context)
        await asyncio.sleep(0.1)

    return talk


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
@BOTH
def test_a_second_look_at_a_certificate_costs_nothing_of_the_first(
    kind: type[Scripted], security: hostile.Security
) -> None:
    """On the second connection the server drips, until the leg would be over."""
    server = kind(security=security, speaks_tls=False)

    async def talk(connection: hostile.Connection) -> None:
        if server.connections > 1:
            if security is hostile.Security.TLS:
                connection.writer.write(b"\x16\x03\x03\x40\x00")  # a record that never comes to its end
            await hostile.drip(connection, Stand(server.protocol, Mode.CLEAR, Phase.GREETING))
        if security is hostile.Security.STARTTLS:
            await hostile.agree_to_tls(connection, server.protocol)
        await hostile.shake_hands(connection, certificates().context("expired"))
        await asyncio.sleep(0.1)

    server.talk = talk
    patient = replace(limits_of(3.0), tls=3.0, leg=1.5)
    last = end(server, patient)
    assert (last.stage, last.cause) == ("tls", "tls.cert_expired")
    assert server.connections == 2
    assert last.milliseconds < 2900  # not the 3 s of the greeting again


def test_a_second_look_for_tls_costs_nothing_of_the_silence() -> None:
    server = Smtp(security=hostile.Security.STARTTLS)

    async def talk(connection: hostile.Connection) -> None:
        if server.connections > 1:
            connection.writer.write(b"\x16\x03\x03\x40\x00")
            await hostile.drip(connection, Stand(SMTP, Mode.CLEAR, Phase.GREETING))
        await asyncio.sleep(hostile.HOLD)

    server.talk = talk
    last = end(server, replace(limits_of(0.3), tls=3.0, leg=1.5))
    assert (last.stage, last.cause) == ("greeting", "greet.timeout")
    assert server.connections == 2
