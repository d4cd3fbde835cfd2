"""The normaliser of the search, and the pieces that it cuts from texts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guides.markup import WORDS, compile_text
from guides.markup.endings import stem
from guides.markup.plain import plain_text
from guides.markup.searching import LONGEST_QUERY, LONGEST_TOKEN, terms, tokens, whole, words
from guides.markup.snippets import LENGTH, Piece, find_spans, marked, snippet
from tests.tables import each_row


def is_found(query: str, text: str) -> bool:
    """Whether the index would find `text`: for each term all tokens of some alternative are there."""
    there = set(tokens(text))
    return all(
        any(
            all(t.text in there or (t.is_prefix and any(each.startswith(t.text) for each in there)) for t in some)
            for some in term.alternatives
        )
        for term in terms(query)
    )


def shown(pieces: tuple[Piece, ...]) -> str:
    return "".join(f"[{piece.text}]" if piece.is_match else piece.text for piece in pieces)


@each_row(
    ("query", "text"),
    [
        # width, case, ё
        ("ＯＵＴＬＯＯＫ", "Outlook"),
        ("ｱｳﾄﾙｯｸ", "アウトルック"),
        ("ЁЛКА", "елка"),
        ("елка", "Ёлка"),
        # Japanese: two characters, one, across kana, with and without the long vowel
        ("受信", "受信サーバー"),
        ("設定", "メールの設定を開く"),
        ("鍵", "DKIM 鍵が必要です"),
        ("鍵", "専用の鍵"),
        ("めーる", "メール"),
        ("サーバー", "受信サーバの設定"),
        ("サーバ", "受信サーバーの設定"),
        ("サーバーの設定", "サーバの設定"),
        # Russian and English endings
        ("настройка", "настройки почты"),
        ("настроек", "настройка"),
        ("ошибки", "много ошибок"),
        ("ошибок", "ошибка входа"),
        ("паролей", "пароль"),
        ("письма", "нет письма"),
        ("настроить", "настройка"),
        ("settings", "the setting"),
        ("passwords", "a password"),
        ("certificates", "the certificate"),
        ("refused", "they refuse it"),
        ("address", "addresses"),
        # names with joints
        ("k-9", "K-9 Mail"),
        ("k9", "K-9 Mail"),
        ("k 9", "K-9 Mail"),
        ("e-mail", "email"),
        ("email", "e-mail"),
        ("POP3-сервер", "сервер POP3"),
        ("mail.ru", "imap.mail.ru"),
        ("imap.mail", "imap.mail.ru"),
        ("don't", "don’t"),
        # codes
        ("5.7.1", "550 5.7.1 refused"),
        ("0x800CCC0E", "0x800ccc0e"),
        ("not the settings", "settings"),  # empty words are not asked for
    ],
)
def test_one_writing_finds_another(query: str, text: str) -> None:
    assert is_found(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("受信", "送信サーバー"),
        ("サンダーバート", "サンダーバード、ポートとサーバー"),  # every pair is there, but not in this order
        ("5.7.1", "5.7.10 and 15.7.1"),
        ("99", "993"),
        ("настройка", "пароль"),
        ("i mail", "imap"),
        ("mail.ru", "mail for ru"),
    ],
)
def test_what_is_something_else_is_not_found(query: str, text: str) -> None:
    assert not is_found(query, text)


def test_endings_leave_enough_of_a_word() -> None:
    assert [stem(word) for word in ("почта", "почты", "дом", "иду", "added", "uses", "class")] == [
        "почт",
        "почт",
        "дом",
        "иду",
        "added",
        "uses",
        "class",
    ]


def test_a_query_of_empty_words_is_still_asked() -> None:
    assert [term.surface for term in terms("the")] == ["the"]
    assert [term.surface for term in terms("how to open the mail")] == ["open", "mail"]


def test_names_are_one_token() -> None:
    assert whole("The Bat!") == whole("the bat") == "the·bat"
    assert whole("K-9 Mail") == whole("k-9 mail")
    assert whole("!") == ""


def test_words_to_mend_typing_errors_to() -> None:
    assert words("Настройки K-9 サーバー и 受信 в IMAP4") == {"настройки", "サーバー", "imap"}


@given(st.text())
def test_any_text_makes_tokens_that_both_databases_take_whole(text: str) -> None:
    for token in {*tokens(text), *(t.text for term in terms(text) for some in term.alternatives for t in some)}:
        assert 0 < len(token) <= LONGEST_TOKEN + 1
        assert all(char.isalnum() or char == "·" or ord(char) > 127 for char in token)
        assert not any(char.isspace() or char in "'\"\\*" for char in token)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=LONGEST_QUERY // 4))
def test_any_word_finds_itself(word: str) -> None:
    assert is_found(word, word)


@given(st.text())
def test_how_characters_are_composed_makes_no_difference(text: str) -> None:
    assert list(tokens(unicodedata.normalize("NFD", text))) == list(tokens(text))


class TestSnippets:
    TEXT = (
        "はじめに。ｱｳﾄﾙｯｸの設定を開きます。受信サーバー（IMAP）を入力してください。\n"
        "The Bat! и настройки почты: Ёлка. Open the settings of k-9, then 5.7.1 and imap.mail.ru."
    )

    @pytest.mark.parametrize(
        ("query", "match"),
        [
            ("アウトルック", "ｱｳﾄﾙｯｸ"),
            ("受信サーバ", "受信サーバー"),
            ("受信サーバー", "受信サーバー"),
            ("настройка", "настройки"),
            ("елка", "Ёлка"),
            ("setting", "settings"),
            ("k-9", "k-9"),
            ("5.7.1", "5.7.1"),
            ("mail.ru", "mail.ru"),
        ],
    )
    def test_the_original_words_are_marked(self, query: str, match: str) -> None:
        assert [self.TEXT[start:end] for start, end in find_spans(self.TEXT, terms(query))] == [match]
        assert f"[{match}]" in shown(snippet(self.TEXT, terms(query), 40))

    def test_a_piece_is_short_and_cut_at_words(self) -> None:
        text = "Nothing here. " * 50 + "Choose the encryption STARTTLS in the list. " + "More words follow. " * 50
        piece = shown(snippet(text, terms("starttls")))
        assert piece.startswith("…Choose the encryption [STARTTLS] in the list. More words")
        assert piece.endswith(("words…", "follow.…", "More…"))
        assert LENGTH / 2 < len(piece) < LENGTH + 10

    def test_the_place_with_most_matches_is_shown(self) -> None:
        text = "A password. " + "Something else. " * 40 + "The app password is made in your account. " + "Else. " * 40
        assert "[app] [password]" in shown(snippet(text, terms("app password")))

    def test_without_a_match_the_beginning_is_shown(self) -> None:
        assert shown(snippet("One two three.", terms("nothing"))) == "One two three."
        assert snippet("", terms("nothing")) == ()

    def test_pairs_alone_mark_nothing_in_a_longer_word(self) -> None:
        assert find_spans("ポートとサーバ", terms("サンダーバート")) == []

    @given(st.text(), st.text(max_size=60))
    def test_the_pieces_are_the_text(self, text: str, query: str) -> None:
        assert "".join(piece.text for piece in marked(text, terms(query))) == text
        cut = "".join(piece.text for piece in snippet(text, terms(query), 20)).strip("…")
        assert cut in text.replace("\n", " ")


def test_plain_text_has_every_branch_and_no_markup() -> None:
    nodes = compile_text(
        "Start *here*.\n\n::: if imap\nFor IMAP & co.\n::: else\nFor POP3.\n::: end\n\n"
        "::: warning\nCareful.\n::: end\n\n"
        "::: steps\n::: step {#one} Open it\nType {{ incoming.host }}.\n\n::: form Server\n"
        "field: Host = {{ smtp.host }} | not: mail\n::: end\n::: end\n::: end"
    )
    text = plain_text(nodes, WORDS)
    assert text.split("\n")[:5] == ["Start here.", "For IMAP & co.", "For POP3.", "Warning", "Careful."]
    assert "Type incoming mail server (IMAP)." in text
    assert "Host: outgoing mail server (SMTP) not mail" in text
    assert not any(sign in text for sign in ("<", "{{", ":::", "Copy"))
