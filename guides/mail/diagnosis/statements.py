"""Splitting a pasted text into statements: one message of a server or mail client each, on one line.

Continuation lines are joined (`535-`, `535 `, wrapped prose). Python's tuples and bytes, base64 replies to SASL and
numeric escapes are decoded. Quotes in a statement are found: the innermost quote counts most.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass

from guides.mail.diagnosis.enhanced import REPLY
from guides.mail.diagnosis.rulebook import phrases
from guides.mail.unicode_text import normalized

MAX_LINES = 2000
MAX_STATEMENTS = 120
MAX_STATEMENT = 4000  # characters
MAX_CHARACTERS = 40_000  # of all statements together

# Sentences that are in every bounce of a system, independent of the cause.
_BOILERPLATE = phrases("boilerplate")

# The beginning of a new statement.
_BEGINS = re.compile(
    r"^\s*(?:"
    r"(?:>>> |<<< )|"
    r"[45]\d\d[ \-#]|"
    r"<[^<>\s]+@[^<>\s]+>|"
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+\s*:?\s*$|"
    r"-ERR\b|\* |(?:[A-Za-z]{0,4}\d+ )?(?:NO|BAD|BYE)\b|"
    r"[A-Z][A-Za-z]+(?:-[A-Za-z]+)+:\s|"
    r"(?:Reason|Error|Status|Recipient|Action|From|To|Subject|Date|Technical details|Message|The error)"
    r"\b[^:]{0,40}:\s*|"
    r"[-=*_]{4,}"
    r")"
)
_CONTINUES = re.compile(r"^\s*([45]\d\d)([ \-])\s*(?:#?([45]\.\d{1,3}\.\d{1,3})\s*)?")
_BYTES = re.compile(r"\((\d{3}), b?(['\"])(.*?)\2\)")
_IMAP_BYTES = re.compile(r"(?:imaplib\.)?(?:IMAP4\.)?(?:error|abort): b?(['\"])(.*)\1|\bb(['\"])(.*)\3")
_CHALLENGE = re.compile(r"(?:^|\s)(?:334 |\+ )([A-Za-z0-9+/]{12,}={0,2})\s*$")
_DIAGNOSTIC = re.compile(r"^\s*(?:Diagnostic-Code|X-[\w-]*Diag[\w-]*)\s*:\s*(?:[\w-]+\s*;)?\s*", re.IGNORECASE)
_COMMAND = re.compile(r">>>|(?:>>> ?|-+> ?|C: ?)(?:EHLO|HELO|MAIL FROM|RCPT TO|DATA|QUIT|RSET)\b", re.IGNORECASE)
_AFTER = re.compile(
    r"(?i)\bafter (?:pipelined )?(RCPT TO|MAIL FROM|end of data|DATA|HELO|EHLO|initial connection|STARTTLS)\b"
)
_IN_REPLY = re.compile(r"\(in reply to (?:the )?([A-Z ]+?)(?: command)?\)", re.IGNORECASE)

# The words before a quoted server reply.
_QUOTES = re.compile(
    r"(?:\bsaid|\bresponded(?: with)?|\breturned(?: error)?|\breplied|\bresponse(?: is| was| of the server)?"
    r"|\banswered(?: with)?|\berror was"
    r"|\bserver error|\bLED=|\bsmtp|\bGiving up on [\d.]+\.|応答|応答内容|エラー内容|理由"
    r"|ответ(?:\s\w+){0,3}|ответил\w*|причина|antwortete|antwort(?:\s\w+){0,3}|fehlermeldung)"
    r"\s*(?:[:：;=]|\bwas\b|'(?=[45]\d\d))\s*['\"(«「]*",
    re.IGNORECASE,
)
# The reply of an IMAP or POP3 server within a line.
_RECEIVING = re.compile(r"(?<![\w\]])(?:-ERR |(?:NO |BAD |BYE )?\[(?:[A-Z]{5,}|SYS/TEMP|SYS/PERM|IN-USE)\b)")
_CLIENT_TAIL = re.compile(
    r"\s*(?:Please (?:check|verify|try)\b.*|受信者.*確認.*|メッセージの受信者.*|アカウント設定.*|"
    r"(?:Пожалуйста, )?(?:[Пп]роверьте|[Уу]бедитесь)\b.*|Bitte (?:überprüfen|prüfen)\b.*)$"
)
_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Statement:
    """A message on one line, and its quotes.

    `layers`: the quotes, the innermost first, the whole line last. `direct` is true for a server's reply or a field of
    a report, false for prose. `command` is the refused SMTP command, if named.
    """

    text: str
    layers: tuple[str, ...]
    direct: bool
    command: str = ""


def plain(text: str) -> str:
    """A text as rules search it: in NFKC, with straight apostrophes, without invisible characters."""
    if not text.isascii():
        most = 2 * len(text) + 1000  # one character can become 18 (U+FDFA)
        text = normalized("NFKC", text)[:most].replace("\u2019", "'").replace("\u2018", "'")
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")


def statements(text: str) -> list[Statement]:
    """The statements of a text in order, at most MAX_STATEMENTS."""
    found: list[Statement] = []
    room = MAX_CHARACTERS
    for line in dict.fromkeys(_joined(plain(text))):  # a transcript repeats lines
        statement = statement_of(line)
        if statement is not None:
            found.append(statement)
            room -= len(statement.text)
            if len(found) >= MAX_STATEMENTS or room <= 0:
                break
    return found


def statement_of(line: str, *, direct: bool = False) -> Statement | None:
    """One line as a statement; None when nothing is left of it."""
    line = " ".join(line.split())[:MAX_STATEMENT]
    field = _DIAGNOSTIC.match(line)
    if field:
        line, direct = line[field.end() :], True
    command = ""
    reply = _IN_REPLY.search(line)
    if reply:
        command = reply.group(1).upper()
        line = (line[: reply.start()] + line[reply.end() :]).strip()
    else:
        after = _AFTER.search(line)
        command = after.group(1).upper() if after else ""
    line = _undoubled(_unpacked(line))
    if not line or not any(char.isalnum() for char in line):
        return None
    return Statement(line, _layers(line), direct or bool(REPLY.match(line)) or line.startswith(("-ERR", "* ")), command)


def _undoubled(line: str) -> str:
    """A multi-line reply that was pasted on one line, with its code only once."""
    head = _CONTINUES.match(line)
    if head is None or not head.group(3):
        return line
    again = re.compile(rf"\s{head.group(1)}[ -]#?{re.escape(head.group(3))}(?=\s|$)")
    return line[: head.end()] + again.sub("", line[head.end() :])


def _joined(text: str) -> list[str]:
    """The lines, one statement each: wrapped lines and multi-line replies are joined, boilerplate is left out."""
    lines: list[str] = []
    open_line = False
    code = ""
    for raw in text.split("\n", MAX_LINES)[:MAX_LINES]:
        raw = raw[:MAX_STATEMENT]
        line = raw.strip()
        line = re.sub(r"^(?:<<<|>>>(?= ?[45]\d\d)|>(?!>)) ?", "", line)
        if not line or _COMMAND.match(line):
            open_line, code = False, ""
            continue
        continued = _CONTINUES.match(line)
        if continued and code == continued.group(1) and open_line:
            _append(lines, line[continued.end() :])
        elif _BEGINS.match(line) or not open_line:
            lines.append(line)
        else:
            _append(lines, line)
        if continued and continued.group(1) != code:
            code = continued.group(1) if continued.group(2) == "-" else ""
        open_line = not re.fullmatch(r"[-=*_ ]{4,}.*[-=*_ ]{4,}", line)
    return [line for line in lines if not _only_boilerplate(line)]


def _append(lines: list[str], more: str) -> None:
    if len(lines[-1]) > MAX_STATEMENT:
        return
    glue = "" if _CJK.match(lines[-1][-1:]) and _CJK.match(more[:1]) else " "
    lines[-1] += glue + more


def _only_boilerplate(line: str) -> bool:
    """Whether a line is boilerplate without a code."""
    return _BOILERPLATE.search(line) is not None and REPLY.search(line) is None and len(line) < 400


def _unpacked(line: str) -> str:
    """A line without the encodings of Python and SASL."""
    packed = _BYTES.search(line)
    if packed:
        return f"{packed.group(1)} {_unescaped(packed.group(3))}"
    packed = _IMAP_BYTES.search(line)
    if packed:
        inner = _unescaped(packed.group(2) or packed.group(4) or "")
        return inner if inner.startswith(("[", "NO", "BAD", "-ERR", "4", "5")) else line
    challenge = _CHALLENGE.search(line)
    if challenge:
        decoded = _decoded(challenge.group(1))
        if decoded:
            return f"{line} {decoded}"
    return line


def _unescaped(text: str) -> str:
    return " ".join(text.replace("\\r", " ").replace("\\n", " ").replace("\\'", "'").split())


def _decoded(blob: str) -> str:
    """Base64 decoded, if the result is text: JSON (RFC 7628) or a prompt of a SASL challenge."""
    try:
        text = b64decode(blob + "=" * (-len(blob) % 4)).decode("utf-8")
    except (Base64Error, UnicodeDecodeError):
        return ""
    return text if text.isprintable() and "status" in text else ""


def _layers(line: str) -> tuple[str, ...]:
    """The line's quotes, the innermost first, and the whole line last."""
    starts = {match.end() for match in _QUOTES.finditer(line)}
    starts |= {match.start() for match in REPLY.finditer(line) if match.start() > 0}
    starts |= {match.start() for match in _RECEIVING.finditer(line) if match.start() > 0}
    layers: list[str] = []
    for start in sorted(starts, reverse=True):
        inner = _CLIENT_TAIL.sub("", line[start:]).rstrip(" '\"»」)")
        if sum(char.isalpha() for char in inner) >= 6 and len(inner) < len(line):
            layers.append(inner)
        if len(layers) == 3:
            break
    return (*layers, line)
