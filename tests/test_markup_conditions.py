"""Conditions are read as written, and refused with their line when they cannot be."""

import pytest

from guides.markup.conditions import holds, parse, words_of
from guides.markup.faults import FaultLog
from guides.markup.vocabulary import condition_words

WORDS = condition_words(["classic"], ["mail-ru"])


def read(text):
    log = FaultLog()
    condition = parse(text, WORDS, 7, log)
    return condition, [(fault.line, fault.code, fault.params) for fault in log.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("imap", "imap"),
        ("not imap", ["not", "imap"]),
        ("not not imap", ["not", ["not", "imap"]]),
        ("imap and oauth2 or known", ["or", ["and", "imap", "oauth2"], "known"]),
        ("imap and (oauth2 or known)", ["and", "imap", ["or", "oauth2", "known"]]),
        ("not imap and not known", ["and", ["not", "imap"], ["not", "known"]]),
        ("not(imap or pop3)or known", ["or", ["not", ["or", "imap", "pop3"]], "known"]),
        (
            "version:classic and provider:mail-ru and has_link:signup",
            ["and", "version:classic", "provider:mail-ru", "has_link:signup"],
        ),
    ],
)
def test_it_works(text, expected):
    assert read(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "code", "params"),
    [
        ("", "condition_empty", {"name": "if"}),
        ("imap and", "condition_cut", {}),
        ("not", "condition_cut", {}),
        ("and imap", "condition_syntax", {"found": "and"}),
        ("imap or or pop3", "condition_syntax", {"found": "or"}),
        ("()", "condition_syntax", {"found": ")"}),
        ("imap pop3", "condition_operator", {"found": "pop3"}),
        ("(imap pop3)", "condition_operator", {"found": "pop3"}),
        ("(imap", "condition_parenthesis", {}),
        ("imap)", "condition_parenthesis", {}),
        ("(" * 101, "condition_too_long", {"most": "100"}),
        ("imap AND pop3", "condition_operator", {"found": "AND"}),
    ],
)
def test_what_cannot_be_read(text, code, params):
    assert read(text) == (None, [(7, code, params)])


def test_unknown_words_are_told_with_the_nearest_known_one():
    condition, faults = read("app_pasword or version:clasic or xyzzy")
    assert condition is not None
    assert faults == [
        (7, "unknown_word_near", {"name": "app_pasword", "near": "app_password"}),
        (7, "unknown_word_near", {"name": "version:clasic", "near": "version:classic"}),
        (7, "unknown_word", {"name": "xyzzy"}),
    ]


def test_the_deepest_condition_that_is_allowed_can_be_read():
    condition, faults = read("not " * 99 + "imap")
    assert faults == []
    assert holds(condition, {"pop3"}) is True
    assert read("(" * 49 + "imap" + ")" * 49) == ("imap", [])


def test_holds():
    condition, _ = read("imap and not (oauth2 or known)")
    assert holds(condition, {"imap"})
    assert not holds(condition, {"imap", "known"})
    assert not holds(condition, set())
    assert holds(None, set())
    assert sorted(words_of(condition)) == ["imap", "known", "oauth2"]
    assert list(words_of(None)) == []
