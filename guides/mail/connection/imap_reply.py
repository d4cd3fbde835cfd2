"""Parsing IMAP responses (RFC 9051 section 7), as far as the connection test needs them."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass

from guides.mail.accounts import Protocol
from guides.mail.connection.channel import Limits
from guides.mail.connection.session import ReplyReader, StageFault
from guides.mail.diagnosis.codes import Reply

_STATUS = re.compile(
    rb"(OK|NO|BAD|BYE|PREAUTH)(?: +\[([^\]\s]+)(?: +([^\]]*))?\])?(?: +(.*))?", re.IGNORECASE | re.DOTALL
)
_LITERAL = re.compile(rb"~?\{([0-9]+)\+?\}\Z")
_TAG = re.compile(rb"[A-Za-z0-9]{1,20}")
_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Response:
    """One response: `mark` is `*`, `+` or a tag; `reply` is set when it is a status response."""

    mark: bytes
    body: bytes
    reply: Reply | None

    @property
    def raw(self) -> bytes:
        """The response as the server sent it, literals included."""
        return self.mark + b" " + self.body


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The tagged reply to one command, with the untagged responses before it: `data`, and as sent, `evidence`."""

    reply: Reply
    evidence: bytes
    data: tuple[Response, ...]

    @property
    def alert(self) -> bool:
        """Whether it has an ALERT, whose text a client must show (RFC 9051 7.1)."""
        return self.reply.code == "ALERT" or any("[ALERT]" in notice for notice in self.reply.notices)


async def read_response(reader: ReplyReader, limits: Limits) -> Response:
    """Read one response with its literals. Raises StageFault("net.protocol") for anything else."""
    line = await reader.line()
    mark, _, body = line.partition(b" ")
    if mark not in (b"*", b"+") and _TAG.fullmatch(mark) is None:
        raise StageFault("net.protocol", line)
    if mark == b"+":
        return Response(mark, body, None)
    reply = status_of(body)
    if reply is not None:  # its text may end like a literal
        return Response(mark, body, reply)
    if mark != b"*":
        raise StageFault("net.protocol", line)
    return Response(mark, await _with_literals(body, reader, limits), None)


async def _with_literals(body: bytes, reader: ReplyReader, limits: Limits) -> bytes:
    for _ in range(limits.literals + 1):
        announced = _LITERAL.search(body)
        if announced is None:
            return body
        digits = announced[1]
        if len(digits) > limits.literal_digits or int(digits) > limits.literal_bytes:
            break
        # Kept as a quoted string, so that `tokens` reads it as one value.
        octets = (await reader.octets(int(digits))).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        body = body[: announced.start()] + b'"' + octets + b'"' + await reader.line()
    raise StageFault("limit.exceeded", body)


def status_of(body: bytes) -> Reply | None:
    """The status response (RFC 9051 7.1) that `body` is, or None when it is data."""
    match = _STATUS.fullmatch(body)
    if match is None:
        return None
    status, code, arguments, text = ((part or b"").decode("utf-8", "replace") for part in match.groups())
    return Reply(Protocol.IMAP, status.upper(), code.upper(), text, arguments)


def folder_name(raw: bytes) -> str:
    """A mailbox name for display: decoded from modified UTF-7 (RFC 3501 5.1.3) where it is valid."""
    return _SHIFTED.sub(_unshifted, raw).decode("utf-8", "replace")


def _unshifted(match: re.Match[bytes]) -> bytes:
    run = match[1].replace(b",", b"/")
    if not run:
        return b"&"
    try:
        return b64decode(run + b"=" * (-len(run) % 4)).decode("utf-16-be").encode()
    except ValueError:
        return match[0]


def tokens(body: bytes) -> list[bytes]:
    """Atoms, quoted strings (without quotes) and parentheses of a data response."""
    found = []
    for token in _TOKEN.findall(body):
        if token.startswith(b'"'):
            token = re.sub(rb"\\(.)", rb"\1", token[1:-1], flags=re.DOTALL)
        found.append(token)
    return found
