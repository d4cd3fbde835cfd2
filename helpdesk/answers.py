"""Autoconfig answers kept for a few seconds in front of Django, in each process.

After an outage every mail program in an office asks at once, and all of them get the same few kilobytes: what an answer
depends on is the scheme, the host, the path and the domain of the address, never the part before @.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SECONDS = 5.0
MOST = 500  # answers; some 2 KB each
LONGEST = 300  # characters of a host or path that are kept

_BY_ADDRESS = frozenset({"/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"})
_BY_DOMAIN = "/v1.1/"
_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Answer:
    until: float
    headers: tuple[tuple[str, str], ...]
    body: bytes


class KeptAnswers:
    """Wraps the application. Keeps answers of status 200 that say of themselves that they are public."""

    def __init__(self, application: WSGIApplication, seconds: float = SECONDS) -> None:
        self._application = application
        self._seconds = seconds
        self._kept: dict[_Key, _Answer] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from what is kept, or ask the application."""
        key = _key(environ)
        if key is None:
            return self._application(environ, start_response)
        answer = self._kept.get(key)
        if answer is not None and answer.until > time.monotonic():
            start_response("200 OK", list(answer.headers))
            return [answer.body]
        return self._ask(key, environ, start_response)

    def _ask(self, key: _Key, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        head: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            head.append((status, headers))
            return start_response(status, headers, *error)

        parts = self._application(environ, start)
        status, headers = head[-1]
        named = {name.lower(): value for name, value in headers}
        if not status.startswith("200 ") or "public" not in named.get("cache-control", "") or "set-cookie" in named:
            return parts
        body = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        if len(self._kept) >= MOST:  # strangers may have filled it; those who ask often are back at once
            self._kept.clear()
        # The language is that of whoever asked first; nothing in the file is in a language.
        kept = tuple((name, value) for name, value in headers if name.lower() != "content-language")
        self._kept[key] = _Answer(time.monotonic() + self._seconds, kept, body)
        return [body]


def _key(environ: WSGIEnvironment) -> _Key | None:
    """What an answer depends on; None for what is not kept."""
    path: str = environ.get("PATH_INFO", "")
    if environ["REQUEST_METHOD"] != "GET" or not (path in _BY_ADDRESS or path.startswith(_BY_DOMAIN)):
        return None
    host: str = environ.get("HTTP_HOST", "")
    if len(path) > LONGEST or len(host) > LONGEST:
        return None
    domain = _domain(environ.get("QUERY_STRING", "")) if path in _BY_ADDRESS else ""
    return None if domain is None else (environ["wsgi.url_scheme"], host, path, domain)


def _domain(query: str) -> str | None:
    """What stands after @ in the address that is sent along, "" when there is none."""
    if len(query) > LONGEST * 4:
        return None
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return None
    addresses = [value for name, value in fields if name == "emailaddress"]
    _local_part, at, domain = (addresses[-1] if addresses else "").rpartition("@")
    return at + domain if at else ""
