"""A compiled text as plain text, for the search: all branches of all conditions, without tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from guides.markup.filler import fill
from guides.markup.situation import Situation

_BLOCK_TAG = re.compile(
    r"</?(?:p|li|ul|ol|h[1-6]|div|figure|figcaption|details|summary|table|tr|td|th|pre|blockquote|hr|br)\b[^>]*>"
)
_TAG = re.compile(r"<[^>]*>")
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")


def plain_text(nodes: Sequence[Any], words: Mapping[str, str]) -> str:
    """The text of compiled nodes, a line per paragraph. `words` is `WORDS` in the text's language.

    Placeholders become the words for an unknown value.
    """
    unknown = Situation.for_unknown()
    html = "".join(_html(nodes, unknown, words))
    text = unescape(_TAG.sub("", _BLOCK_TAG.sub("\n", html)))
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def _html(nodes: Sequence[Any], unknown: Situation, words: Mapping[str, str]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif "if" in node:
            for _condition, branch in node["if"]:
                yield from _html(branch, unknown, words)
        elif "wrap" in node:
            before, content, after = node["wrap"]
            for part in (before, content, after):
                yield from _html(part, unknown, words)
        elif "copy" not in node and "wrong" not in node:
            yield fill([node], unknown, words)
