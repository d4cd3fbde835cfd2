"""What a page may show of a pasted text, and what of it may be kept as a shape."""

import pytest

from guides.mail.diagnosis.explain import diagnose
from guides.mail.diagnosis.judging import Cause
from guides.mail.diagnosis.normalise import MAX_SHAPE, shape_of
from guides.mail.diagnosis.shown import AROUND, HIDDEN, Segment, shown, without_secrets
from guides.mail.outcomes import Owner


def test_it_works() -> None:
    cause = diagnose("552 5.2.2 <b@there.example>: user is over quota, sorry").causes[0]
    assert shown(cause) == (
        Segment("552 5.2.2 <b@there.example>: "),
        Segment("user is over quota", marked=True),
        Segment(", sorry"),
    )


def test_a_long_line_is_cut_around_the_words() -> None:
    line = "a" * 900 + " full " + "b" * 900
    before, words, after = shown(Cause("rcpt.full", Owner.RECIPIENT, 0.9, line, 901, 905))
    assert before.text == "…" + "a" * (AROUND - 1) + " "
    assert words == Segment("full", marked=True)
    assert after.text == " " + "b" * (AROUND - 1) + "…"


def test_invisible_characters_are_made_visible() -> None:
    assert shown(Cause("rcpt.full", Owner.RECIPIENT, 0.9, "a\u202efull", 2, 6))[0].text == "a⟨U+202E⟩"
    assert shown(Cause("auto.delayed", Owner.NOBODY, 0.9)) == ()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("AUTH PLAIN AGFubmEAaHVudGVyMg==", f"AUTH PLAIN {HIDDEN}"),
        ("C: AUTHENTICATE PLAIN AGFubmEAaHVudGVyMg==", f"C: AUTHENTICATE PLAIN {HIDDEN}"),
        ("334 VXNlcm5hbWU6", f"334 {HIDDEN}"),
        ('a1 LOGIN "anna" "hunter 2"', f"a1 LOGIN {HIDDEN}"),
        ("PASS hunter2", f"PASS {HIDDEN}"),
        ("password=hunter2&x=1", f"password={HIDDEN}"),
        ('"password": "hunter 2", ok', f'"password": {HIDDEN}, ok'),
        ("my password is hunter2", f"my password is {HIDDEN}"),
        ("Kennwort: geheim1", f"Kennwort: {HIDDEN}"),
        ("Authorization: Bearer ya29.abc", f"Authorization: Bearer {HIDDEN}"),
        ("imap://anna:hunter2@imap.example.com/", f"imap://anna:{HIDDEN}@imap.example.com/"),
        ("パスワードは hunter2 です", f"パスワードは {HIDDEN} です"),
        ("пароль: hunter2", f"пароль: {HIDDEN}"),
        ("key AGFubmFAZXhhbXBsZS5uZXQAWHE3 end", f"key {HIDDEN} end"),
    ],
)
def test_what_stands_where_secrets_stand_is_hidden(text: str, left: str) -> None:
    assert without_secrets(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "the password is incorrect",
        "Username and Password not accepted",
        "LOGIN Login error or password error",
        "Your password has expired",
        "NO [AUTHENTICATIONFAILED] LOGIN invalid credentials or IMAP is disabled",
        "имя или пароль неверны",
        "パスワードが違います",
        "550 5.1.1 <boris@there.example>: Recipient address rejected",
        "blocked using zen.spamhaus.org; see https://www.spamhaus.org/query/ip/192.0.2.1",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (
            "550 5.9.9 <boris@mail.example>: odd at mx1.mail.example [192.0.2.7] id 3AbC99-x",
            "550 5.9.9 < <address> >: odd at <host> [ <ip> ] id <id>",
        ),
        ("Odd thing 0x800CCC99 on port 993", "Odd thing 0x800CCC99 on port #"),
        ("Odd “Anna's mailbox” at 2001:db8::1, see https://x.example/?a=b@c.example", "Odd <name> at <ip> , see <url>"),
        ("Странная ошибка 17 у anna@example.com", "Странная ошибка # у <address>"),
        ("不明なエラー 17 (imap.example.com)", "不明なエラー # ( <host> )"),
        ("password: hunter2 odd", "password: odd"),
        ("anna@example.com", ""),
        ("192.0.2.7", ""),
        ("", ""),
    ],
)
def test_a_shape_holds_nothing_of_whoever_pasted_it(text: str, shape: str) -> None:
    assert shape_of(text) == shape


def test_two_peoples_copies_have_one_shape() -> None:
    one = shape_of("a1 NO odd thing for anna@example.com at 10:04:11 [mx7.example.com, 8f3a2b1c]")
    other = shape_of("b77 NO odd thing for boris@there.example at 23:59:01 [mx12.there.example, 00ff17aa]")
    assert one == other != ""


def test_a_shape_is_short() -> None:
    assert len(shape_of("\n".join("odd words " * 30 + letter for letter in "abcdefgh"))) <= MAX_SHAPE
