"""Normalisation: the same as Python's for real text, and bounded for everything else."""

from __future__ import annotations

import sys
import time
import unicodedata

import re2

from guides.mail.diagnosis.utterances import plain
from guides.mail.unicode_text import COMBINING, LONGEST_RUN, normalized
from guides.markup import searching

# Marks of two classes by turns are those that have to be sorted.
UNSORTED = "\u0301\u0316"


def test_real_text_is_normalised_as_python_does() -> None:
    for text in ("plain", "Ångström é", "ｶﾞｷﾞ ㈱ ①", "почта.рф", "สวัสดี", "👩🏽‍💻", "e" + UNSORTED * 10):
        assert normalized("NFC", text) == unicodedata.normalize("NFC", text)
        assert normalized("NFKC", text) == unicodedata.normalize("NFKC", text)


def test_a_long_run_of_combining_characters_is_cut() -> None:
    began = time.process_time()
    assert len(normalized("NFC", "a" + UNSORTED * 300_000 + "b")) <= LONGEST_RUN + 2
    assert len(normalized("NFKC", "a" + "\u0316\uff9e" * 300_000)) <= LONGEST_RUN + 1
    assert time.process_time() - began < 1


def test_no_character_escapes_the_cut() -> None:
    combining = re2.compile(COMBINING)
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.combining(unicodedata.normalize("NFKD", char)[0]):
            assert combining.match(char), hex(code)


def test_a_lone_surrogate_is_replaced() -> None:
    assert normalized("NFC", "é\ud800b") == "é\ufffdb"


def test_pasted_texts_and_searches_are_bounded() -> None:
    began = time.process_time()
    plain("a" + UNSORTED * 50_000)
    searching.fold("a" + UNSORTED * 50_000)
    assert time.process_time() - began < 1
