"""Unicode normalisation with bounded work: visitors' text is never passed to `unicodedata.normalize` directly."""

from __future__ import annotations

import unicodedata
from typing import Literal

import re2

# The longest run of combining characters in real text: the Stream-Safe Text Format, UAX #15 section 13.
LONGEST_RUN = 30
# Every character whose compatibility decomposition begins with a combining one: the marks, and two half-width katakana.
COMBINING = r"[\p{M}\x{FF9E}\x{FF9F}]"
_LONG_RUN = re2.compile(f"({COMBINING}{{{LONGEST_RUN}}}){COMBINING}+")


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """`text` in a normalisation form (UAX #15), with at most LONGEST_RUN combining characters in a row.

    CPython sorts such a run by insertion, in the square of its length: 80,000 characters take 6 s. A lone surrogate
    becomes U+FFFD, because RE2 reads UTF-8.
    """
    if text.isascii():
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize(form, _LONG_RUN.sub(r"\1", whole))
