"""Taking a pasted text out of its wrapping: prefixes of logs, frames of stack traces, JSON of sending services."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from guides.mail.diagnosis.bounces import Kind

MAX_LINES = 2000
_MAX_JSON = 200_000  # characters
_MAX_STRINGS = 60
_MAX_DEPTH = 12

_PREFIXES = (
    re.compile(r"[\w.-]{1,60}\s{0,20}\| "),  # docker compose
    re.compile(r"<\d{1,3}>"),  # syslog priority
    re.compile(
        r"\[?(?:[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d|(?:\d{4}[-/]\d\d[-/]\d\d|\d\d\.\d\d\.\d{4})"
        r",?[T ]\d\d?:\d\d(?::\d\d)?"
        r"(?:[.,]\d{1,9})?(?: ?[+-]\d\d:?\d\d|Z)?|\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)\]?[:,]? {1,4}"
    ),
    re.compile(r"(?:[\w.-]{1,80} )?[\w./-]{1,60}\[\d{1,8}\]: "),  # host program[pid]
    re.compile(r"\[?(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|CRITICAL|NOTICE|error|warning)\]?:? {1,4}(?=\S)"),
    re.compile(r"[0-9A-F]{8,14}: (?=to=)"),  # queue id of Postfix
    re.compile(r"(?:Caused by|Exception in thread \"[^\"]{1,60}\"|Uncaught|Unhandled exception):? "),
)
_FRAME = re.compile(
    r"\s*(?:at [\w$.<>/\[\]]+ ?\(|at .{1,300}:\d+\)?$|at \S+\.\S+$|File \"[^\"]+\", line \d+"
    r"|\.{3} \d+ more|#\d+ {1,2}\S+\(\d+\)"
    r"|goroutine \d+ |[\w/.-]+\.go:\d+|Traceback \(most recent|raise \w|\^+$|--- End of )"
)
_SPLIT_WORD = re.compile(r"([^\W\d_])-\n[ \t>]{0,8}([^\W\d_A-ZА-Я])")

_EVENTS: dict[str, Kind] = {
    "delivered": Kind.DELIVERED,
    "delivery": Kind.DELIVERED,
    "complaint": Kind.FEEDBACK,
    "complained": Kind.FEEDBACK,
    "spamcomplaint": Kind.FEEDBACK,
    "spamreport": Kind.FEEDBACK,
    "spam": Kind.FEEDBACK,
    "abuse": Kind.FEEDBACK,
    "deferred": Kind.DELAYED,
    "deliverydelay": Kind.DELAYED,
    "delayed": Kind.DELAYED,
    "bounce": Kind.FAILURE,
    "bounced": Kind.FAILURE,
    "hardbounce": Kind.FAILURE,
    "softbounce": Kind.FAILURE,
    "failed": Kind.FAILURE,
    "failure": Kind.FAILURE,
    "permanentfail": Kind.FAILURE,
    "temporaryfail": Kind.FAILURE,
    "outofband": Kind.FAILURE,
    "policyrejection": Kind.FAILURE,
    "dropped": Kind.FAILURE,
    "reject": Kind.FAILURE,
    "rejected": Kind.FAILURE,
    "blocked": Kind.FAILURE,
    "suppressed": Kind.FAILURE,
}
_EVENT_KEYS = ("event", "eventtype", "notificationtype", "recordtype", "type", "status")
_REASON_KEYS = re.compile(
    r"(?i)reason|response|reply|descri|message|diagnos|detail|error|smtp|status|code|output|log|msg|cause|text"
)


@dataclass(frozen=True, slots=True)
class Event:
    """What a sending service reports as JSON: its kind, and the words that give a reason, a line each."""

    kind: Kind | None
    lines: tuple[str, ...]


def event_in(text: str) -> Event | None:
    """The first event of a text that is JSON, one document or a document a line; None when it is not JSON."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return None
    for piece in (stripped, stripped.partition("\n")[0]):
        try:
            found = json.loads(piece[:_MAX_JSON])
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict | list):
            return _event(found)
    return None


def _event(document: object) -> Event:
    pairs = list(_strings(document))
    kinds = [
        _EVENTS[word]
        for key in _EVENT_KEYS
        for name, value in pairs
        if name.lower() == key and (word := re.sub(r"[^a-z]", "", value.lower())) in _EVENTS
    ]
    lines = [value for name, value in pairs if _REASON_KEYS.search(name) and re.search(r"[^\W\d_]{3}", value)]
    return Event(kinds[0] if kinds else None, tuple(dict.fromkeys(lines)))


def _strings(document: object) -> Iterator[tuple[str, str]]:
    """The strings of a document with their keys; a reply code is put before the message beside it."""
    waiting: list[tuple[str, object, int]] = [("", document, 0)]
    left = _MAX_STRINGS
    while waiting and left:
        name, value, depth = waiting.pop(0)
        if isinstance(value, str):
            left -= 1
            yield name, value[:4000]
        elif isinstance(value, list) and depth < _MAX_DEPTH:
            waiting[:0] = [(name, item, depth + 1) for item in value[:_MAX_STRINGS]]
        elif isinstance(value, dict) and depth < _MAX_DEPTH:
            code = value.get("code") or value.get("ErrorCode") or ""
            said = value.get("message")
            items = dict(value)
            if isinstance(said, str) and re.fullmatch(r"[245]\d\d", str(code)) and not said.startswith(str(code)):
                items["message"] = f"{code} {said}"
            waiting[:0] = [(str(key), item, depth + 1) for key, item in list(items.items())[:_MAX_STRINGS]]


def unwrapped(text: str) -> str:
    """A text without the prefixes of logs and the frames of stack traces; words that a line break splits are joined."""
    lines = (_SPLIT_WORD.sub(r"\1\2", text) if "-\n" in text else text).split("\n", MAX_LINES)[:MAX_LINES]
    return "\n".join(_bare(line) for line in lines if not _FRAME.match(line))


def _bare(line: str) -> str:
    for expression in _PREFIXES:
        match = expression.match(line)
        if match is not None and match.end() < len(line):
            line = line[match.end() :]
    return line
