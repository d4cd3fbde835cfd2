"""Inputs that are made to use a processor for long: a table for every parser that a visitor or another server can reach.

Each is as large as its parser takes. `ALL` is run by `make fuzz`; `make test` runs every STEPth.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

PASTE = 1_000_000  # octets of a pasted text
REPORT = 200_000  # characters of a connection report
STEP = 6
BOUNDARY = "x"
TOP = "From: a@b.example\nSubject: s\nDate: d\n"

Bomb = Callable[[], bytes]


def _filled(unit: str | bytes, start: str | bytes = "", end: str | bytes = "", size: int = PASTE) -> Bomb:
    """`start`, then `unit` again and again, then `end`: `size` octets."""

    def octets(text: str | bytes) -> bytes:
        return text.encode() if isinstance(text, str) else text

    def make() -> bytes:
        room = size - len(octets(start)) - len(octets(end))
        return octets(start) + octets(unit) * (room // len(octets(unit))) + octets(end)

    return make


def _nested(kind: str, depth: int, tail: str = "") -> Bomb:
    def make() -> bytes:
        body = tail or "550 5.1.1 user unknown\n"
        for level in range(depth):
            if kind == "rfc822":
                body = f"{TOP}Content-Type: message/rfc822\n\n{body}"
            else:
                body = f"Content-Type: {kind}; boundary=b{level}\n\n--b{level}\n{body}\n--b{level}--\n"
        return (TOP + body).encode()[:PASTE]

    return make


CHARSETS = (
    "punycode", "idna", "unicode_escape", "raw_unicode_escape", "hex", "base64", "quopri", "uu", "zlib", "bz2",
    "rot13", "undefined", "mbcs", "utf-7", "utf-16", "utf-32", "hz", "iso-2022-jp", "iso-2022-jp-2",
    "iso-2022-kr", "gb18030", "big5", "big5hkscs", "euc-jp", "euc-kr", "johab", "shift_jis", "koi8-r",
    "windows-1251", "latin1", "none",
)  # fmt: skip
CONTENTS: dict[str, bytes] = {
    "ascii": b"a-b.c 550 ",
    "letters": b"abcdefgh",  # what punycode takes longest for
    "high": bytes(range(128, 256)),
    "escapes": b"\x1b$B!!\x1b(B\\u0041~{!!~}+AGE-",
}


def _messages() -> Iterator[tuple[str, Bomb]]:
    for kind in ("rfc822", "multipart/mixed", "multipart/report", "multipart/digest"):
        for depth in (9, 60, 1000, 8000):
            yield f"{kind} {depth} deep", _nested(kind, depth)
        yield f"{kind} deep, many lines", _nested(kind, 40, "550 5.1.1 user unknown\n" * 40_000)
    for part in (
        "text/plain", "text/html", "message/rfc822", "message/delivery-status", "message/feedback-report",
        "message/disposition-notification", "text/rfc822-headers", "multipart/mixed; boundary=y",
    ):  # fmt: skip
        head = f"{TOP}Content-Type: multipart/report; boundary={BOUNDARY}\n\n"
        yield f"parts of {part}", _filled(f"--{BOUNDARY}\nContent-Type: {part}\n\n{TOP}a: b\n\nx\n", head)
        yield (
            f"one part of {part}",
            _filled("550 5.1.1 a@b.example: x\n", f"{head}--{BOUNDARY}\nContent-Type: {part}\n\n"),
        )
    for charset in CHARSETS:
        for name, content in CONTENTS.items():
            yield (
                f"charset {charset}, {name}",
                _filled(content, f"{TOP}Content-Type: text/plain; charset={charset}\n\n"),
            )
        word = f" =?{charset}?B?{base64.b64encode(CONTENTS['high'][:24]).decode()}?="
        yield f"encoded words {charset}", _filled(word + " =?none?Q?=E9=81?=", "From: a\nDate: d\nSubject:", "\n\nx")
    for encoding in ("base64", "quoted-printable", "uuencode"):
        for unit in ("QUJD", "=", "=\n", "=41", "!"):
            yield f"{encoding} of {unit!r}", _filled(unit, f"{TOP}Content-Transfer-Encoding: {encoding}\n\n")
    for unit in ("X-A: b\n", "Received: from a by b\n", "X:\n \n", "Subject: x\n", " folded\n", "a"):
        yield f"headers of {unit!r}", _filled(unit, TOP, "\n\nx")
    for unit in ("; a=b", '; a="', "; a*0=b", "; boundary*=utf-8''x", ";", '"\\', "("):
        yield f"parameters {unit!r}", _filled(unit, f"{TOP}Content-Type: multipart/mixed", "\n\nx")
    fields = "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no\n\n"
    for unit in (fields, "Diagnostic-Code: smtp;\n more\n", "Status: 5.1.1\n", "Action: delayed\n\n"):
        yield f"report of {unit[:20]!r}", _filled(unit, "Final-Recipient: rfc822; a@b.example\nReporting-MTA: dns; x\n")


def _texts() -> Iterator[tuple[str, Bomb]]:
    for unit in (
        "<", "<p>", "<p><style>", "<!--", "</", "<a href=", "&", "&amp;", "&#x41;", "&#99999999999;", "<br>", "<table><tr><td>", "<script>", "<p a='",
    ):  # fmt: skip
        yield f"html of {unit!r}", _filled(unit, "<html><body>")
    for unit in (
        "a", "a ", "a\n", "\n", " ", "\t", "\r", ".", "a.", "a@", "a@b.", "@", ":", "(", "((535, b'", "[", "]", "{", '"', "'", "«", "「",
        "550 ", "550-", "5.1.1 ", "said: 550 ", "user is ", "password ", "password: ", "AUTH PLAIN ", "334 ", "http://a:", "http://a/",
        "0x80040115 ", "1.", "1.1.1.1", "a:", "::", "=", "A", "Aa1+/", "-", "_", ">", "> ", "* ", "+ ", "-ERR ", "NO [", "пароль ", "パスワードは",
        "宛先", "ё", "-----Original Message-----\n", "\\", "\\n", "%s", "{0}", "no ", "not ", "Please check ", "受信者確認", "DATA command ",
    ):  # fmt: skip
        yield f"text of {unit!r}", _filled(unit)
        yield f"lines of {unit!r}", _filled((unit * 200)[:200] + "\n")
    for name, unit in {
        "marks of two classes": "\u0301\u0316", "half-width marks": "\uff9e\u0316", "one mark": "\u0301", "ligatures that expand": "\ufdfa",
        "zero width": "\u200b", "bidi": "\u202e\u2066", "hangul": "\u1100\u1161\u11a8", "tags": "\U000e0041", "wide": "ｗ", "emoji": "👩\u200d👩\u200d👧",
        "composed": "ǖ", "thai": "กำ", "noncharacters": "\ufffe", "replacement": "\ufffd", "dotted": "İ", "separators": "\u2028\x85",
    }.items():  # fmt: skip
        yield f"unicode {name}", _filled(unit, "a")
        yield f"unicode {name} in a message", _filled(unit, f"{TOP}Content-Type: text/plain; charset=utf-8\n\na")


PASTED: dict[str, Bomb] = dict([*_messages(), *_texts()])

_OPEN = '<?xml version="1.0" encoding="{}"?>'
XML: dict[str, Bomb] = {
    **{f"xml of {unit!r}": _filled(unit, size=256_000) for unit in (
        "<a>", "<a/>", "<a b=''/>", "<a xmlns:b='c'>", "&amp;", "&#65;", "<![CDATA[x]]>", "<!--x-->", "<?a b?>", "x", "<a b='", "]]>",
    )},
    **{f"xml in {name}": _filled("<a/>", _OPEN.format(name) + "<b>", "</b>", 256_000) for name in CHARSETS},
    "xml, attributes": lambda: ("<a " + " ".join(f"a{n}=''" for n in range(25_000)) + "/>").encode(),
    "xml, entities": lambda: b'<!DOCTYPE a [<!ENTITY b "bb">' + b"".join(b'<!ENTITY c%d "%s">' % (n, b"&b;" * 50) for n in range(900)) + b"]><a>&c1;</a>",
}  # fmt: skip
JSON: dict[str, Bomb] = {
    **{f"json of {unit!r}": _filled(unit, size=REPORT) for unit in ("[", '{"a":', "[1,", '"', "1", "-", "1e", "\\", '"\\u', "null,", "NaN", " ")},
    "json, digits": _filled("9", '{"version":', "}", REPORT),
    "json, keys": lambda: ("{" + ",".join(f'"{n}":1' for n in range(5000)) + "}").encode(),
    "json, one key": _filled('"a":1,', "{", '"a":1}', REPORT),
}  # fmt: skip
FIELDS: dict[str, Bomb] = {
    f"field of {unit!r}": _filled(unit)
    for unit in ("a", "@", "a@", ".", "。", "xn--", "\u0301\u0316", "\uff9e\u0316", "\ufdfa", "<", "<a>", "mailto:", "%41", " ", "\u200b", "ß", "[", "'")
}  # fmt: skip
ALL: dict[str, dict[str, Bomb]] = {"pasted": PASTED, "xml": XML, "json": JSON, "field": FIELDS}
