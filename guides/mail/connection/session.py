"""What the three protocols share: how a session speaks to the leg that runs it, and how it reads a reply.

A session knows one protocol's grammar and nothing of stages, patterns or pages. It raises `Refusal` for a server's
no, `StageFault` for what it finds by itself, and lets the channel's own faults pass.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from guides.mail.accounts import Address, Protocol
from guides.mail.connection.channel import Channel, ChannelFault, Limits
from guides.mail.connection.redact import Redactor
from guides.mail.diagnosis.codes import Reply
from guides.mail.outcomes import Outcome, Owner, Stage
from guides.mail.secret import Secret

GOODBYE_SECONDS = 2.0


class StageFault(Exception):  # noqa: N818 (what a stage found, not an error of the program)
    """A stage failed for a cause of the vocabulary. `evidence` is the server's own octets, not yet redacted."""

    def __init__(
        self,
        cause: str,
        evidence: bytes = b"",
        *,
        outcome: Outcome | None = None,
        owner: Owner | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.evidence = evidence
        self.outcome = outcome
        self.owner = owner
        self.details = dict(details or {})


class Refusal(Exception):  # noqa: N818 (an answer, not an error)
    """The server said no. `cause` is what its codes and words come to, before the patterns that staff wrote."""

    def __init__(self, reply: Reply, evidence: bytes, cause: str) -> None:
        super().__init__(cause)
        self.reply = reply
        self.evidence = evidence
        self.cause = cause


@dataclass(frozen=True, slots=True)
class StageFinding:
    """What a stage that did not fail found. With a cause, it is a warning. Nothing in it is redacted yet."""

    cause: str | None = None
    evidence: bytes = b""
    details: Mapping[str, str] = field(default_factory=dict)
    skipped: bool = False  # there was nothing to do: the server does not offer what the stage is about


class ReplyReader:
    """Reads replies from a channel within the limits of one reply: seconds, lines and octets."""

    def __init__(self, channel: Channel, limits: Limits) -> None:
        self._channel = channel
        self._limits = limits
        self._until = 0.0
        self._lines = 0
        self._octets = 0
        self._most_lines = limits.reply_lines

    def begin(self, seconds: float, lines: int | None = None) -> None:
        """Start the budget of a reply; `lines` for one that may have more of them than others."""
        self._until = asyncio.get_running_loop().time() + seconds
        self._most_lines = self._limits.reply_lines if lines is None else lines
        self._lines = 0
        self._octets = 0

    async def line(self) -> bytes:
        """The next line, without its end. Raises ChannelFault, or StageFault("limit.exceeded")."""
        line = await self._channel.read_line(self._remaining())
        self._lines += 1
        self._count(len(line) + 2)
        if self._lines > self._most_lines:
            raise StageFault("limit.exceeded")
        return line

    async def octets(self, count: int) -> bytes:
        """Exactly `count` octets: an IMAP literal."""
        self._count(count)
        return await self._channel.read_exactly(count, self._remaining())

    def _count(self, octets: int) -> None:
        self._octets += octets
        if self._octets > self._limits.reply_bytes:
            raise StageFault("limit.exceeded")

    def _remaining(self) -> float:
        return max(0.0, self._until - asyncio.get_running_loop().time())


class Session(ABC):
    """One protocol's side of a connection. All that it has learnt is in itself, so that it can be forgotten."""

    protocol: ClassVar[Protocol]

    def __init__(
        self,
        channel: Channel,
        limits: Limits,
        address: Address,
        ehlo_name: str,
        *,
        token: bool = False,
        redactor: Redactor | None = None,
    ) -> None:
        self.channel = channel
        self.limits = limits
        self.address = address
        self.ehlo_name = ehlo_name
        self.token = token  # the visitor's secret is an OAuth 2.0 token, no password
        self.reader = ReplyReader(channel, limits)
        self._redactor = redactor  # None: nothing of the visitor's is sent

    def judged(self, reply: Reply) -> Reply:
        """A refusal as it is judged: what it repeats of the visitor's own input must not decide what it means."""
        return reply if self._redactor is None else neutral_reply(reply, self._redactor, plain_words=False)

    @abstractmethod
    async def greet(self) -> StageFinding:
        """Read the greeting."""

    @abstractmethod
    async def learn(self) -> StageFinding:
        """Ask for capabilities; over TLS, make sure that a password can be sent at all."""

    @abstractmethod
    async def ask_starttls(self) -> None:
        """Ask for TLS and read the server's consent; the handshake is the leg's."""

    @abstractmethod
    def forget(self) -> None:
        """Forget all that was learnt before encryption."""

    @abstractmethod
    async def log_in(self, username: str, secret: Secret) -> StageFinding:
        """Send the user name and password, once."""

    @abstractmethod
    async def open(self) -> StageFinding:
        """Do what the login is for: open the mailbox, or have an envelope accepted."""

    async def after_login(self, stage: Stage) -> StageFinding:  # noqa: ARG002 (for protocols with more than one)
        """Do the work of a stage behind the login."""
        return await self.open()

    @abstractmethod
    async def _goodbye(self) -> None:
        """Say goodbye and read the answer."""

    async def say(self, line: bytes) -> None:
        """Send a line. A server that hangs up often says why first: its unread words are the answer, then."""
        try:
            await self.channel.write(line)
        except ChannelFault as fault:
            if fault.cause not in ("net.closed", "net.reset") or not fault.evidence:
                raise

    async def leave(self) -> None:
        """Say goodbye, but do not wait long for an answer: nothing depends on it any more."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._goodbye()
        except Exception:  # noqa: S110 (whatever a server does after its work is done changes no result)
            pass


def neutral_reply(reply: Reply, redactor: Redactor, *, plain_words: bool) -> Reply:
    """A reply without what it repeats of the visitor's input, as `Redactor.neutral` has it."""

    def neutral(text: str) -> str:
        return redactor.neutral(text, plain_words=plain_words)

    return replace(
        reply,
        text=neutral(reply.text),
        arguments=neutral(reply.arguments),
        notices=tuple(map(neutral, reply.notices)),
    )


_OTHERS_GREETINGS = {
    Protocol.IMAP: (b"* OK", b"* PREAUTH", b"* BYE"),
    Protocol.POP3: (b"+OK", b"-ERR"),
    Protocol.SMTP: (b"220 ", b"220-", b"421 ", b"554 ", b"554-"),
}


def not_a_greeting(line: bytes, expected: Protocol) -> StageFault:
    """The fault of a first line that is no greeting of the expected protocol."""
    start = line.upper()
    for protocol, greetings in _OTHERS_GREETINGS.items():
        if protocol is not expected and start.startswith(greetings):
            return StageFault("greet.wrong_protocol", line, details={"speaks": protocol.value})
    if start.startswith((b"HTTP/", b"SSH-", b"<")):
        return StageFault("greet.wrong_protocol", line)
    return StageFault("greet.malformed", line)
