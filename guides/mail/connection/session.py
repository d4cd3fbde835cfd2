"""The common base of the three protocols' sessions, their results and errors, and the reading of replies.

A session knows one protocol's grammar, not patterns or pages. It raises `Refusal` when the server refuses,
`StageFault` for a fault that it finds itself, and lets the channel's ChannelFault pass.
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
    """A stage failed; `cause` is a class of `diagnosis.classes`. `evidence`: the server's octets, not yet redacted."""

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
    """The server refused. `cause` is the class from its codes and words, before staff's patterns are applied."""

    def __init__(self, reply: Reply, evidence: bytes, cause: str) -> None:
        super().__init__(cause)
        self.reply = reply
        self.evidence = evidence
        self.cause = cause


@dataclass(frozen=True, slots=True)
class StageFinding:
    """The result of a stage that did not fail; a warning when it has a cause. Not yet redacted."""

    cause: str | None = None
    evidence: bytes = b""
    details: Mapping[str, str] = field(default_factory=dict)
    skipped: bool = False  # the server does not support what the stage tests


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
        """Start the limits of a reply; `lines` instead of `Limits.reply_lines`."""
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
    """One protocol's client. All state is in the object, so that `forget` can clear it after STARTTLS."""

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
        self.token = token  # the secret is an OAuth 2.0 token, no password
        self.reader = ReplyReader(channel, limits)
        self._redactor = redactor  # None: no personal data is sent

    def judged(self, reply: Reply) -> Reply:
        """A refusal for classification: without the visitor's input, which must not decide the class."""
        return reply if self._redactor is None else neutral_reply(reply, self._redactor, plain_words=False)

    @abstractmethod
    async def greet(self) -> StageFinding:
        """Read the greeting."""

    @abstractmethod
    async def learn(self) -> StageFinding:
        """Ask for capabilities; under TLS, check that the password can be sent."""

    @abstractmethod
    async def ask_starttls(self) -> None:
        """Ask for TLS and read the reply; the leg does the handshake."""

    @abstractmethod
    def forget(self) -> None:
        """Discard all that the server said before TLS (RFC 9051 6.2.1, RFC 3207 4.2)."""

    @abstractmethod
    async def log_in(self, username: str, secret: Secret) -> StageFinding:
        """Send the user name and the secret, once."""

    @abstractmethod
    async def open(self) -> StageFinding:
        """Open the mailbox, or have an envelope accepted."""

    async def after_login(self, stage: Stage) -> StageFinding:  # noqa: ARG002 (for protocols with more than one)
        """Run a stage after the login."""
        return await self.open()

    @abstractmethod
    async def _goodbye(self) -> None:
        """Send QUIT or LOGOUT and read the reply."""

    async def say(self, line: bytes) -> None:
        """Send a line. A closed connection with unread words is no fault here: they are then read as the reply."""
        try:
            await self.channel.write(line)
        except ChannelFault as fault:
            if fault.cause not in ("net.closed", "net.reset") or not fault.evidence:
                raise

    async def leave(self) -> None:
        """Send QUIT or LOGOUT and wait at most GOODBYE_SECONDS for the reply, which changes no result."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._goodbye()
        except Exception:  # noqa: S110 (the results are complete)
            pass


def neutral_reply(reply: Reply, redactor: Redactor, *, plain_words: bool) -> Reply:
    """A reply with the visitor's input replaced by neutral words (`Redactor.neutral`)."""

    def neutral(text: str) -> str:
        return redactor.neutral(text, plain_words=plain_words)

    return replace(
        reply, text=neutral(reply.text), arguments=neutral(reply.arguments), notices=tuple(map(neutral, reply.notices))
    )


_OTHERS_GREETINGS = {
    Protocol.IMAP: (b"* OK", b"* PREAUTH", b"* BYE"),
    Protocol.POP3: (b"+OK", b"-ERR"),
    Protocol.SMTP: (b"220 ", b"220-", b"421 ", b"554 ", b"554-"),
}


def not_a_greeting(line: bytes, expected: Protocol) -> StageFault:
    """The fault for a first line that is no greeting of the expected protocol."""
    start = line.upper()
    for protocol, greetings in _OTHERS_GREETINGS.items():
        if protocol is not expected and start.startswith(greetings):
            return StageFault("greet.wrong_protocol", line, details={"speaks": protocol.value})
    if start.startswith((b"HTTP/", b"SSH-", b"<")):
        return StageFault("greet.wrong_protocol", line)
    return StageFault("greet.malformed", line)
