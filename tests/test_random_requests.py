"""No request ends in a fault of ours, whatever Unicode stands in its path, query, form, body and headers.

`REQUESTS=50000 SEED=…` sends as many as `make fuzz` does; a seed makes the same requests again.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from guides.mail.accounts import PasswordKind, UsernameForm
from helpdesk.wsgi import application
from tests import random_requests
from tests.factories import make_article, make_client, make_guide, make_notice, make_pattern, make_provider
from tests.random_requests import RandomRequest

pytestmark = pytest.mark.django_db

REQUESTS = int(os.environ.get("REQUESTS", "5000"))
SEED = int(os.environ.get("SEED", "0"))
MOST_SHOWN = 10


@pytest.fixture(autouse=True)
def library(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # staff's sign-in is asked often
    make_notice(make_provider(is_own=True, domains=("example.net", "xn--e1afmkfd.xn--p1ai")))
    make_provider("oauth", domains=("oauth.example",), password=PasswordKind.OAUTH2)
    make_provider("number", domains=("number.example",), username=UsernameForm.OTHER, password_pattern="^[a-z]{16}$")
    make_guide(client=make_client(versions=("new", "old"), reads_profile=True), languages=random_requests.LANGUAGES)
    make_pattern(make_article(classes=("mbox.overquota",), languages=("en", "ja")))


class _Errors(logging.Handler):
    """What the portal itself calls an error of its own, a stream's included: its status is sent before it breaks."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def errors_logged() -> Iterator[list[str]]:
    handler = _Errors()
    loggers = [logging.getLogger(name) for name in ("", "guides", "helpdesk", "django")]
    loggers = [logger for logger in loggers if not logger.name or not logger.propagate]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def fault_of(request: RandomRequest, statuses: Counter[int]) -> str:
    """What is wrong with the portal's answer; "" when nothing is. 503 is an answer where it says when to come back."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    with errors_logged() as lines:
        try:
            answer = application(request.environ(), lambda *start: started.append(start))  # type: ignore[arg-type]
            b"".join(answer)
            getattr(answer, "close", lambda: None)()
        except Exception:  # each request counts
            return traceback.format_exc(limit=-6)
    ((line, headers),) = started
    status = int(line[:3])
    statuses[status] += 1
    if status == 503 and "Retry-After" in dict(headers):
        return ""
    return f"{line} {' '.join(lines)}" if status >= 500 or lines else ""


@pytest.mark.long
def test_no_request_ends_in_a_fault_of_ours() -> None:
    statuses: Counter[int] = Counter()
    faults: dict[str, str] = {}  # the end of a traceback -> the first request that led there
    for number in range(REQUESTS):
        if number % 200 == 0:
            cache.clear()  # rate limits of mailboxes and of the process would answer for the forms
        request = random_requests.make(SEED * 1_000_000 + number)
        if fault := fault_of(request, statuses):
            faults.setdefault(fault[-200:], f"SEED {SEED} number {number}: {request}\n{fault}")
    assert not faults, f"{len(faults)} faults:\n" + "\n\n".join(list(faults.values())[:MOST_SHOWN])
    assert all(statuses[status] > REQUESTS // 50 for status in (200, 302, 404, 422)), statuses  # the pages are reached
