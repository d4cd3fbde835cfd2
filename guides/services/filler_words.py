"""The words that filling a text adds to it, in the visitor's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext

from guides.markup import WORDS


class Words(Mapping[str, str]):
    """Looks a word up when it is needed; most texts use few of them."""

    def __getitem__(self, key: str) -> str:
        return gettext(WORDS[key])

    def __iter__(self) -> Iterator[str]:
        return iter(WORDS)

    def __len__(self) -> int:
        return len(WORDS)


FILLER_WORDS = Words()
