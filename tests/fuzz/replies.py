"""What is fuzzed: bytes of a server, through the line reader, the reply parsers and all that is shown of them.

The first octet chooses the parser, the rest is what the server sends. Whatever it is, the answer is a value or one of
the faults that a leg expects; anything else is a bug.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Coroutine

from guides.mail.accounts import Address
from guides.mail.certificates import NotACertificate, describe
from guides.mail.connection import imap_mailbox, imap_search
from guides.mail.connection.channel import Channel, ChannelFault, Wire
from guides.mail.connection.imap import ImapSession
from guides.mail.connection.limits import Limits
from guides.mail.connection.pop3 import Pop3Session
from guides.mail.connection.redact import MAX_SHOWN, Redactor
from guides.mail.connection.scram import Scram, ScramFault
from guides.mail.connection.session import Refusal, StageFault, StageFinding
from guides.mail.connection.smtp import SmtpSession
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Stage
from guides.mail.secret import Secret

LIMITS = Limits()
ADDRESS = Address("anna", "example.net")
PASSWORD = "correct horse"
REDACTOR = Redactor(ADDRESS, ["anna"], Secret(PASSWORD))

EXPECTED = (ChannelFault, StageFault, Refusal)


class _Transport(asyncio.Transport):
    """Where a session's commands go."""

    def write(self, data: object) -> None:
        pass

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def _channel(data: bytes) -> Channel:
    """A connection on which the server has sent `data` and closed."""
    wire = Wire(LIMITS)
    wire.connection_made(_Transport())
    view = memoryview(data)
    for start in range(0, len(view), 4096):
        part = view[start : start + 4096]
        wire.get_buffer(len(part))[: len(part)] = part
        wire.buffer_updated(len(part))
    wire.lose("net.closed")
    return Channel(wire, "192.0.2.1")


async def _imap(data: bytes) -> None:
    session = ImapSession(_channel(data), LIMITS, ADDRESS, "portal.example.net")
    for work in (session.greet, session.learn, session.ask_starttls):
        await _noted(work())
    for stage in (Stage.IDENTITY, Stage.MAILBOX, Stage.QUOTA, Stage.FOLDERS):
        session.capabilities |= {"ID", "QUOTA", "APPENDLIMIT", "SPECIAL-USE"}
        await _noted(session.after_login(stage))
    assert all(isinstance(name, bytes) for name in session.folders.values())


async def _imap_search(data: bytes) -> None:
    session = ImapSession(_channel(data), LIMITS, ADDRESS, "portal.example.net")
    await imap_mailbox.list_folders(session, b'LIST "" "*"')
    uid = await imap_search.find_message(session, b"INBOX", "<t@example.net>", "token")
    if uid is not None:
        assert b"token" in data
        await imap_search.delete_message(session, b"INBOX", uid)


async def _imap_login(data: bytes) -> None:
    session = ImapSession(_channel(data), LIMITS, ADDRESS, "portal.example.net")
    session.capabilities = frozenset({"AUTH=SCRAM-SHA-256"})
    await _noted(session.log_in("anna", Secret(PASSWORD)))


async def _pop3(data: bytes) -> None:
    session = Pop3Session(_channel(data), LIMITS, ADDRESS, "portal.example.net")
    for work in (session.greet, session.learn, session.open, lambda: session.log_in("anna", Secret(PASSWORD))):
        await _noted(work())


async def _smtp(data: bytes) -> None:
    session = SmtpSession(_channel(data), LIMITS, ADDRESS, "portal.example.net")
    for work in (session.greet, session.learn, session.open, lambda: session.log_in("anna", Secret(PASSWORD))):
        await _noted(work())


async def _noted(work: Coroutine[object, object, StageFinding | None]) -> None:
    """Run a stage, and look at what would be shown of it."""
    try:
        finding = await work
    except Refusal as refusal:
        assert refusal.cause in CLASSES
        _show(refusal.evidence)
        raise
    except (ChannelFault, StageFault) as fault:
        assert fault.cause in CLASSES
        _show(fault.evidence)
        raise
    if finding is not None:
        assert finding.cause is None or finding.cause in CLASSES
        _show(finding.evidence)


def _show(raw: bytes) -> None:
    shown = REDACTOR.evidence(raw, before_encryption=True).text
    assert len(shown) <= MAX_SHOWN
    assert PASSWORD not in shown
    assert not any(unicodedata.category(char) in ("Cc", "Cf") and char != "\n" for char in shown)


async def _scram(data: bytes) -> None:
    scram = Scram("sha256", "anna", PASSWORD.encode(), "nonce")
    first, _, final = data.partition(b"\n")
    try:
        await scram.final(first.replace(b"i=", b"i=0")[:400])
    except ScramFault:
        return
    assert not scram.verifies(final)


async def _certificate(data: bytes) -> None:
    try:
        describe([data])
    except NotACertificate:
        pass


PARSERS: tuple[Callable[[bytes], Coroutine[object, object, None]], ...] = (
    _imap,
    _imap_login,
    _imap_search,
    _pop3,
    _smtp,
    _scram,
    _certificate,
)


def one_input(data: bytes) -> None:
    """What the fuzzer calls."""
    if not data:
        return
    parse = PARSERS[data[0] % len(PARSERS)]
    try:
        asyncio.run(parse(data[1:]))
    except EXPECTED:
        pass
