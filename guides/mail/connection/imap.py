"""IMAP (RFC 9051, 3501) as far as the connection test speaks it. It changes nothing: EXAMINE, never SELECT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from guides.mail.accounts import Address, Protocol
from guides.mail.connection.channel import Channel, ChannelFault, Limits
from guides.mail.connection.imap_reply import Response, full_resource, read_response, status_of, tokens
from guides.mail.connection.sasl import Exchange, Mechanism, choose
from guides.mail.connection.session import Finding, Refusal, Session, StageFault, not_a_greeting
from guides.mail.diagnosis.codes import Reply, cause_of
from guides.mail.outcomes import Stage
from guides.mail.secret import Secret

# More than these many octets on one line, and old servers cut it; the answer then waits for the server's `+`.
_MAX_INITIAL = 900


@dataclass(frozen=True, slots=True)
class Answer:
    """All that came back for one command."""

    reply: Reply
    evidence: bytes
    data: tuple[Response, ...]

    @property
    def alert(self) -> bool:
        """Whether it holds words that a client must show (RFC 9051 7.1)."""
        return self.reply.code == "ALERT" or any("[ALERT]" in notice for notice in self.reply.notices)


class ImapSession(Session):
    """The IMAP side of the test."""

    protocol = Protocol.IMAP

    def __init__(self, channel: Channel, limits: Limits, address: Address, ehlo_name: str) -> None:
        super().__init__(channel, limits, address, ehlo_name)
        self._capabilities: frozenset[str] = frozenset()
        self._commands = 0
        self._preauthenticated = False

    def forget(self) -> None:
        self._capabilities = frozenset()

    async def greet(self) -> Finding:
        self.reader.begin(self.limits.greeting)
        line = await self.reader.line()
        mark, _, body = line.partition(b" ")
        reply = status_of(body) if mark == b"*" else None
        if reply is None or reply.status not in ("OK", "PREAUTH", "BYE"):
            raise not_a_greeting(line, Protocol.IMAP)
        if reply.status == "BYE":
            raise Refusal(reply, line, cause_of(reply, Stage.GREETING))
        if reply.status == "PREAUTH" and not self.channel.encrypted:
            raise StageFault("greet.preauth_in_clear", line)
        self._preauthenticated = reply.status == "PREAUTH"
        self._take_capabilities(reply)
        return Finding(evidence=line)

    async def learn(self) -> Finding:
        if not self._capabilities:
            await self._ask_capabilities(Stage.CAPABILITIES)
        if self.channel.encrypted:
            self._mechanism()
        return Finding(details={"offered": " ".join(sorted(self._capabilities))})

    async def _ask_capabilities(self, stage: Stage) -> None:
        answer = await self._command(b"CAPABILITY")
        if answer.reply.status != "OK":
            raise Refusal(answer.reply, answer.evidence, cause_of(answer.reply, stage))
        self._take_capabilities(answer.reply)
        for response in answer.data:
            words = tokens(response.body)
            if words and words[0].upper() == b"CAPABILITY":
                self._capabilities = _names(words[1:])

    def _take_capabilities(self, reply: Reply) -> None:
        if reply.code == "CAPABILITY":
            self._capabilities = _names(reply.arguments.encode().split())

    def _mechanism(self) -> Mechanism | None:
        """How to sign in; None is the command LOGIN. Raises StageFault when a password cannot be sent."""
        mechanism = choose(name.removeprefix("AUTH=") for name in self._capabilities if name.startswith("AUTH="))
        if mechanism is None and "LOGINDISABLED" in self._capabilities:
            raise StageFault("cap.login_disabled", details={"offered": " ".join(sorted(self._capabilities))})
        return mechanism

    async def ask_starttls(self) -> None:
        if "STARTTLS" not in self._capabilities:
            raise StageFault("tls.starttls_missing")
        answer = await self._command(b"STARTTLS")
        if answer.reply.status != "OK":
            raise Refusal(answer.reply, answer.evidence, "tls.starttls_refused")

    async def log_in(self, username: str, secret: Secret) -> Finding:
        if self._preauthenticated:  # the server let us in unasked, so the password would prove nothing
            raise StageFault("auth.protocol_error")
        mechanism = self._mechanism()
        if mechanism is None:
            parts = [b"LOGIN ", *_string(username.encode()), b" ", *_string(secret.utf8())]
            answer = await self._command(*parts, seconds=self.limits.authentication)
        else:
            answer = await self._authenticate(Exchange(mechanism, username, secret))
        if answer.reply.status != "OK":
            raise Refusal(answer.reply, answer.evidence, cause_of(answer.reply, Stage.LOGIN))
        self.forget()  # what is offered may be different once the server knows who asks
        self._take_capabilities(answer.reply)
        details = {"mechanism": "LOGIN (command)" if mechanism is None else mechanism.value}
        return Finding(evidence=answer.evidence if answer.alert else b"", details=details)

    async def _authenticate(self, exchange: Exchange) -> Answer:
        command = b"AUTHENTICATE " + exchange.mechanism.encode()
        length = exchange.initial_length
        if "SASL-IR" in self._capabilities and length is not None and length <= _MAX_INITIAL:
            command += b" " + (exchange.next_answer() or b"=")
        return await self._command(command, exchange=exchange, seconds=self.limits.authentication)

    async def open(self) -> Finding:
        answer = await self._command(b"EXAMINE INBOX")
        if answer.reply.status != "OK":
            raise Refusal(answer.reply, answer.evidence, cause_of(answer.reply, Stage.MAILBOX))
        details = {}
        for response in answer.data:
            words = tokens(response.body)
            if len(words) == 2 and words[1].upper() == b"EXISTS" and words[0].isdigit():
                details["messages"] = words[0].decode("ascii")
        full = await self._full_quota()
        return Finding("mbox.overquota" if full else None, full, details)

    async def _full_quota(self) -> bytes:
        """The server's words about a quota with nothing left; empty when there is room, or it does not say."""
        if not self._capabilities:
            await self._ask_capabilities(Stage.MAILBOX)
        if not any(name == "QUOTA" or name.startswith("QUOTA=") for name in self._capabilities):
            return b""
        answer = await self._command(b"GETQUOTAROOT INBOX")
        quotas = [response for response in answer.data if response.body[:6].upper() == b"QUOTA "]
        return next((response.raw for response in quotas if full_resource(response.body)), b"")

    async def _goodbye(self) -> None:
        await self._command(b"LOGOUT")

    async def _command(
        self, *parts: bytes | _Literal, exchange: Exchange | None = None, seconds: float | None = None
    ) -> Answer:
        """Send a command, and read up to its tagged answer, or to a BYE behind which nothing comes."""
        self._commands += 1
        tag = b"a%d" % self._commands
        self.reader.begin(self.limits.command if seconds is None else seconds)
        collected = _Collected(tag)
        pending = await self._write([tag, b" ", *parts])
        continuations = 0
        while True:
            try:
                response = await read_response(self.reader, self.limits)
            except ChannelFault:
                if collected.bye is not None:
                    return collected.answer(collected.bye)
                raise
            if response.mark == b"+":
                continuations += 1
                answer = None if exchange is None or pending else exchange.next_answer()
                if continuations > self.limits.sasl_continuations or not (pending or answer):
                    raise StageFault("net.protocol", response.raw)
                pending = await self._write(pending or [answer or b""])
            elif response.mark == b"*":
                collected.add(response)
            elif response.mark != tag or response.reply is None:
                raise StageFault("net.protocol", response.raw)
            else:
                collected.add(response)
                return collected.answer(response.reply)

    async def _write(self, parts: Sequence[bytes | _Literal]) -> list[bytes | _Literal]:
        """Write up to the first literal that needs the server's consent; what is left waits for it (RFC 9051 4.3)."""
        line = b""
        for position, part in enumerate(parts):
            if isinstance(part, bytes):
                line += part
                continue
            if not self._capabilities & {"LITERAL+", "LITERAL-"}:
                await self.say(line + b"{%d}\r\n" % len(part.octets))
                return [part.octets, *parts[position + 1 :]]
            line += b"{%d+}\r\n" % len(part.octets) + part.octets
        await self.say(line + b"\r\n")
        return []


