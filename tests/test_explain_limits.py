"""Whatever is handed over, the engine answers within a second or says that it is no text."""

import codecs
import time
import zipfile
from io import BytesIO

import pytest

from guides.mail.diagnosis.charsets import CODECS, codec_of
from guides.mail.diagnosis.explain import NotTextError, diagnose
from guides.mail.diagnosis.messages import decoded, decoded_header, looks_like_message, take_apart, text_of_html
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from tests.bounces.shapes import fields, head, plain, report
from tests.tables import each_row

BOUNCE = report("Undelivered Mail", "See below.", fields("550 5.1.1 User unknown", status="5.1.1"))


def nested(depth: int) -> bytes:
    """A bounce within messages within messages."""
    message = BOUNCE
    for level in range(depth):
        outer = head(
            "Fwd",
            "Carl <carl@sender.example>",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="b{level}"',
        )
        outer = outer.replace("Return-Path: <>\n", "")
        message = (
            f"{outer}\n\n--b{level}\nContent-Type: message/rfc822\n\n".encode() + message + f"\n--b{level}--\n".encode()
        )
    return message


def multiparts(depth: int) -> bytes:
    """Empty parts within parts."""
    body = b"nothing"
    for level in range(depth):
        body = (
            f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'.encode()
            + body
            + f"\n--b{level}--\n".encode()
        )
    return b"From: a@b.example\nSubject: x\nDate: y\n" + body


def zipped() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "550 5.1.1 user unknown")
    return buffer.getvalue()


HUGE = {
    "lines": b"550 5.1.1 user unknown\n" * 45_000,
    "short lines": b"a\n" * 100_000,
    "many kinds of lines": b"".join(b"%d some words that mean nothing at all %d\n" % (n, n * 7919) for n in range(20_000)),
    "one line": b"550 " + b"user is " * 120_000,
    "brackets": b"<" * 1_000_000,
    "tags": b"<html>" + b"<p><style>" * 90_000,
    "quotes": b"(535, b'" * 100_000,
    "said": b"said: 550 " * 90_000,
    "addresses": b"a@b." * 240_000,
    "dots": b"a." * 490_000,
    "spaces": b"password " + b" " * 900_000,
    "base64": b"AUTH PLAIN " + b"A" * 900_000,
    "fields": b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no\n\n" * 9_000,
    "folded": b"Diagnostic-Code: smtp; 550\nFinal-Recipient: x\n" + b" more\n" * 150_000,
    "headers": b"From: a@b.example\nSubject: x\nDate: y\n" + b"X-A: b\n" * 120_000,
    "one header": b"From: a@b.example\nSubject: =?utf-8?B?" + b"w6Q=" * 200_000 + b"?=\nDate: y\n\nx",
    "parts": b'From: a\nSubject: b\nDate: c\nContent-Type: multipart/mixed; boundary="x"\n\n' + b"--x\n\ntext\n" * 90_000,
    "nested 50": nested(50),
    "nested 1000": nested(1000),
    "multiparts 50": multiparts(50),
    "multiparts 2000": multiparts(2000),
    "nested and long": nested(50) + b"550 5.1.1 user unknown\n" * 40_000,
    "japanese": "宛先のメールアドレスが見つかりません。".encode() * 17_000,
    "unknown charset": b"\xe9\xe8\xa0\xb0\xc7 " * 160_000,
    "punycode": b"From: a\nSubject: b\nDate: c\nContent-Type: text/plain; charset=punycode\n\n" + b"abcdefgh" * 120_000,
    "unsorted marks": ("a" + "\u0301\u0316" * 240_000).encode(),
    "words in odd charsets": b"From: a\nDate: c\nSubject:" + b" =?koi8-x?Q?=E9=FA=81?= =?none?Q?=E9=FA=81?=" * 1_400 + b"\n\nx",
    "parts in odd charsets": b'From: a\nSubject: b\nDate: c\nContent-Type: multipart/mixed; boundary="x"\n\n' + (b"--x\nContent-Type: text/plain; charset=none\n\n" + bytes(range(128, 256)) * 100 + b"\n") * 70,
    "combining": "é".encode() + "́".encode() * 400_000,
}  # fmt: skip


@each_row("name", HUGE)
def test_nothing_takes_longer_than_a_second(name: str) -> None:
    diagnose(BOUNCE)  # the rules are compiled once in a process
    began = time.process_time()
    diagnose(HUGE[name][:1_000_000])
    assert time.process_time() - began < 1


