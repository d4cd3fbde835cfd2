"""The part of SMTP submission (RFC 5321, 6409, 4954, 3207) that the connection test needs.

It sends a message only in the delivery test, to the visitor's own address (`submit`).
"""

from __future__ import annotations

import re
from collections import deque
from contextlib import suppress

from guides.mail.accounts import Address, Protocol
from guides.mail.connection.channel import Channel, ChannelFault, Limits
from guides.mail.connection.redact import Redactor
from guides.mail.connection.sasl import Exchange, Mechanism, choose, needs_plain
from guides.mail.connection.session import Refusal, Session, StageFault, StageFinding, not_a_greeting
from guides.mail.connection.sizes import octets_in_words
from guides.mail.diagnosis.codes import Reply, cause_of, message_cause, sender_cause
from guides.mail.outcomes import Outcome, Owner, Stage
from guides.mail.secret import Secret

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)")

GREYLIST = "smtp.greylist"

# RFC 5321 4.5.3.1.4: a command line has at most 512 octets; a longer response is sent after the server's 334.
_MAX_INITIAL = 480


class SmtpSession(Session):
    """The SMTP side of the test."""

    protocol = Protocol.SMTP

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
        self._extensions: dict[str, str] = {}
        self._sent_ahead: deque[bytes] = deque()

    def forget(self) -> None:
        self._extensions = {}

    async def greet(self) -> StageFinding:
        self.reader.begin(self.limits.greeting)
        line = await self.reader.line()
        if _LINE.fullmatch(line) is None:
            raise not_a_greeting(line, Protocol.SMTP)
        reply, raw = await self._read_reply(line)
        if reply.status != "220":
            raise Refusal(reply, raw, cause_of(reply, Stage.GREETING))
        return StageFinding(evidence=raw)

    async def learn(self) -> StageFinding:
        reply, raw = await self._command(f"EHLO {self.ehlo_name}".encode())
        if reply.status in ("500", "502"):  # no extensions (RFC 821), so neither STARTTLS nor AUTH
            reply, raw = await self._command(f"HELO {self.ehlo_name}".encode())
            if reply.status == "250":
                raw = b""
        if reply.status != "250":
            raise _refused_name(reply, raw)
        self._extensions = _extensions(raw)
        if self.channel.encrypted:
            self._mechanism()
        details = {"offered": " ".join(sorted(self._extensions))}
        if largest := octets_in_words(self._extensions.get("SIZE", "").strip()):  # RFC 1870
            details["largest"] = largest
        return StageFinding(details=details)

    def _mechanism(self, *, plain_first: bool = False) -> Mechanism:
        """The SASL mechanism to use. Raises StageFault when a password cannot be sent."""
        offered = self._extensions.get("AUTH", "").upper().split()
        if not offered:
            raise StageFault("cap.no_auth")
        mechanism = choose(offered, token=self.token, plain_first=plain_first)
        if mechanism is None:
            cause = "cap.mech_missing" if self.token else "cap.no_password_mech"
            raise StageFault(cause, details={"mechanisms": " ".join(offered)})
        return mechanism

    async def ask_starttls(self) -> None:
        if "STARTTLS" not in self._extensions:
            raise StageFault("tls.starttls_missing")
        reply, raw = await self._command(b"STARTTLS")
        if reply.status != "220":
            raise Refusal(reply, raw, "tls.starttls_refused")

    async def log_in(self, username: str, secret: Secret) -> StageFinding:
        mechanism = self._mechanism(plain_first=needs_plain(username, secret))
        exchange = Exchange(mechanism, username, secret, challenges=self.limits.sasl_continuations)
        command = b"AUTH " + mechanism.encode()
        initial = exchange.initial(_MAX_INITIAL)
        if initial is not None:
            command += b" " + initial
        reply, raw = await self._command(command, self.limits.authentication)
        while reply.status == "334":
            answer = await exchange.next_answer(raw[4:])
            reply, raw = await self._command(answer, self.limits.authentication)
        if reply.status != "235":
            raise exchange.refusal(reply, raw)
        exchange.check_success(raw)
        return StageFinding(details={"mechanism": exchange.mechanism.value})

    async def open(self) -> StageFinding:
        """MAIL FROM and RCPT TO the visitor's own address, then RSET. (Servers that verify refuse a made-up one.)"""
        finding = await self._envelope(b"RSET")
        if finding.cause is None:
            await self._command(b"RSET")
        elif finding.cause == GREYLIST:  # the sender was accepted; RSET lets a message begin anew
            with suppress(ChannelFault, StageFault):
                await self._command(b"RSET")
        return finding

    async def _envelope(self, *behind: bytes) -> StageFinding:
        """Send sender and recipient; `behind` is a command that follows in any case."""
        path = f"<{self.address}>"
        parameters = ""
        if not path.isascii():
            if "SMTPUTF8" not in self._extensions:
                return StageFinding("cap.missing", details={"missing": "SMTPUTF8"})
            parameters = " SMTPUTF8"
        mail, recipient = f"MAIL FROM:{path}{parameters}".encode(), f"RCPT TO:{path}".encode()
        await self._send_ahead(mail, recipient, *behind)
        reply, raw = await self._command(mail)
        if reply.status != "250":
            raise Refusal(reply, raw, sender_cause(reply))
        reply, raw = await self._command(recipient)
        if reply.status not in ("250", "251"):
            cause = cause_of(reply, Stage.ENVELOPE)
            if cause == GREYLIST:
                return StageFinding(cause, raw)
            raise Refusal(reply, raw, cause)
        return StageFinding()

    async def submit(self, message: bytes) -> None:
        """Send a message to the visitor's own address. Raises Refusal, or StageFault when it is deferred."""
        finding = await self._envelope()
        if finding.cause is not None:
            raise StageFault(finding.cause, finding.evidence, details=finding.details)
        reply, raw = await self._command(b"DATA")
        if reply.status != "354":
            raise Refusal(reply, raw, message_cause(reply))
        stuffed = re.sub(rb"(?m)^\.", b"..", message.removesuffix(b"\r\n"))  # RFC 5321 4.5.2
        reply, raw = await self._command(stuffed + b"\r\n.", self.limits.message)
        if reply.status != "250":
            raise Refusal(reply, raw, message_cause(reply))

    async def _goodbye(self) -> None:
        await self._command(b"QUIT")

    async def _send_ahead(self, *lines: bytes) -> None:
        """Send the next commands together where the server supports PIPELINING (RFC 2920), to save round trips."""
        if "PIPELINING" in self._extensions:
            await self.say(b"".join(line + b"\r\n" for line in lines))
            self._sent_ahead.extend(lines)

    async def _command(self, line: bytes, seconds: float | None = None) -> tuple[Reply, bytes]:
        while self._sent_ahead:
            ahead = self._sent_ahead.popleft()
            if ahead == line:
                return await self._reply(seconds)
            await self._reply(seconds)  # the reply to a command whose result is no longer needed
        await self.say(line + b"\r\n")
        return await self._reply(seconds)

    async def _reply(self, seconds: float | None) -> tuple[Reply, bytes]:
        self.reader.begin(self.limits.command if seconds is None else seconds)
        return await self._read_reply(await self.reader.line())

    async def _read_reply(self, line: bytes) -> tuple[Reply, bytes]:
        """The whole reply that begins with `line` (RFC 5321 4.2.1), parsed, and its octets."""
        lines = [line]
        while True:
            match = _LINE.fullmatch(lines[-1])
            if match is None or match[1] != lines[0][:3]:
                raise StageFault("net.protocol", b"\n".join(lines))
            if match[2] != b"-":
                break
            lines.append(await self.reader.line())
        reply = _take_apart(lines)
        return self.judged(reply) if reply.status[0] in "45" else reply, b"\n".join(lines)