@dataclass(frozen=True, slots=True)
class _Literal:
    """An argument that cannot be quoted."""

    octets: bytes

    def __repr__(self) -> str:
        return "<literal>"


class _Collected:
    """What has come for a command so far."""

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._responses: list[Response] = []
        self.bye: Reply | None = None

    def add(self, response: Response) -> None:
        self._responses.append(response)
        if response.reply is not None and response.reply.status == "BYE":
            self.bye = response.reply

    def answer(self, reply: Reply) -> Answer:
        """`reply` with the notices that came before it: an untagged NO, BAD or BYE, or an alert, explains it."""
        told = [
            response
            for response in self._responses
            if response.reply is not None
            and response.reply is not reply
            and (response.reply.status != "OK" or response.reply.code in ("ALERT", "WEBALERT"))
        ]
        last = [response for response in self._responses if response.reply is reply]
        notices = tuple(response.reply.words for response in told if response.reply is not None)
        evidence = b"\n".join(response.raw for response in [*told, *last])
        data = tuple(response for response in self._responses if response.reply is None)
        return Answer(replace(reply, notices=notices), evidence, data)


def _names(words: Sequence[bytes]) -> frozenset[str]:
    return frozenset(word.decode("utf-8", "replace").upper() for word in words)


def _string(value: bytes) -> list[bytes | _Literal]:
    """A value as an IMAP string: quoted where that is allowed, else a literal."""
    if all(0x20 <= octet < 0x7F for octet in value):
        return [b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"']
    return [_Literal(value)]
