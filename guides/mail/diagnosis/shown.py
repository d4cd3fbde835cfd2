"""The line of a pasted text that a page shows: with the matched words marked, without secrets.

The visitor's password is not known here, so it is not removed by value but by position: after AUTH and LOGIN
commands, after "password", in base64, in a URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from guides.mail.connection.redact import visible
from guides.mail.diagnosis.judging import Cause

HIDDEN = "•••"
AROUND = 160  # characters shown on each side of the words

# Words after "password" that are no password.
_WORDS = (
    r"(?!(?:is|was|has|must|may|or|and|not|no|for|of|in|on|to|the|a|an|your|you|incorrect|wrong|invalid|bad|expired|required|failed"
    r"|failure|authentication|auth|accepted|error|check|change|changed|reset|too|does|did|protected|prompt|mismatch|missing|disabled"
    r"|please|with|login|log|unsuccessful|rejected|denied|cannot|could|should|can)\b)"
)
_NAMES = r"pass(?:word|wd|phrase|code)?|pwd|passwort|kennwort|secret|token|api[_-]?key|pin"
_SECRETS = (
    # SASL and login commands, with their arguments
    re.compile(
        r"(?i)\b(AUTH(?:ENTICATE)?[ \t]+(?:PLAIN|LOGIN|XOAUTH2|OAUTHBEARER|CRAM-MD5|DIGEST-MD5|NTLM)[ \t]+)(\S+)"
    ),
    re.compile(r"(?i)(?<![\w.-])(LOGIN[ \t]+)((?:\"[^\"]*\"|[^\s\"]+@\S+|[^\s\"]*\d[^\s\"]*)[ \t]+(?:\"[^\"]*\"|\S+))"),
    re.compile(r"(?<![\w-])(PASS[ \t]+)(\S+)"),
    re.compile(r"(?i)\b(Bearer[ \t]+)(\S+)"),
    re.compile(r"(?<![\w+/])((?:334|\+)[ \t]+)([A-Za-z0-9+/]{8,}={0,2})"),
    # "password: x", "password=x", "password is x", in four languages
    re.compile(rf"(?i)\b((?:{_NAMES})[\"']?[ \t]*[=:][ \t]*)(\"[^\"]*\"|'[^']*'|\S+)"),
    re.compile(rf"(?i)\b((?:{_NAMES})[ \t]+(?:is|was|ist|lautet)[ \t]+){_WORDS}(\S+)"),
    re.compile(r"((?:パスワード|暗証番号|パス)[ \t]*(?:[=:：]|は)[ \t]*)([!-~]{3,})"),
    re.compile(r"(?i)((?:парол\w*|пин-?код)[ \t]*(?:[=:—-]|это)?[ \t]+)([!-~]{3,})"),
    # user:password@host
    re.compile(r"(?i)(\b[a-z]{2,8}://[^\s/:@]*:)([^\s/@]+)(?=@)"),
    # long base64 of mixed characters: SASL messages, keys; not words or host names
    re.compile(r"()(?<![\w.@/+-])((?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{20,}={0,2})(?![\w.@-])"),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a shown line; `marked` ones are the matched words."""

    text: str
    marked: bool = False


def without_secrets(text: str) -> str:
    """A text with marks instead of everything in a password's position."""
    for expression in _SECRETS:
        text = expression.sub(lambda match: f"{match.group(1)}{HIDDEN}", text)
    return text


def shown(cause: Cause) -> tuple[Segment, ...]:
    """The line of a cause: redacted, made visible, cut around its words; () when there is none."""
    if not cause.line:
        return ()
    start = max(0, cause.start - AROUND)
    end = min(len(cause.line), cause.end + AROUND)
    before, words, after = _redacted(cause.line, cause.start, cause.end)
    before = ("…" if start else "") + before[-AROUND:]
    after = after[:AROUND] + ("…" if end < len(cause.line) else "")
    segments = (Segment(_shown(before)), Segment(_shown(words), marked=True), Segment(_shown(after)))
    return tuple(segment for segment in segments if segment.text)


def _redacted(line: str, start: int, end: int) -> tuple[str, str, str]:
    """The three parts of a line, redacted together, as a secret may cross their borders."""
    spans = [match.span(2) for expression in _SECRETS for match in expression.finditer(line)]
    parts = [(0, start), (start, end), (end, len(line))]
    shown_parts = []
    for first, last in parts:
        pieces, position = [], first
        for left, right in sorted(spans):
            left, right = max(left, position), min(right, last)
            if left < right:
                pieces += [line[position:left], HIDDEN]
                position = right
        shown_parts.append("".join([*pieces, line[position:last]]))
    before, words, after = shown_parts
    return before, words, after


def _shown(text: str) -> str:
    """`visible`, but with the spaces at the borders, which it strips."""
    lead = " " if text[:1].isspace() else ""
    trail = " " if text[-1:].isspace() and text.strip() else ""
    return f"{lead}{visible(text)}{trail}"
