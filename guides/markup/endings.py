"""Stemming and stop words of Russian and English, for the search.

A stem is the common beginning of a word's forms. Matches of a mere stem rank lower, because a whole word weighs more
(`guides.search`).
"""

from __future__ import annotations

import re

LEAST_STEM = 4  # letters

_RUSSIAN = re.findall(
    r"\w+",
    """
    иями ями ами иях ях ах ого его ому ему ыми ими ией иям ием ов ев ей ой ий ый ая яя ое ее ые ие ую юю ия ию ии
    ом ем ам ям их ых ок ек ать ять ить еть уть ться ется ются ится ает яет ует ают яют уют ешь ишь ете ите ет ит
    ут ют ат ят ала ила яла ели али или яли ал ил ял но на ны ен ена ено ены а я о е ы и у ю ь й
    """,
)
_RUSSIAN_ENDINGS = tuple(sorted(_RUSSIAN, key=lambda ending: (-len(ending), ending)))
_ENGLISH_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "e", "y", "s")
_CYRILLIC = re.compile(r"[а-я]+")
_LATIN = re.compile(r"[a-z]+")
_CONSONANT_K = re.compile(r"[бвгджзйклмнпрстфхцчшщь]к")

EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a an the of to in on at is are be am was it its my i me we you your for and or but not no how what why when
        where with from can cant do does dont did will this that there have has had
        и в во на не с со по как что это у я мне мой моя мои моей вы вас мы он она оно они для к ко из за от до при
        а но или же ли бы почему где когда нет есть уже еще все так о об
        """,
    )
)


def stem(word: str) -> str:
    """A Russian or English word in lower case without its ending; any other unchanged."""
    if _CYRILLIC.fullmatch(word):
        short = _without(word, _RUSSIAN_ENDINGS)
        # ошибка, ошибок: the fleeting vowel before к.
        return short[:-1] if len(short) > LEAST_STEM and _CONSONANT_K.fullmatch(short[-2:]) else short
    if _LATIN.fullmatch(word):
        return word if word.endswith("ss") else _without(word, _ENGLISH_ENDINGS)
    return word


def _without(word: str, endings: tuple[str, ...]) -> str:
    for ending in endings:
        if word.endswith(ending) and len(word) - len(ending) >= LEAST_STEM:
            return word[: -len(ending)]
    return word
