"""Logs without mail addresses: what stands before an @ is masked in every line, tracebacks and paths included.

Autodiscover v2 and mistyped URLs carry an address in the path, which the access log and reports of faults show. Each
line of a request has the request's number, which is also in the answer (X-Request-ID) and on the page of a fault.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase

_CHARACTER = r"[^\s/@\"'<>()=?&,;:]"
# Begins where a word begins: without that, a path of 4,000 letters takes the square of its length, 0.2 s a line.
_LOCAL_PART = re.compile(rf"(?<!{_CHARACTER}){_CHARACTER}+(?=(?:@|%40|%2540)[\w.\[-])", re.IGNORECASE)
_FRAMES = 12  # of a fault, the innermost ones
_ACCESS = {"method": "m", "path": "U", "status": "s", "bytes": "B", "ms": "M"}  # gunicorn's names for them

# Set by each request in the thread that serves it, and never unset: what an answer that grows logs has it too.
_number: ContextVar[str] = ContextVar("request number", default="-")


def numbered(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Give each request a number of its own. What a visitor sends in X-Request-ID is not believed."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        number = secrets.token_hex(8)
        _number.set(number)
        request.request_number = number  # type: ignore[attr-defined]
        response = get_response(request)
        response.headers["X-Request-ID"] = number
        return response

    return middleware


class AddressFreeFormatter(logging.Formatter):
    """Formats as Django's and gunicorn's do, with the request's number, then masks."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with `***` for each local part."""
        record.request_number = _number.get()
        return _LOCAL_PART.sub("***", super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line. A fault has its type and places, not its message, which may hold a visitor's words."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with `***` for each local part."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
        }
        if record.name == "gunicorn.access" and isinstance(record.args, dict):
            said |= {name: record.args.get(atom) for name, atom in _ACCESS.items()}
            said["request"] = record.args.get("{x-request-id}o", "-")
        else:
            said |= {"message": record.getMessage(), "request": _number.get()}
        if record.exc_info and record.exc_info[0]:
            frames = traceback.extract_tb(record.exc_info[2])[-_FRAMES:]
            said["fault"] = record.exc_info[0].__name__
            said["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return _LOCAL_PART.sub("***", json.dumps(said, ensure_ascii=False))


def formatter(kind: str, line: str, dates: str | None = None) -> logging.Formatter:
    """The formatter that LOG_FORMAT chooses."""
    return JsonFormatter() if kind == "json" else AddressFreeFormatter(line, dates)
