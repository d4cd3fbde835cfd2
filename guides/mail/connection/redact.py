"""Making a server's text safe to show: without the visitor's secrets, without control characters, and short.

Servers echo names and passwords. They are removed by value (plain, in base64 alone or within a SASL message,
URL-encoded, escaped as an IMAP quoted string) before a text is used anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterable, Iterator
from functools import cached_property
from urllib.parse import quote, quote_plus

from guides.mail.accounts import Address
from guides.mail.outcomes import Evidence
from guides.mail.secret import Secret

MAX_SHOWN = 500
# Shorter values occur inside common words, so they are removed only as whole words.
LEAST_ANYWHERE = 4

PASSWORD_MARK = b"[password]"
ADDRESS_MARK = b"[address]"
USER_MARK = b"[user]"
# The placeholders for them in a text that is classified: neutral words of the same kind.
_NEUTRAL = ((PASSWORD_MARK, b"password"), (ADDRESS_MARK, b"somebody@example.net"), (USER_MARK, b"user"))

_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
_BASE64_END = re.compile(rb"[A-Za-z0-9+/_-]{8,}\Z")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})


class RedactionFault(Exception):  # noqa: N818
    """A redactor could not be made. Contains the kind of fault only."""


class Redactor:
    """Removes one visitor's password, address and user name from a server's text."""

    def __init__(self, address: Address, usernames: Iterable[str], secret: Secret) -> None:
        fault = ""
        try:
            self._prepare(address, usernames, secret.utf8())
        except Exception as error:
            fault = type(error).__name__
        if fault:  # a new error, outside the handler: the original, its frames and chain could show the password
            raise RedactionFault(fault)

    def _prepare(self, address: Address, usernames: Iterable[str], password: bytes) -> None:
        names = {name.encode("utf-8", "replace") for name in usernames} | {address.local_part.encode()}
        addresses = {str(address).encode(), f"{address.local_part}@{address.display_domain}".encode()}
        self._passwords = _spellings({password})
        self._addresses = _spellings(addresses)
        self._names = _spellings(names - addresses)
        for name in names | addresses:  # a SASL PLAIN message, whole (RFC 4616); others are found by decoding
            blob = b64encode(b"\0" + name + b"\0" + password)
            self._passwords |= {blob, quote(blob, safe="").encode()}
        self._needles = [
            (mark, needle)
            for mark, values in ((PASSWORD_MARK, {password}), (ADDRESS_MARK, addresses), (USER_MARK, names))
            for needle in values
            if len(needle) >= LEAST_ANYWHERE
        ]
        self._rules = [
            (PASSWORD_MARK, _Forms(self._passwords, whole_words=False)),
            (ADDRESS_MARK, _Forms(self._addresses, whole_words=False)),
            (USER_MARK, _Forms(self._names, whole_words=True)),
        ]

    def __repr__(self) -> str:
        return "<Redactor>"

    def clean(self, raw: bytes, *, is_cut: bool = False) -> bytes:
        """`raw` with each value replaced by a mark; with `is_cut`, also without the beginning of one at its end."""
        spans = self._found_in(raw)
        if is_cut:
            spans.append((self._begun_at(raw), len(raw), len(self._rules), b""))
        return _replace(raw, spans)

    def evidence(self, raw: bytes, *, before_encryption: bool, is_cut: bool = False) -> Evidence:
        """`raw` for display: redacted first, then decoded, made visible and cut.

        `is_cut`: `raw` ends within a line, perhaps within a value. Its end is always replaced by three dots, which so
        do not show whether a value was removed there.
        """
        text = self.clean(raw, is_cut=is_cut).decode("utf-8", "replace")
        return Evidence(visible(text + "…" if is_cut else text), before_encryption)

    def neutral(self, text: str, *, plain_words: bool) -> str:
        """`text` for classification: neutral words replace what it repeats of the visitor's input.

        A user name such as `blocked-by-spamhaus` must not decide the class. But a name may also be a word that the
        server uses itself, such as `full`: a value of letters alone is kept unless `plain_words`.
        """
        raw = text.encode("utf-8", "replace")
        said = _replace(
            raw, [span for span in self._found_in(raw) if plain_words or not raw[span[0] : span[1]].isalpha()]
        )
        for mark, word in _NEUTRAL:
            said = said.replace(mark, word)
        return said.decode("utf-8", "replace")

    def _found_in(self, raw: bytes) -> list[tuple[int, int, int, bytes]]:
        """The spans of values: start, end, the rank of the value, and its mark."""
        lowered = raw.lower()
        spans = [
            (match.start(), match.end(), rank, mark)
            for rank, (mark, forms) in enumerate(self._rules)
            for match in forms.found_in(raw, lowered)
        ]
        for run in _BASE64_RUN.finditer(raw):
            mark = self._within(run.group())
            if mark is not None:
                spans.append((run.start(), run.end(), 0 if mark == PASSWORD_MARK else 1, mark))
        return spans

    def _begun_at(self, raw: bytes) -> int:
        """The start of the longest suffix of `raw` that could be the beginning of a value; else its length."""
        lowered = raw.lower()
        longest = max((form.begun_at_end_of(lowered) for _, form in self._rules), default=0)
        begin = len(raw) - longest
        run = _BASE64_END.search(raw)
        if run is not None and self._begins_within(run.group()):
            begin = min(begin, run.start())
        return begin

    def _begins_within(self, run: bytes) -> bool:
        """Whether a run of base64 could end within a value."""
        return any(
            decoded.endswith(needle[:length])
            for decoded in _decodings(run)
            for _, needle in self._needles
            for length in range(1, len(needle) + 1)
        )

    def _within(self, run: bytes) -> bytes | None:
        """The mark of a value that a run of base64 contains, at any of the four alignments."""
        for decoded in _decodings(run):
            for mark, needle in self._needles:
                if needle in decoded:
                    return mark
        return None


def _decodings(run: bytes) -> Iterator[bytes]:
    """A run of base64 decoded at each of the four alignments."""
    plain = run.rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_")
    for offset in range(4):
        part = plain[offset:]
        if len(part) % 4 == 1:
            part = part[:-1]
        yield urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def visible(text: str) -> str:
    """`text` with control, invisible and bidirectional characters written as codes, cut at 500 characters."""
    text = text.strip()
    if text.isprintable():
        return _cut(text)
    shown: list[str] = []
    for char in text:
        if len(shown) > MAX_SHOWN:  # the end of a long text is not examined
            break
        if char == "\n" or unicodedata.category(char) not in _HIDDEN_CATEGORIES:
            shown.append(char)
        elif char == "\t":
            shown.append(" ")
        elif char != "\r":
            shown.append(f"⟨U+{ord(char):04X}⟩")
    return _cut("".join(shown))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _spellings(values: set[bytes]) -> set[bytes]:
    """The encodings in which a server may repeat a value."""
    forms: set[bytes] = set()
    for value in filter(None, values):
        forms |= {value, b64encode(value), b64encode(value).rstrip(b"=")}
        forms |= {quote(value, safe="").encode(), quote(value).encode(), quote_plus(value).encode()}
        forms.add(value.replace(b"\\", b"\\\\").replace(b'"', b'\\"'))  # an IMAP quoted string (RFC 9051)
        text = value.decode()
        forms |= {text.lower().encode(), text.upper().encode()}
        if all(ord(char) < 256 for char in text):  # servers that take the octets for Latin-1
            forms.add(text.encode("latin-1"))
    return forms


class _Forms:
    """The encodings of one kind of value, found regardless of the case of ASCII letters."""

    def __init__(self, forms: set[bytes], *, whole_words: bool) -> None:
        self._forms = forms
        self._lowered = {form.lower() for form in forms}
        self._whole_words = whole_words

    def found_in(self, raw: bytes, lowered: bytes) -> Iterable[re.Match[bytes]]:
        """Every match in `raw`, from left to right; `lowered` is `raw` in lower case."""
        # Most servers echo nothing, and compiling the expression takes longer than the rest of a redactor.
        for form in self._lowered:
            if form in lowered:
                return self._expression.finditer(raw)
        return ()

    def begun_at_end_of(self, lowered: bytes) -> int:
        """The length of the longest suffix of a lower-case text that begins one of the forms."""
        return max(
            (length for form in self._lowered for length in range(1, len(form)) if lowered.endswith(form[:length])),
            default=0,
        )

    @cached_property
    def _expression(self) -> re.Pattern[bytes]:
        # The longest first, so that no part of a longer form remains. The case of ASCII letters is ignored.
        alternatives = [
            rb"(?<![A-Za-z0-9_])" + re.escape(form) + rb"(?![A-Za-z0-9_])"
            if self._whole_words or len(form) < LEAST_ANYWHERE
            else re.escape(form)
            for form in sorted(self._forms, key=lambda form: (-len(form), form))
        ]
        return re.compile(b"|".join(alternatives), re.IGNORECASE)


def _replace(raw: bytes, spans: list[tuple[int, int, int, bytes]]) -> bytes:
    """Replace spans by their marks; overlapping spans become one, with the mark of the most secret value."""
    merged: list[tuple[int, int, int, bytes]] = []
    for start, end, rank, mark in sorted(spans):
        if merged and start < merged[-1][1]:
            first, last, other_rank, other_mark = merged[-1]
            best = min((rank, mark), (other_rank, other_mark))
            merged[-1] = (first, max(last, end), *best)
        else:
            merged.append((start, end, rank, mark))
    pieces, position = [], 0
    for start, end, _, mark in merged:
        pieces += [raw[position:start], mark]
        position = end
    pieces.append(raw[position:])
    return b"".join(pieces)