def _take_apart(lines: list[bytes]) -> Reply:
    """Join continuation lines; each may repeat the enhanced status code (RFC 2034)."""
    code, texts = "", []
    for line in lines:
        text = line[4:].decode("utf-8", "replace")
        enhanced = _ENHANCED.match(text)
        if enhanced is not None:
            code = enhanced[1]
            text = text[enhanced.end() :]
        texts.append(text.strip())
    return Reply(Protocol.SMTP, lines[0][:3].decode(), code, " ".join(filter(None, texts)))


def _extensions(raw: bytes) -> dict[str, str]:
    """Keywords and parameters of an EHLO reply; the old form `AUTH=PLAIN` counts as well."""
    found: dict[str, str] = {}
    for line in raw.split(b"\n")[1:]:
        keyword, _, parameters = line[4:].decode("utf-8", "replace").strip().partition(" ")
        keyword, _, old_form = keyword.upper().partition("=")
        found[keyword] = f"{found.get(keyword, '')} {old_form} {parameters}".strip()
    return found


def _refused_name(reply: Reply, raw: bytes) -> Exception:
    """The refusal of EHLO: the server rejects this portal's name or its address."""
    cause = cause_of(reply, Stage.CAPABILITIES)
    if cause == "net.protocol" and reply.status in ("501", "504", "550", "553", "554"):
        return StageFault("smtp.helo_invalid", raw, outcome=Outcome.OURS, owner=Owner.PORTAL)
    return Refusal(reply, raw, cause)