def test_a_bounce_far_down_is_found_as_far_as_we_look_and_no_further() -> None:
    assert diagnose(nested(3)).causes[0].name == "rcpt.unknown"
    assert diagnose(nested(200)).bounce is None


def test_parts_and_depth_are_bounded() -> None:
    assert len(take_apart(HUGE["parts"]).texts) <= 60
    assert take_apart(multiparts(2000)).texts


@pytest.mark.parametrize(
    ("data", "kind"),
    [(zipped(), "archive"), (b"%PDF-1.7 x", "archive"), (b"\x89PNG\r\n\x1a\n", "archive"), (bytes(range(256)) * 20, "binary"), (b"\x7fELF" + b"\0" * 400, "binary")],
)  # fmt: skip
def test_what_is_no_text_is_refused(data: bytes, kind: str) -> None:
    with pytest.raises(NotTextError, match=kind):
        diagnose(data)


def test_a_pattern_bomb_costs_no_more() -> None:
    bombs = [Pattern(f"bomb{n}", r"(a+)+(b|c)*(\w{1,60} ){1,9}" + str(n), "smtp.other") for n in range(30)]
    patterns = PatternSet(bombs)
    diagnose("aaaa", patterns)
    began = time.process_time()
    diagnose("a" * 4000 + "\n" + "a " * 2000, patterns)
    assert time.process_time() - began < 1


def test_html_alone_is_read() -> None:
    data = plain(
        "Undeliverable",
        "<html><head><style>p{virus infected}</style></head><body><p>Delivery failed.</p><p>550&nbsp;5.1.1 User<br>unknown</p><!-- spam --></body></html>",
        subtype="html",
        transfer="base64",
    )
    found = diagnose(data)
    assert [cause.name for cause in found.causes] == ["rcpt.unknown"]
    assert text_of_html("<script>x</script>a<br>b&lt;c<p") == "a\nb<c"


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Type: multipart/report\nFrom: a\nSubject: b\n\nno boundary",
        b"Content-Type: multipart/report; boundary\nFrom: a\nSubject: b\n\nx",
        b"Content-Type: text/plain; charset=no-such\nFrom: a\nSubject: =?no-such?B?!!?=\nDate: x\n\n550 5.1.1 user unknown",
        b"Content-Type: text/plain; charset*=utf-99''%ff\nFrom: a\nSubject: b\nDate: x\n\nx",
        b"Content-Transfer-Encoding: base64\nContent-Type: text/plain\nFrom: a\nSubject: b\nDate: x\n\n!!!!=",
        b"Content-Type: multipart/x; boundary*0=a; boundary*1*=%ff\nFrom: a\nSubject: b\n\n--a\n\nx",
        b"From: \xff\xfe\nSubject: \x1b$B\nDate: \n\n\x1b$B!!",
        b"From \nFrom: a\nSubject: b\nDate: c",
    ],
)  # fmt: skip
def test_broken_messages_are_read_as_far_as_they_go(data: bytes) -> None:
    assert looks_like_message(data)
    diagnose(data)


def test_charsets_of_mail_are_decoded_and_no_other_codec_is() -> None:
    for charset, text in (
        ("KOI8-R", "ящик"), ("windows-1251", "ящик"), ("x-sjis", "宛先"), ("Shift_JIS", "宛先①"), ("EUC-JP", "宛先"), ("GB2312", "邮箱"),
        ("ks_c_5601-1987", "사서함"), ("iso8859_1", "é"), ("ISO-8859-15", "€"), ("big5", "郵箱"), ("utf-7", "é"), ("latin1", "é"),
    ):  # fmt: skip
        codec = codec_of(charset)
        assert codec is not None
        assert decoded(text.encode(codec), charset) == text
    for name in (
        "punycode",
        "idna",
        "unicode_escape",
        "raw-unicode-escape",
        "undefined",
        "hex",
        "zlib",
        "rot13",
        "bz2",
        "",
    ):
        assert codec_of(name) is None
    assert decoded(b"a-\\u0041", "unicode_escape") == "a-\\u0041"
    assert all(codecs.lookup(codec) for codec in CODECS)


def test_odd_charsets_never_raise() -> None:
    assert decoded(b"\xff\xfe\x00", "utf-16") is not None
    assert decoded(b"plain", "no-such-charset") == "plain"
    assert decoded_header("=?iso-2022-jp?B?!!!?=") is not None
    assert decoded_header(None) == ""
