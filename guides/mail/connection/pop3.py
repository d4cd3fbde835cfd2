"""The part of POP3 (RFC 1939, 2449, 2595, 5034) that the connection test needs. It deletes and fetches nothing."""

from __future__ import annotations

import re

from guides.mail.accounts import Address, Protocol
from guides.mail.connection.channel import Channel, Limits
from guides.mail.connection.redact import Redactor
from guides.mail.connection.sasl import SCRAM, Exchange, Mechanism, choose, needs_plain
from guides.mail.connection.session import Refusal, Session, StageFault, StageFinding, not_a_greeting
from guides.mail.diagnosis.codes import Reply, cause_of
from guides.mail.outcomes import Stage
from guides.mail.secret import Secret

_LINE = re.compile(rb"(\+OK|-ERR)(?:[ \t]+(?:\[([A-Za-z0-9/_-]+)[^\]]*\])?[ \t]*(.*))?", re.IGNORECASE | re.DOTALL)
_MAX_INITIAL = 240  # RFC 2449 4: a command has at most 255 octets


class Pop3Session(Session):
    """The POP3 side of the test."""

    protocol = Protocol.POP3

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
        self._capabilities: dict[str, str] | None = None  # None: the server does not know CAPA

    def forget(self) -> None:
        self._capabilities = None

    async def greet(self) -> StageFinding:
        self.reader.begin(self.limits.greeting)
        line = await self.reader.line()
        if _LINE.fullmatch(line) is None:
            raise not_a_greeting(line, Protocol.POP3)
        reply = _take_apart(line)
        if reply.status != "+OK":
            raise Refusal(reply, line, cause_of(reply, Stage.GREETING))
        return StageFinding(evidence=line)

    async def learn(self) -> StageFinding:
        reply, _ = await self._command(b"CAPA")
        self._capabilities = await self._list() if reply.status == "+OK" else None
        if self.channel.encrypted:
            self._mechanism("", plain_first=False)
        return StageFinding(details={"offered": " ".join(sorted(self._capabilities or ()))})

    async def _list(self) -> dict[str, str]:
        """The lines of a multi-line response, without the final dot (RFC 1939 3)."""
        found: dict[str, str] = {}
        while (line := await self.reader.line()) != b".":
            keyword, _, parameters = line.decode("utf-8", "replace").partition(" ")
            found[keyword.upper()] = parameters
        return found

    def _mechanism(self, username: str, *, plain_first: bool) -> Mechanism | None:
        """The SASL mechanism to use; None is USER and PASS. Raises StageFault when a password cannot be sent.

        USER cannot transmit a space, and its encoding of non-ASCII letters is undefined.
        """
        if self._capabilities is None and not self.token:
            return None
        capabilities = self._capabilities or {}
        offered = capabilities.get("SASL", "").upper().split()
        mechanism = choose(offered, token=self.token, plain_first=plain_first)
        if self.token:
            if mechanism is None:
                raise StageFault("cap.mech_missing", details={"mechanisms": " ".join(offered)})
            return mechanism
        if "USER" in capabilities and mechanism not in SCRAM and username.isascii() and " " not in username:
            return None
        if mechanism is not None or "USER" in capabilities:
            return mechanism
        if offered:
            raise StageFault("cap.no_password_mech", details={"mechanisms": " ".join(offered)})
        # RFC 2449 6.3 requires USER to be announced, but older servers accept it unannounced.
        return None

    async def ask_starttls(self) -> None:
        if self._capabilities is None or "STLS" not in self._capabilities:
            raise StageFault("tls.starttls_missing")
        reply, raw = await self._command(b"STLS")
        if reply.status != "+OK":
            raise Refusal(reply, raw, "tls.starttls_refused")

    async def log_in(self, username: str, secret: Secret) -> StageFinding:
        mechanism = self._mechanism(username, plain_first=needs_plain(username, secret))
        if mechanism is not None:
            exchange = Exchange(mechanism, username, secret, challenges=self.limits.sasl_continuations)
            return await self._authenticate(exchange)
        reply, raw = await self._command(b"USER " + username.encode(), self.limits.authentication)
        if reply.status == "+OK":
            reply, raw = await self._command(b"PASS " + secret.utf8(), self.limits.authentication)
        if reply.status != "+OK":
            raise Refusal(reply, raw, cause_of(reply, Stage.LOGIN))
        return StageFinding(details={"mechanism": "USER"})

    async def _authenticate(self, exchange: Exchange) -> StageFinding:
        """AUTH with SASL (RFC 5034)."""
        command = b"AUTH " + exchange.mechanism.encode()
        initial = exchange.initial(_MAX_INITIAL)
        if initial is not None:
            command += b" " + initial
        line = await self._send(command)
        while line.startswith(b"+ ") or line == b"+":
            line = await self._send(await exchange.next_answer(line[2:]))
        reply = self._answer(line)
        if reply.status != "+OK":
            raise exchange.refusal(reply, line)
        exchange.check_success(line)
        return StageFinding(details={"mechanism": exchange.mechanism.value})

    async def open(self) -> StageFinding:
        reply, raw = await self._command(b"STAT")
        if reply.status != "+OK":
            raise Refusal(reply, raw, cause_of(reply, Stage.MAILBOX))
        count = reply.text.partition(" ")[0]
        details = {"messages": count} if count.isdecimal() and len(count) < 10 else {}
        missing = await self._missing(has_messages=details.get("messages", "0").strip("0") != "")
        if missing:
            details["missing"] = " ".join(missing)
        return StageFinding("cap.missing" if "UIDL" in missing else None, details=details)

    async def _missing(self, *, has_messages: bool) -> list[str]:
        """The missing ones of UIDL, for leaving messages on the server, and TOP, for showing headers first.

        UIDL is tried on the first message; TOP would fetch from it, so CAPA decides.
        """
        announced = None
        if self._capabilities is not None:  # capabilities may change with the login
            reply, _ = await self._command(b"CAPA")
            announced = set(await self._list()) if reply.status == "+OK" else None
        missing = [] if announced is None or "TOP" in announced else ["TOP"]
        if has_messages:
            reply, _ = await self._command(b"UIDL 1")
            knows_uidl = reply.status == "+OK"
        else:
            knows_uidl = announced is None or "UIDL" in announced
        return missing if knows_uidl else ["UIDL", *missing]

    async def _goodbye(self) -> None:
        await self._command(b"QUIT")

    async def _send(self, line: bytes) -> bytes:
        await self.say(line + b"\r\n")
        self.reader.begin(self.limits.authentication)
        return await self.reader.line()

    async def _command(self, line: bytes, seconds: float | None = None) -> tuple[Reply, bytes]:
        await self.say(line + b"\r\n")
        self.reader.begin(self.limits.command if seconds is None else seconds)
        raw = await self.reader.line()
        return self._answer(raw), raw

    def _answer(self, line: bytes) -> Reply:
        reply = _take_apart(line)
        return reply if reply.status == "+OK" else self.judged(reply)


def _take_apart(line: bytes) -> Reply:
    match = _LINE.fullmatch(line)
    if match is None:
        raise StageFault("net.protocol", line)
    code = (match[2] or b"").decode("ascii").upper()
    return Reply(Protocol.POP3, match[1].decode("ascii").upper(), code, (match[3] or b"").decode("utf-8", "replace"))
