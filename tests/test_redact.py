"""What servers said, made fit to be shown."""

import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from itertools import product
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guides.mail.accounts import Address
from guides.mail.connection.redact import Redactor, visible
from guides.mail.secret import Secret
from tests.tables import each_row

ANNA = Address("anna.kovacs", "example.test")
PASSWORD = 'pä"ss\\wörd 7%'


def redactor(password: str = PASSWORD, username: str = "anna.kovacs@example.test") -> Redactor:
    return Redactor(ANNA, [username], Secret(password))


def shown(text: str | bytes, password: str = PASSWORD, username: str = "anna.kovacs@example.test") -> str:
    raw = text.encode() if isinstance(text, str) else text
    return redactor(password, username).evidence(raw, before_encryption=False).text


def plain(user: str, password: str, authzid: str = "") -> bytes:
    return b64encode(f"{authzid}\0{user}\0{password}".encode())


def test_it_works() -> None:
    said = shown(f"NO anna.kovacs@example.test: wrong password {PASSWORD}")
    assert said == "NO [address]: wrong password [password]"


@pytest.mark.parametrize(
    "echo",
    [
        PASSWORD.encode(),
        PASSWORD.upper().encode(),
        PASSWORD.encode("latin-1"),
        b64encode(PASSWORD.encode()),
        b64encode(PASSWORD.encode()).rstrip(b"="),
        urlsafe_b64encode(PASSWORD.encode()),
        quote(PASSWORD).encode(),
        quote_plus(PASSWORD).encode(),
        b'"p\xc3\xa4\\"ss\\\\w\xc3\xb6rd 7%"',
        plain("anna.kovacs@example.test", PASSWORD),
        plain("anna.kovacs", PASSWORD),
        plain("somebody else", PASSWORD, "me"),
        b"x" + plain("somebody else", PASSWORD),
        b"xy" + plain("somebody else", PASSWORD),
        b"xyz" + plain("somebody else", PASSWORD),
    ],
)
def test_no_form_of_the_password_is_left(echo: bytes) -> None:
    text = shown(b"535 you sent <" + echo + b">, which is wrong")
    assert "[password]" in text
    assert "which is wrong" in text
    for part in (PASSWORD, PASSWORD.upper(), "ss\\", "rd 7", "rd%20", echo.decode("latin-1")):
        assert part not in text


def test_the_user_name_goes_too_but_not_the_words_around_it() -> None:
    assert shown("NO user: such user is unknown", username="user") == "NO [user]: such [user] is unknown"
    assert shown("mailuser users", username="user") == "mailuser users"
    assert shown("<Anna.Kovacs@EXAMPLE.test> anna.kovacs") == "<[address]> [user]"
    assert shown(b"334 " + b64encode(b"anna.kovacs@example.test")) == "334 [address]"
    assert shown("anna.kovacs%40example.test") == "[address]"


def test_a_short_password_goes_as_a_word_and_leaves_the_rest_readable() -> None:
    assert shown("535 bad: 5", password="5") == "535 bad: [password]"
    assert shown("tell abc about abcde", password="abc") == "tell [password] about abcde"


def test_an_empty_password_removes_nothing() -> None:
    assert shown("NO nothing", password="") == "NO nothing"


def test_overlapping_values_become_one_mark_the_most_secret_one() -> None:
    assert shown("secret-anna.kovacs!", password="secret-anna.kovacs") == "[password]!"


def test_redaction_comes_before_cutting() -> None:
    text = shown("x" * 495 + PASSWORD)
    assert len(text) <= 500
    assert text.startswith("x" * 495)
    assert PASSWORD[:3] not in text


SECRET = "#!$#!!$#$!#$!"  # none of its octets is in the words around it, nor in the marks


def echoes(secret: str) -> list[bytes]:
    """The forms in which a server repeats a password."""
    raw = secret.encode()
    return [
        raw,
        raw.lower(),
        quote(secret).encode(),
        b64encode(raw),
        plain("anna.kovacs", secret),
        plain("somebody else", secret, "me"),
        b64encode(b"user=anna\1auth=Bearer " + raw + b"\1\1"),
    ]


@each_row(
    ("echo", "before"),
    product(echoes(SECRET), [b"", b"no: ", "é".encode() * 248 + b" ", b" " * 2000, b"<", SECRET.encode() + b" "]),
)
def test_an_echo_that_is_cut_at_any_octet_shows_none_of_it(echo: bytes, before: bytes) -> None:
    one = redactor(SECRET)
    for end in range(len(echo) + 1):
        raw = before + echo[:end]
        text = one.evidence(raw, before_encryption=False, is_cut=True).text
        assert text.endswith("…")
        assert len(text) <= 500
        left = one.clean(raw, is_cut=True)
        said = [left, *(urlsafe_b64decode(run[: len(run) // 4 * 4]) for run in re.findall(rb"[A-Za-z0-9_-]{4,}", left))]
        assert not any(octet in part for part in said for octet in b"!#$%"), (end, left)


def test_a_password_that_begins_as_the_name_does_is_cut_off_whole() -> None:
    secret = "anna.kovacs-Q7"
    for end in range(1, len(secret)):
        assert redactor(secret).clean(b"no <" + secret[:end].encode(), is_cut=True) in (b"no <", b"no <[user]")


def test_the_end_of_a_cut_text_tells_nothing_of_what_was_left_out() -> None:
    one = redactor("well")
    cut = [one.evidence(raw, before_encryption=False, is_cut=True).text for raw in (b"all ", b"all w", b"all wel")]
    assert cut == ["all …"] * 3
    assert one.evidence(b"all wel", before_encryption=False).text == "all wel"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x00b\x1b[31mc", "a⟨U+0000⟩b⟨U+001B⟩[31mc"),
        ("abc\u202egnp.exe", "abc⟨U+202E⟩gnp.exe"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("tab\there\r\nnext", "tab here\nnext"),
        ("\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"),
        ("Ошибка: 誤り", "Ошибка: 誤り"),
        ("y" * 600, "y" * 499 + "…"),
    ],
)
def test_what_is_invisible_is_written_out(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_broken_octets_are_shown_as_such() -> None:
    assert shown(b"caf\xe9") == "caf\ufffd"


def test_it_gives_nothing_away_itself() -> None:
    one = redactor()
    assert PASSWORD not in repr(one)


@settings(max_examples=200, deadline=None)
@given(
    password=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=6, max_size=30),
    before=st.binary(max_size=30),
    after=st.binary(max_size=30),
)
def test_whatever_stands_around_it(password: str, before: bytes, after: bytes) -> None:
    one = redactor(password)
    raw = password.encode()
    for echo in (raw, b64encode(raw), plain("anna.kovacs", password)):
        assert echo not in one.clean(before + echo + after) or echo in b"[password][address][user]"


@pytest.mark.parametrize("echoed", [b"Sec\xe9-Ret", b"SEC\xc3\xa9-RET", b"<sec%c3%A9-ret>", b"=?SEC\xc3\x89-ret?="])
def test_whatever_the_case_of_its_letters(echoed: bytes) -> None:
    assert "[password]" in shown(b"535 no: " + echoed, password="sec\xe9-ret")
