"""Recognising a provider by the words and host names of a text.

The slugs are those of the shipped provider table. A provider whose slug the operator changed is not recognised here,
but by its servers' names.
"""

from __future__ import annotations

import re

from guides.mail.diagnosis.scanning import Scanner

_MARKERS: tuple[tuple[str, str], ...] = (
    ("gmail", r"\bgsmtp\b|\bgmail\b|\bgooglemail\b|\bgoogle\.com\b|\baspmx\.l\b"),
    (
        "outlook-com",
        r"\boutlook\.com\b|\boffice365\.com\b|\bhotmail\.|\bAADSTS\d|\baka\.ms/|\bprotection\.outlook\b|\boffice\.com\b",
    ),
    ("yahoo-japan", r"\byahoo\.co\.jp\b"),
    ("yahoo", r"\byahoo\b|\byahoodns\b|\baol\.com\b|\(?#AUTH0\d\d\b"),
    ("icloud", r"\bicloud\b|\bme\.com\b|\bmac\.com\b|\bsupport\.apple\.com\b"),
    ("mail-ru", r"\bmail\.ru\b|\bNEOBHODIM\b"),
    ("yandex", r"\byandex\b|\bya\.cc\b|\bYandex\b"),
    ("rambler", r"\brambler\b"),
    ("gmx-net", r"\bgmx\b"),
    ("web-de", r"\bweb\.de\b"),
    ("qq", r"\bqq\.com\b|\bexmail\b"),
    ("fastmail", r"\bfastmail\b|\bmessagingengine\b"),
)
_SCANNER = Scanner([f"(?i){expression}" for _, expression in _MARKERS])

_HOST = re.compile(
    r"(?<![\w@.-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}[a-z]{2,24})(?![\w.-]*@)(?![\w-])", re.IGNORECASE
)
_MAIL_HOST = re.compile(r"^(?:imaps?|pop3?s?|smtps?|mail|mx\d*|post|outlook|out|in|webmail)[\w-]*\.", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.+%=-])[\w.+%=-]{1,64}@((?:[\w-]{1,63}\.)+[\w-]{2,24})", re.UNICODE)


def provider_in(text: str) -> str | None:
    """The slug of the provider whose servers or pages a text names: of the first marker found."""
    hits = _SCANNER.hits(text)
    return _MARKERS[hits[0]][0] if hits else None


def mail_hosts(text: str) -> list[str]:
    """The host names in a text that look like a mail server's, in order, each once."""
    hosts = (match.group(1).lower() for match in _HOST.finditer(text))
    return list(dict.fromkeys(host for host in hosts if _MAIL_HOST.match(host)))


def address_domains(text: str) -> list[str]:
    """The domains of the mail addresses in a text, in order, each once."""
    return list(dict.fromkeys(match.group(1).lower().rstrip(".") for match in _ADDRESS.finditer(text)))
