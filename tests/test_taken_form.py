"""The middleware that stands first: it empties a test's request, and ends a test whose answer is lost on its way out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.test import Client, RequestFactory, override_settings

from guides.taken_form import take_test_form, taken_form
from guides.views import connection_test, result_stream
from tests.factories import make_provider
from tests.test_page_connection import PASSWORD, Script, script, submit

__all__ = ["script"]

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def test_it_stands_first() -> None:
    assert settings.MIDDLEWARE[0] == f"{take_test_form.__module__}.{take_test_form.__name__}"


@pytest.mark.parametrize("is_form", [True, False])
def test_a_tests_form_is_taken_out_of_its_request(rf: RequestFactory, is_form: bool) -> None:
    data = {"address": "anna@example.net", "password": PASSWORD}
    request = rf.post("/en/test/", urlencode(data) if is_form else data, **({"content_type": FORM} if is_form else {}))  # type: ignore[arg-type]
    take_test_form(lambda request: HttpResponse())(request)
    assert (request.POST, request.FILES, request.body, request.read()) == ({}, {}, b"", b"")
    taken = taken_form(request)
    assert taken.fields.dict() == {"address": "anna@example.net"}
    assert taken.secret is not None
    assert taken.secret.utf8() == PASSWORD.encode()
    assert "anna" not in repr(taken)


@pytest.mark.parametrize("replaced_by", [None, HttpResponse, lambda: StreamingHttpResponse([b"another"])])
def test_a_test_whose_answer_is_lost_on_its_way_out_ends_at_once(
    script: Script,
    rf: RequestFactory,
    monkeypatch: pytest.MonkeyPatch,
    replaced_by: Callable[[], HttpResponseBase] | None,
) -> None:
    """As a middleware loses it that replaces the answer (None: that leaves it alone)."""
    make_provider()
    started, ended = threading.Event(), threading.Event()

    async def silent(*_: object, **__: object) -> AsyncIterator[object]:
        started.set()
        try:
            await asyncio.sleep(60)
            yield None
        finally:
            ended.set()

    def outside(request: HttpRequest) -> HttpResponseBase:
        response = connection_test.page(request)
        assert started.wait(20)
        return response if replaced_by is None else replaced_by()

    monkeypatch.setattr(result_stream, "run_test", silent)
    request = rf.post("/en/test/", {"address": "anna@example.net", "password": PASSWORD})
    request.htmx = True  # type: ignore[attr-defined]
    response = take_test_form(outside)(request)
    assert ended.is_set() == (replaced_by is not None)
    response.close()


def test_a_middleware_that_fails_after_the_view_ends_the_test(
    client: Client, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_provider()
    client.raise_request_exception = False
    with override_settings(LIMIT_TESTS_PER_PROCESS=1):
        with monkeypatch.context() as patched:
            patched.setattr(XFrameOptionsMiddleware, "process_response", "not callable")
            assert submit(client)[0] == 500
        assert submit(client)[0] == 200  # its permit is free
