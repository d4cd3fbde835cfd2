"""Sizes for display."""

from __future__ import annotations

_KIBI = 1024
_MOST_DIGITS = 18


def in_words(kibibytes: float) -> str:
    """A size in KiB as text, in the largest unit of which there is at least one."""
    unit = "KB"
    for larger in ("MB", "GB", "TB"):
        if kibibytes < _KIBI:
            break
        kibibytes, unit = kibibytes / _KIBI, larger
    return f"{kibibytes:.1f} {unit}".replace(".0 ", " ")


def octets_in_words(text: str) -> str:
    """A server's number of octets as text; "" for an empty text, 0 ("no limit") and anything that is no number."""
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS or int(text) == 0:
        return ""
    return in_words(int(text) / _KIBI)
