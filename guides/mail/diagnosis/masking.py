"""What rules see of a line: addresses, host names, URLs and ports masked, purposes and advice struck, sentences apart.

The mask keeps every position, so that a span found in it is a span of the line. `.` of a rule does not match the line
breaks that separate sentences: no broad expression reaches from one sentence into the next.
"""

from __future__ import annotations

import re
from functools import lru_cache

_ADDRESS = re.compile(r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.){1,8}[\w-]{1,63}")
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{1,12}://[^\s<>\"'«»「」]+")
_HOST = re.compile(r"(?<![\w@.-])(?:[a-z0-9_-]{1,63}\.){1,8}([a-z]{2,24})(?![\w.]*[(\w])")
# File names and module names look like host names; these endings are no top-level domains of mail servers.
_FILES = frozenset(
    {"go", "js", "mjs", "ts", "py", "java", "kt", "c", "cc", "cs", "php", "rb", "rs", "exe", "zip", "scr", "rar", "iso"}
    | {"docm", "txt", "log", "cf", "conf", "mail", "smtp"}
)

# Names in hosts and URLs that say something: block lists, pages of help, results of an authentication.
_SPEAKING = re.compile(
    r"(?i)spam|spf|dkim|dmarc|rbl|dnsbl|block|sorbs|barracuda|abuse|uceprotect|surbl|uribl|dbl|google|outlook|microsoft"
    r"|office|aka\.ms|yahoo|facebook|[?&]p=|mail\.ru|yandex|proofpoint|mimecast|cloudmark|senderscore|invaluement"
    r"|psbl|mailspike|list"
)
_LETTERS = re.compile(r"[^\W\d_]|-")
_DIGITS = re.compile(r"\d")

# Digits that are no reply codes: ports, lines of source files, numbers with a unit.
_PLACES = re.compile(
    r"(?i)(?:\bports?\W{0,4}|ポート(?:番号)?\W{0,4}|\bпорт\w*\W{0,4}|\bpuerto\W{0,4}|\blines?\W{0,2}|\bstate\W{0,2}"
    r"|\.(?:java|go|m?js|ts|py|cs?|php|rb|rs|kt|cpp):|[\w\])]:(?=\d{2,5}\b(?!\.\d)))\d+(?::\d+)?|\(errno\W?\d+\)"
)

# What a measure is for, in six languages: it says nothing of this message.
_PURPOSES = re.compile(
    r"(?i)\b(?:(?:in order )?to (?:help )?(?:us )?(?:protect|prevent|safeguard|fight|combat"
    r"|guard against|keep \w+ safe)"
    r"|(?:since|because|as) we (?:\w+ )?(?:protect|fight|keep|guard|care)|for (?:the )?protection (?:of|against|from)"
    r"|(?:as part of|in) (?:our|the) (?:fight|efforts?)|helps? (?:to )?(?:protect|prevent|fight|keep))\b[^.;:,\n]*"
    r"|(?:迷惑メール|スパム|ウイルス|なりすまし)[^。、\n]{0,10}(?:防止|対策|防ぐ|保護)(?:する)?(?:の)?ため"
    r"|(?:для|в целях) (?:защиты|предотвращения|борьбы)[^.;:,\n]*"
    r"|\bzum schutz (?:vor|gegen)[^.;:,\n]*|\bum [^.;:,\n]{0,30}\bzu (?:schützen|verhindern)"
    r"|\bpour (?:protéger|éviter|lutter)[^.;:,\n]*|\bpara (?:proteger|evitar|combatir)[^.;:,\n]*"
)
# Advice on whom to ask and where to read.
_ADVICE = re.compile(
    r"(?i)\b(?:if (?:you (?:believe|think|feel|have (?:any )?questions|need (?:more|further)|continue)"
    r"|the problem (?:persists|continues)"
    r"|this (?:is|was) (?:an error|a mistake|in error))"
    r"|for (?:more|further|additional) (?:information|details|help|assistance)"
    r"|please (?:report|forward this))\b[^.\n]{0,200}"
)
_ENDS = re.compile(r"[.!?][\"'»”)]{0,2}( )(?=[^\sa-z\d])|([。！？])(?=\S)|\.\.( )(?=[A-Z])")


@lru_cache(maxsize=512)
def masked(line: str) -> str:
    """The line as rules for words see it, as long as the line."""
    line = without_addresses(line)
    line = _URL.sub(_silent, line)
    line = _HOST.sub(_silent_host, line)
    for expression in (_PURPOSES, _ADVICE):
        line = expression.sub(lambda match: " " * len(match.group()), line)
    return _ENDS.sub(lambda match: _with_break(match), line)


def without_addresses(line: str) -> str:
    """The line with the letters of mail addresses masked: a recipient `virus.found@...` names no virus."""
    if "@" not in line:
        return line
    return _ADDRESS.sub(lambda match: _LETTERS.sub("x", match.group()), line)


def without_places(line: str) -> str:
    """The line with the digits of ports and of lines in source files masked, which are no reply codes."""
    return _PLACES.sub(lambda match: _DIGITS.sub("x", match.group()), line)


def _silent(match: re.Match[str]) -> str:
    found = match.group()
    return found if _SPEAKING.search(found) else _LETTERS.sub("x", found)


def _silent_host(match: re.Match[str]) -> str:
    found = match.group()
    if match.group(1) in _FILES or _SPEAKING.search(found):
        return found
    return _LETTERS.sub("x", found)


def _with_break(match: re.Match[str]) -> str:
    found = match.group()
    at = next(match.start(number) for number in (1, 2, 3) if match.start(number) >= 0) - match.start()
    return f"{found[:at]}\n{found[at + 1 :]}"
