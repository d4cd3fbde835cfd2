"""Parsing an untrusted mail message within bounds: bytes, parts, depth. Without recursion.

The standard library's parser recurses for each nested message and reads each line once per level: fifty levels of a
hundred thousand lines take seconds. Here a list holds the parts to parse, and the library parses only headers and
encodings.
"""

from __future__ import annotations

import html
import quopri
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser

from charset_normalizer import from_bytes

from guides.mail.diagnosis.charsets import CODECS, codec_of

MAX_BYTES = 1_000_000
MAX_PARTS = 60
MAX_DEPTH = 8
MAX_TEXT = 100_000  # characters of one part that are read
MAX_HEADER = 2000  # characters of one header that are decoded: each encoded word may need a guess
_MAX_HEADERS = 64_000
_SAMPLE = 4096

_HEADER_LINE = re.compile(rb"[A-Za-z][A-Za-z0-9-]{1,60}:[ \t]?")
_KNOWN = re.compile(
    rb"(?im)^(received|return-path|delivered-to|from|to|subject|date|message-id|mime-version|content-type|reply-to|x-[a-z-]+|dkim-signature|auto-submitted):"
)
_DROPPED = frozenset({"style", "script", "head", "title"})
_BREAKING = frozenset(
    {"br", "p", "div", "tr", "li", "table", "h1", "h2", "h3", "h4", "ul", "ol", "hr", "pre", "blockquote"}
)


@dataclass(slots=True)
class Parts:
    """The parts of a message that a diagnosis needs."""

    headers: Message
    texts: list[str] = field(default_factory=list)  # the readable text
    statuses: list[str] = field(default_factory=list)  # message/delivery-status (RFC 3464)
    feedback: list[str] = field(default_factory=list)  # message/feedback-report (RFC 5965)
    receipts: list[str] = field(default_factory=list)  # message/disposition-notification (RFC 8098)
    originals: list[str] = field(default_factory=list)  # the headers of contained messages
    nested: list[bytes] = field(default_factory=list)  # contained messages, whole

    def header(self, name: str) -> str:
        """A header of the outer message, decoded; "" when it is missing."""
        return decoded_header(self.headers.get(name))


def looks_like_message(data: bytes) -> bool:
    """Whether a text begins with the headers of a mail message."""
    head = data.lstrip(b"\r\n\t \xef\xbb\xbf")[:_MAX_HEADERS]
    if head.startswith(b"From "):
        head = head.partition(b"\n")[2]
    block = re.split(rb"\r?\n\r?\n|\r\r", head, maxsplit=1)[0]
    return _HEADER_LINE.match(head) is not None and len(set(_KNOWN.findall(block.replace(b"\r", b"\n")))) >= 3


def take_apart(data: bytes) -> Parts:
    """The parts of a message. Never raises; parts beyond the bounds are left out."""
    data = data[:MAX_BYTES].lstrip(b"\r\n\t \xef\xbb\xbf")
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.startswith(b"From "):  # a mailbox file: its first message
        data = data.partition(b"\n\nFrom ")[0].partition(b"\n")[2]
    headers, body = _split(data)
    parts = Parts(headers)
    waiting = [(headers, body, 0)]
    for _ in range(MAX_PARTS):
        if not waiting:
            break
        head, content, depth = waiting.pop(0)
        kind = head.get_content_type()
        boundary = _boundary(head)
        if kind.startswith("multipart/") and boundary and depth < MAX_DEPTH:
            waiting[:0] = [(*_split(piece), depth + 1) for piece in _pieces(content, boundary)]
        else:
            _sort(parts, kind, head, content)
    return parts


def _sort(parts: Parts, kind: str, head: Message, content: bytes) -> None:
    content = _transfer_decoded(head, content)
    if kind == "message/rfc822":
        parts.nested.append(content.lstrip(b"\n"))
        parts.originals.append(_text(head, content[:_MAX_HEADERS].lstrip(b"\n")).partition("\n\n")[0])
    elif kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
        parts.originals.append(_text(head, content))
    elif kind in ("message/delivery-status", "message/global-delivery-status"):
        parts.statuses.append(_text(head, content))
    elif kind == "message/feedback-report":
        parts.feedback.append(_text(head, content))
    elif kind in ("message/disposition-notification", "message/global-disposition-notification"):
        parts.receipts.append(_text(head, content))
    elif kind == "text/html":
        parts.texts.append(text_of_html(_text(head, content)))
    elif kind.startswith(("text/", "multipart/")):
        parts.texts.append(_text(head, content))


