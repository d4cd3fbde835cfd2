"""The anonymous form of a text: what all copies of an error have in common, without personal data.

For the list of texts without an explanation. Whatever could be a name or a secret is removed.
"""

from __future__ import annotations

import re

from guides.mail.diagnosis.enhanced import ENHANCED
from guides.mail.diagnosis.shown import HIDDEN, without_secrets
from guides.mail.diagnosis.utterances import plain

MAX_SHAPE = 500
MAX_LINES = 5

_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,12}://\S+")
_QUOTED = re.compile(r"\"[^\"\n]{1,200}\"|«[^»\n]{1,200}»|「[^」\n]{1,200}」|“[^”\n]{1,200}”")
_HOST = re.compile(r"(?i)(?<![\w-])(?:[a-z0-9_-]+\.)+[a-z]{2,24}(?![\w-])")
_IPV6 = re.compile(r"(?i)(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])")
_IPV4 = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)")
_CLIENT_CODE = re.compile(r"\b0x[0-9A-Fa-f]{8}\b")
_REPLY_CODE = re.compile(r"(?:(?<=^)|(?<=[\s:;'\"(]))[245]\d\d(?=[ \-:,)]|$)")
_ID = re.compile(r"(?<![\w])(?=[\w.+/=-]*\d)[\w.+/=-]*[A-Za-z][\w.+/=-]*(?![\w])")
_NUMBER = re.compile(r"\d+")
_KEPT = re.compile(r"\x00(\d+)\x00")


def shape_of(text: str) -> str:
    """A text without addresses, hosts, URLs, quoted names, ids, numbers and secrets; "" when nothing is left.

    Reply codes, enhanced status codes and mail clients' codes are kept. At most MAX_LINES lines, MAX_SHAPE characters.
    """
    lines = [" ".join(line.split()) for line in plain(text[:20_000]).split("\n")]
    shapes = list(dict.fromkeys(shape for shape in map(_shape_of_line, lines) if shape))
    return "\n".join(shapes[:MAX_LINES])[:MAX_SHAPE].strip()


def _shape_of_line(line: str) -> str:
    line = without_secrets(line[:1000]).replace(HIDDEN, " ")
    for expression, mark in ((_URL, " <url> "), (_ADDRESS, " <address> "), (_QUOTED, " <name> ")):
        line = expression.sub(mark, line)
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\x00{len(kept) - 1}\x00"

    line = _IPV4.sub(" <ip> ", line)
    for expression in (_CLIENT_CODE, ENHANCED, _REPLY_CODE):
        line = expression.sub(keep, line)
    # a kept code's own place must not be taken for a number: it is put back before the numbers go
    pieces = []
    position = 0
    for match in _KEPT.finditer(line):
        pieces += [_bare(line[position : match.start()]), kept[int(match.group(1))]]
        position = match.end()
    pieces.append(_bare(line[position:]))
    shape = " ".join(" ".join(pieces).split())
    return shape if sum(char.isalpha() for char in re.sub(r"<\w+>", "", shape)) >= 3 or kept else ""


def _bare(text: str) -> str:
    for expression, mark in ((_IPV6, " <ip> "), (_HOST, " <host> "), (_ID, " <id> "), (_NUMBER, "#")):
        text = expression.sub(mark, text)
    return text
