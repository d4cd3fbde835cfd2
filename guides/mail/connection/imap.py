"""The part of IMAP (RFC 9051, 3501) that the connection test needs. It changes nothing: EXAMINE, never SELECT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guides.mail.accounts import Address, Protocol
from guides.mail.connection import imap_mailbox
from guides.mail.connection.channel import Channel, ChannelFault, Limits
from guides.mail.connection.imap_reply import CommandResult, Response, read_response, status_of, tokens
from guides.mail.connection.imap_string import Literal, imap_string
from guides.mail.connection.redact import Redactor
from guides.mail.connection.sasl import SCRAM, Exchange, Mechanism, choose, needs_plain
from guides.mail.connection.session import Refusal, Session, StageFault, StageFinding, not_a_greeting
from guides.mail.diagnosis.codes import Reply, cause_of
from guides.mail.outcomes import Stage
from guides.mail.secret import Secret

# Old servers cut longer lines; a longer initial response is sent after the server's `+`. In octets.
_MAX_INITIAL = 900


class ImapSession(Session):
    """The IMAP side of the test."""

    protocol = Protocol.IMAP

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
        super().__init__(channel, limits, address, ehlo_name, token=token, redactor=redactor)
        self.capabilities: frozenset[str] = frozenset()
        self.folders: dict[str, bytes] = {}  # an attribute such as \\sent -> the name of the folder that has it
        self._commands = 0
        self._preauthenticated = False

    def forget(self) -> None:
        self.capabilities = frozenset()

    async def greet(self) -> StageFinding:
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
        return StageFinding(evidence=line)

    async def learn(self) -> StageFinding:
        if not self.capabilities:
            await self._ask_capabilities(Stage.CAPABILITIES)
        if self.channel.encrypted:
            self._mechanism()
        return StageFinding(details={"offered": " ".join(sorted(self.capabilities))})

    async def _ask_capabilities(self, stage: Stage) -> None:
        answer = await self.ask(b"CAPABILITY")
        if answer.reply.status != "OK":
            raise Refusal(answer.reply, answer.evidence, cause_of(answer.reply, stage))
        self._take_capabilities(answer.reply)
        for response in answer.data:
            words = tokens(response.body)
            if words and words[0].upper() == b"CAPABILITY":
                self.capabilities = _names(words[1:])

    def _take_capabilities(self, reply: Reply) -> None:
        if reply.code == "CAPABILITY":
            self.capabilities = _names(reply.arguments.encode().split())

    def _mechanism(self, *, plain_first: bool = False) -> Mechanism | None:
        """The SASL mechanism to use; None is the command LOGIN. Raises StageFault when the secret cannot be sent."""
        offered = [name.removeprefix("AUTH=") for name in self.capabilities if name.startswith("AUTH=")]
        mechanism = choose(offered, token=self.token, plain_first=plain_first)
        if self.token:
            if mechanism is None:
                raise StageFault("cap.mech_missing", details={"mechanisms": " ".join(sorted(offered))})
            return mechanism
        has_login = "LOGINDISABLED" not in self.capabilities
        if mechanism is None and not has_login:
            raise StageFault("cap.login_disabled", details={"offered": " ".join(sorted(self.capabilities))})
        # LOGIN sends the password as PLAIN does, so it has PLAIN's rank.
        is_last_resort = mechanism is Mechanism.CRAM_MD5 or (plain_first and mechanism in SCRAM)
        return None if has_login and is_last_resort else mechanism

    async def ask_starttls(self) -> None:
        if "STARTTLS" not in self.capabilities:
            raise StageFault("tls.starttls_missing")
        answer = await self.ask(b"STARTTLS")
        if answer.reply.status != "OK":
            raise Refusal(answer.reply, answer.evidence, "tls.starttls_refused")

    async def log_in(self, username: str, secret: Secret) -> StageFinding:
        if self._preauthenticated:  # the session is logged in already, so a login would prove nothing
            raise StageFault("auth.protocol_error")
        mechanism = self._mechanism(plain_first=needs_plain(username, secret))
        if mechanism is None:
            parts = [b"LOGIN ", *imap_string(username.encode()), b" ", *imap_string(secret.utf8())]
            answer = await self.ask(*parts, seconds=self.limits.authentication)
            if answer.reply.status != "OK":
                raise Refusal(answer.reply, answer.evidence, cause_of(answer.reply, Stage.LOGIN))
        else:
            exchange = Exchange(mechanism, username, secret, challenges=self.limits.sasl_continuations)
            answer = await self._authenticate(exchange)
            if answer.reply.status != "OK":
                raise exchange.refusal(answer.reply, answer.evidence)
            exchange.check_success(answer.evidence)
        self.forget()  # capabilities may change with the login
        self._take_capabilities(answer.reply)
        details = {"mechanism": "LOGIN (command)" if mechanism is None else mechanism.value}
        return StageFinding(evidence=answer.evidence if answer.alert else b"", details=details)

    async def _authenticate(self, exchange: Exchange) -> CommandResult:
        command = b"AUTHENTICATE " + exchange.mechanism.encode()
        initial = exchange.initial(_MAX_INITIAL) if "SASL-IR" in self.capabilities else None
        if initial is not None:
            command += b" " + initial
        return await self.ask(command, exchange=exchange, seconds=self.limits.authentication)

    async def open(self) -> StageFinding:
        answer = await self.ask(b"EXAMINE INBOX")
        if answer.reply.status != "OK":
            raise Refusal(answer.reply, answer.evidence, cause_of(answer.reply, Stage.MAILBOX))
        details = {"idle": "yes" if "IDLE" in self.capabilities else "no"}  # reliable only after the login
        for response in answer.data:
            words = tokens(response.body)
            if len(words) == 2 and words[1].upper() == b"EXISTS" and words[0].isdigit():
                details["messages"] = words[0].decode("ascii")
        return StageFinding(details=details)

    async def after_login(self, stage: Stage) -> StageFinding:
        match stage:
            case Stage.IDENTITY:
                if not self.capabilities:  # the reply to the login did not list the new ones
                    await self._ask_capabilities(stage)
                return await imap_mailbox.identify(self)
            case Stage.QUOTA:
                return await imap_mailbox.check_quota(self)
            case Stage.FOLDERS:
                return await imap_mailbox.check_folders(self)
            case _:
                return await self.open()

    async def _goodbye(self) -> None:
        await self.ask(b"LOGOUT")

    async def ask(
        self,
        *parts: bytes | Literal,
        exchange: Exchange | None = None,
        seconds: float | None = None,
        lines: int | None = None,
    ) -> CommandResult:
        """Send a command and read up to its tagged reply, or up to a BYE after which the server closes."""
        self._commands += 1
        tag = b"a%d" % self._commands
        self.reader.begin(self.limits.command if seconds is None else seconds, lines)
        collected = _Collected(tag)
        pending = await self._write([tag, b" ", *parts])
        while True:
            try:
                response = await read_response(self.reader, self.limits)
            except ChannelFault:
                if collected.bye is not None:
                    return self._judged(collected.answer(collected.bye))
                raise
            if response.mark == b"+":
                if pending:  # the server waits for a literal
                    pending = await self._write(pending)
                elif exchange is not None:
                    pending = await self._write([await exchange.next_answer(response.body)])
                else:
                    raise StageFault("net.protocol", response.raw)
            elif response.mark == b"*":
                collected.add(response)
            elif response.mark != tag or response.reply is None:
                raise StageFault("net.protocol", response.raw)
            else:
                collected.add(response)
                return self._judged(collected.answer(response.reply))

    def _judged(self, answer: CommandResult) -> CommandResult:
        return answer if answer.reply.status == "OK" else replace(answer, reply=self.judged(answer.reply))

    async def _write(self, parts: Sequence[bytes | Literal]) -> list[bytes | Literal]:
        """Write up to the first synchronizing literal; returns what must wait for the server's `+` (RFC 9051 4.3)."""
        line = b""
        for position, part in enumerate(parts):
            if isinstance(part, bytes):
                line += part
                continue
            if not self.capabilities & {"LITERAL+", "LITERAL-"}:
                await self.say(line + b"{%d}\r\n" % len(part.octets))
                return [part.octets, *parts[position + 1 :]]
            line += b"{%d+}\r\n" % len(part.octets) + part.octets
        await self.say(line + b"\r\n")
        return []


class _Collected:
    """The responses to a command so far."""

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._responses: list[Response] = []
        self.bye: Reply | None = None

    def add(self, response: Response) -> None:
        self._responses.append(response)
        if response.reply is not None and response.reply.status == "BYE":
            self.bye = response.reply

    def answer(self, reply: Reply) -> CommandResult:
        """`reply` with the notices before it: an untagged NO, BAD, BYE or alert often explains it."""
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
        return CommandResult(replace(reply, notices=notices), evidence, data)


def _names(words: Sequence[bytes]) -> frozenset[str]:
    return frozenset(word.decode("utf-8", "replace").upper() for word in words)