def _split(data: bytes) -> tuple[Message, bytes]:
    """Headers and body. A part that begins with an empty line has no headers."""
    if data.startswith(b"\n"):
        return Message(), data[1:]
    block, _, body = data.partition(b"\n\n")
    if not _HEADER_LINE.match(block):
        return Message(), data
    return BytesHeaderParser().parsebytes(block[:_MAX_HEADERS] + b"\n\n"), body


def _boundary(head: Message) -> str:
    try:
        return head.get_boundary() or ""
    except (ValueError, LookupError):  # a parameter in an unknown charset
        return ""


def _pieces(content: bytes, boundary: str) -> list[bytes]:
    line = re.compile(rb"(?m)^--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*$\n?")
    marks = []
    for mark in line.finditer(content):
        marks.append(mark)
        if mark.group(1) or len(marks) > MAX_PARTS:
            break
    if not marks:
        return [b"\n" + content]
    ends = [mark.start() for mark in marks[1:]] + [len(content)]
    return [content[mark.end() : end] for mark, end in zip(marks, ends, strict=True) if not mark.group(1)]


def _transfer_decoded(head: Message, content: bytes) -> bytes:
    encoding = str(head.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "base64":
        try:
            return a2b_base64(re.sub(rb"[^A-Za-z0-9+/=]", b"", content))
        except Base64Error:
            return content
    return quopri.decodestring(content) if encoding == "quoted-printable" else content


def _text(head: Message, content: bytes) -> str:
    try:
        charset = head.get_content_charset() or ""
    except (ValueError, LookupError):
        charset = ""
    return decoded(content[: MAX_TEXT * 4], charset)[:MAX_TEXT]


def decoded(data: bytes, charset: str = "") -> str:
    """Bytes as text, in the declared charset if it is one of mail's, else in a guessed one. Never raises."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    codec = codec_of(charset)
    if b"\x1b$" in data or b"\x1b(" in data:
        codec = codec_of("iso-2022-jp")
    for name in (codec, "utf-8-sig"):
        try:
            if name:
                return data.decode(name)
        except ValueError:
            continue
    lines = [line for line in data.splitlines() if not line.isascii()]
    guess = from_bytes(b"\n".join(lines)[:_SAMPLE], cp_isolation=list(CODECS)).best() if lines else None
    return data.decode(guess.encoding if guess is not None else codec or "utf-8", "replace")


def decoded_header(value: object) -> str:
    """A header's value with its encoded words (RFC 2047) decoded; its first MAX_HEADER characters."""
    if value is None:
        return ""
    text = str(value)[:MAX_HEADER]
    try:
        pieces = decode_header(text)
    except (HeaderParseError, ValueError):
        return text
    return "".join(piece if isinstance(piece, str) else decoded(piece, charset or "") for piece, charset in pieces)


def text_of_html(source: str) -> str:
    """The visible text of HTML, a line per block. In one pass, so that broken HTML takes no more time."""
    pieces: list[str] = []
    dropped = ""
    first, *chunks = source[: MAX_TEXT * 2].split("<")
    pieces.append(first)
    for chunk in chunks:
        tag, closed, rest = chunk.partition(">")
        if not closed:
            continue
        name = re.match(r"/?([A-Za-z][A-Za-z0-9]*)", tag)
        word = name.group(1).lower() if name else ""
        if dropped:
            if tag.startswith("/") and word == dropped:
                dropped = ""
            else:
                continue
        elif word in _DROPPED and not tag.startswith("/"):
            dropped = word
            continue
        if word in _BREAKING:
            pieces.append("\n")
        pieces.append(rest.replace("\n", " "))
    lines = (" ".join(line.split()) for line in html.unescape("".join(pieces)).split("\n"))
    return "\n".join(line for line in lines if line)
