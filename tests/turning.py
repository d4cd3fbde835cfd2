"""Servers that are polite up to a command of the client's and then turn hostile; and many tests side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import cache

from guides.mail.accounts import Protocol, Security
from guides.mail.connection.limits import Limits
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import StageResult, Verdict
from guides.mail.secret import Secret
from tests import scripted
from tests.hostile import IMAP, POP3, SMTP, Deed, Mode
from tests.test_delivery import Mailbox, SearchingImap, SendingSmtp
from tests.unhurried import run_unhurried


@dataclass(frozen=True)
class Turn:
    """Where a server turns: at which command (none: the greeting), and the stage of the test that it belongs to."""

    protocol: Protocol
    mode: Mode
    command: bytes
    stage: str
    nth: int = 1  # how often the command is heard, in this state of encryption, until it turns
    delivers: bool = False

    @property
    def prefix(self) -> bytes:
        """What makes a line untagged data, or the middle of a reply, here."""
        if self.protocol is IMAP:
            return b"* "
        if self.protocol is POP3:
            return b"+OK\r\n" if self.command == b"CAPA" else b"+OK "
        return {b"": b"220-", b"AUTH": b"535-", b"DATA": b"354-"}.get(self.command, b"250-")

    def __str__(self) -> str:
        at = self.command.decode().replace(" ", "-") if self.command != b"." else "message"
        return f"{self.protocol}-{self.mode.value}-{at or 'greeting'}{self.nth if self.nth > 1 else ''}"


def _imap(mode: Mode) -> list[Turn]:
    behind = [
        (b"CAPABILITY", "capabilities", 1), (b"AUTHENTICATE", "login", 1), (b"CAPABILITY", "identity", 2),
        (b"ID", "identity", 1), (b"EXAMINE", "mailbox", 1), (b"STATUS", "quota", 1), (b"GETQUOTAROOT", "quota", 1),
        (b"LIST", "folders", 1), (b"LOGOUT", "", 1),
    ]  # fmt: skip
    return [Turn(IMAP, mode, command, stage, nth) for command, stage, nth in behind]


def _pop3(mode: Mode) -> list[Turn]:
    behind = [
        (b"CAPA", "capabilities", 1), (b"USER", "login", 1), (b"PASS", "login", 1), (b"STAT", "mailbox", 1),
        (b"CAPA", "mailbox", 2), (b"UIDL", "mailbox", 1), (b"QUIT", "", 1),
    ]  # fmt: skip
    return [Turn(POP3, mode, command, stage, nth) for command, stage, nth in behind]


def _smtp(mode: Mode) -> list[Turn]:
    behind = [
        (b"EHLO", "capabilities"), (b"AUTH", "login"), (b"MAIL", "envelope"), (b"RCPT", "envelope"),
        (b"RSET", "envelope"), (b"QUIT", ""),
    ]  # fmt: skip
    return [Turn(SMTP, mode, command, stage) for command, stage in behind]


GREETINGS = [
    Turn(protocol, mode, b"", "greeting") for protocol in (IMAP, POP3, SMTP) for mode in (Mode.CLEAR, Mode.TLS)
]
BEFORE_TLS = [
    Turn(protocol, Mode.CLEAR, command, stage)
    for protocol, asking, starting in ((IMAP, b"CAPABILITY", b"STARTTLS"), (POP3, b"CAPA", b"STLS"), (SMTP, b"EHLO", b"STARTTLS"))
    for command, stage in ((asking, "capabilities"), (starting, "tls"))
]  # fmt: skip
DELIVERY = [
    Turn(IMAP, Mode.TLS, b"EXAMINE", "delivery", 2, delivers=True),
    Turn(IMAP, Mode.TLS, b"UID SEARCH", "delivery", delivers=True),
    Turn(IMAP, Mode.TLS, b"UID FETCH", "delivery", delivers=True),
    Turn(SMTP, Mode.TLS, b"MAIL", "delivery", 2, delivers=True),
    Turn(SMTP, Mode.TLS, b"RCPT", "delivery", 2, delivers=True),
    Turn(SMTP, Mode.TLS, b"DATA", "delivery", delivers=True),
    Turn(SMTP, Mode.TLS, b".", "delivery", delivers=True),
]
TIDYING = [
    Turn(IMAP, Mode.TLS, command, "delivery", delivers=True) for command in (b"SELECT", b"UID STORE", b"UID EXPUNGE")
]
_BEHIND_TLS = [turn for mode in (Mode.STARTTLS, Mode.TLS) for made in (_imap, _pop3, _smtp) for turn in made(mode)]
GOODBYES = [turn for turn in _BEHIND_TLS if not turn.stage]
LATER = [*BEFORE_TLS, *(turn for turn in _BEHIND_TLS if turn.stage), *DELIVERY]


def turning(turn: Turn, deed: Deed) -> tuple[scripted.Scripted, ...]:
    """The servers of one test, one of which turns."""
    servers = _servers(turn)
    server = next(one for one in servers if one.protocol is turn.protocol)
    seen = 0

    async def talk(connection: scripted.Connection) -> None:
        if not turn.command:
            await deed(connection, turn)
            return
        hear = connection.hear

        async def hear_until() -> bytes:
            nonlocal seen
            line = await hear()
            said = line.partition(b" ")[2] if turn.protocol is IMAP else line
            if connection.encrypted is (turn.mode is not Mode.CLEAR) and _is(said, turn.command):
                seen += 1
                if seen == turn.nth:
                    await deed(connection, turn)
                    raise scripted.Gone
            return line

        connection.hear = hear_until  # type: ignore[method-assign]
        await server.speak(connection)

    server.talk = talk
    return servers


def _is(line: bytes, command: bytes) -> bool:
    return line == command or line.upper().startswith(command + b" ") or line.upper().startswith(command + b":")


def _servers(turn: Turn) -> tuple[scripted.Scripted, ...]:
    security = Security.TLS if turn.mode is Mode.TLS else Security.STARTTLS
    if turn.delivers:
        mailbox = Mailbox()
        return SearchingImap(mailbox=mailbox), SendingSmtp(mailbox=mailbox)
    if turn.protocol is IMAP:
        return (scripted.Imap(security=security, capabilities=b"IMAP4rev1 SASL-IR AUTH=PLAIN QUOTA APPENDLIMIT ID"),)
    return (scripted.Pop3(security=security),) if turn.protocol is POP3 else (scripted.Smtp(security=security),)


# --- many at once ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Took(scripted.Ran):
    """A finished test, and the seconds that it waited."""

    seconds: float = 0.0


@cache
def _egress(limits: Limits) -> scripted.LoopbackEgress:
    """One for each set of limits: reading the system's roots takes longer than a test."""
    return scripted.LoopbackEgress(scripted.egress().config, limits)


def run_all(tests: Sequence[Callable[[], tuple[scripted.Scripted, ...]]], limits: Limits) -> list[Took]:
    """Run tests side by side on one loop, each against its own servers and without a search for other settings."""

    async def one(servers: tuple[scripted.Scripted, ...]) -> Took:
        async with AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            plan = TestPlan(
                scripted.ADDRESS,
                tuple(server.server() for server in servers),
                deliver=len(servers) > 1,
                hidden_hosts=frozenset({scripted.HOST}),
            )
            began = asyncio.get_running_loop().time()
            async with aclosing(
                run_test(plan, Secret(scripted.PASSWORD), _egress(limits), PatternSet(), limits)
            ) as results:
                *stages, verdict = [result async for result in results]
            assert isinstance(verdict, Verdict)
            seconds = asyncio.get_running_loop().time() - began
            return Took([stage for stage in stages if isinstance(stage, StageResult)], verdict, seconds)

    async def every() -> list[Took]:
        scripted.certificates()
        return await asyncio.gather(*(one(made()) for made in tests))

    return run_unhurried(every())
