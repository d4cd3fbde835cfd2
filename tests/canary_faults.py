"""Breaks the portal on request, for tests/test_canary.py: a middleware, and the settings of a portal that writes
down all it can.

The header `X-Fault: package.module:Name.attribute` makes that function raise for this request and those that follow,
until another header comes. The exception holds all arguments that the function was given, so that a handler that prints it,
or the variables of the frames below it, prints what was in them. `X-Fault: before Name` and `X-Fault: after Name` raise
directly behind a middleware, on the way to the view or back from it.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.http import HttpRequest, HttpResponseBase

from guides.mail.secret import Secret

logger = logging.getLogger(__name__)

TELL = "tell"  # the control: the password is written to the log
BEHIND = "behind_"


class ForcedFaultError(Exception):
    """The fault that a test asked for."""


def break_by_header(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The middleware."""
    broken: list[Any] = []

    def middleware(request: HttpRequest) -> HttpResponseBase:
        place = request.headers.get("X-Fault", "")
        while broken:
            broken.pop().stop()
        if ":" in place or place == TELL:
            broken.append(break_at(place))
        return get_response(request)

    return middleware


def __getattr__(name: str) -> Callable[..., Any]:
    """`behind_<name>`: a middleware that stands directly behind that one and raises on request."""
    if not name.startswith(BEHIND):
        raise AttributeError(name)

    def behind(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        def middleware(request: HttpRequest) -> HttpResponseBase:
            place = request.headers.get("X-Fault", "")
            response = None if place == name.replace(BEHIND, "before ", 1) else get_response(request)
            if response is None or place == name.replace(BEHIND, "after ", 1):
                logger.info("forced fault at %s", place)
                raise ForcedFaultError(place, request, response)
            return response

        return middleware

    return behind


def break_at(place: str) -> Any:
    """Make a function raise; returns the started patch."""
    if place == TELL:
        patched = patch.object(Secret, "utf8", _telling(Secret.utf8))
        patched.start()
        return patched
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = owner.__dict__[name]

    def fail(*arguments: Any, **options: Any) -> Any:
        everything = [*arguments, *options.values()]
        logger.info("forced fault at %s", place)
        raise ForcedFaultError(everything)

    replacement: Any = fail
    if isinstance(original, classmethod):
        replacement = classmethod(fail)
    elif isinstance(original, staticmethod):
        replacement = staticmethod(fail)
    patched = patch.object(owner, name, replacement)
    patched.start()
    return patched


def _telling(utf8: Callable[[Secret], bytes]) -> Callable[[Secret], bytes]:
    def told(secret: Secret) -> bytes:
        logger.warning("the password is %s", utf8(secret).decode())
        return utf8(secret)

    return told


def loud(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings on top of the portal's: error mails as text and as HTML, a cache and mails that can be read from files."""
    folder = Path(os.environ["DATA_DIR"])
    mail = {"class": "django.utils.log.AdminEmailHandler", "level": "ERROR"}
    handlers = {
        "loud": {"class": "logging.StreamHandler", "level": "DEBUG"},
        "text_mail": mail | {"include_html": False},
        "html_mail": mail | {"include_html": True},
    }
    loggers = {
        name: {"level": "DEBUG", "handlers": list(handlers), "propagate": False}
        for name in ("django", "django.request", "guides", "helpdesk", "asyncio", "tests", "gunicorn")
    }
    return {
        "ADMINS": [("Admin", "admin@example.net")],
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(folder / "mail"),
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": str(folder / "cache"),
            },
            "pages": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": str(folder / "cache"),
                "KEY_PREFIX": "pages",
            },
        },
        "MIDDLEWARE": [
            f"{__name__}.break_by_header",
            *(
                one
                for name in settings["MIDDLEWARE"]
                for one in (name, f"{__name__}.{BEHIND}{name.rpartition('.')[2]}")
            ),
        ],
        "LOGGING": {"version": 1, "disable_existing_loggers": False, "handlers": handlers, "loggers": loggers},
    }
