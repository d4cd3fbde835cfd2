"""Requests that cannot be read: too large, too many fields, damaged, in odd charsets. Answered in words, never with a 500."""

from __future__ import annotations

import time

import pytest
from django.test import Client, RequestFactory, override_settings

from helpdesk.wsgi import application
from tests.factories import make_guide, make_provider

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
CANARY = "s3cret-canary"
FORMS = (
    "/en/settings/",
    "/en/guides/thunderbird/",
    "/en/errors/find/",
    "/en/test/",
    "/en/report/",
    "/profile/example.net.mobileconfig",
)
# Those that use their fields whatever else is sent along.
READING_FORMS = tuple(url for url in FORMS if url != "/en/errors/find/")


@pytest.fixture(autouse=True)
def library() -> None:
    make_provider()
    make_guide(languages=("en", "ja", "ru"))


@pytest.mark.parametrize("url", READING_FORMS)
def test_a_form_that_is_too_large_is_refused_in_words(client: Client, url: str) -> None:
    body = f"password={CANARY}&address=" + "a" * 1_200_000
    response = client.post(url, body, content_type=FORM)
    page = response.content.decode()
    assert response.status_code == 413
    assert "at most 1 MB" in page
    assert CANARY not in page


@pytest.mark.parametrize("url", FORMS)
def test_a_form_with_too_many_fields_is_refused_in_words(client: Client, url: str) -> None:
    body = f"password={CANARY}" + "&a=1" * 20_000
    response = client.post(url, body, content_type=FORM)
    page = response.content.decode()
    assert response.status_code == 400
    assert "too many fields" in page
    assert CANARY not in page


@pytest.mark.parametrize("url", FORMS)
def test_a_damaged_form_is_refused_in_words(client: Client, url: str) -> None:
    response = client.post(url, b"x", content_type="multipart/form-data; boundary=")
    assert response.status_code == 400
    assert "could not read" in response.content.decode()


def test_too_many_fields_in_a_url(client: Client) -> None:
    for url in ("/en/search/", "/en/test/", "/en/guides/", "/ja/settings/example.net/"):
        assert client.get(url + "?" + "a&" * 2500).status_code in (200, 400)


@pytest.mark.parametrize("host", ["testserver", "stranger.example"])
@pytest.mark.parametrize("path", ["/en/test/", "/en/test"])
@override_settings(DEBUG=True)
def test_the_debug_page_of_a_refused_test_shows_no_password(client: Client, path: str, host: str) -> None:
    client.raise_request_exception = False
    body = f"password={CANARY}" + "&a=1" * 3000
    response = client.post(path, body, content_type=FORM, headers={"host": host})
    assert response.status_code in (400, 500)
    assert "Traceback" in response.content.decode()
    assert CANARY not in response.content.decode()


def test_the_words_are_in_the_language_of_the_page_and_fit_into_it(client: Client) -> None:
    body = "address=" + "a" * 1_200_000
    page = client.post("/ja/settings/", body, content_type=FORM)
    assert "1 MB" in page.content.decode()
    assert 'lang="ja"' in page.content.decode()
    part = client.post(
        "/ru/settings/", body, content_type=FORM, headers={"HX-Request": "true", "HX-Request-Type": "partial"}
    )
    assert "1 МБ" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert part["HX-Retarget"] == "#main"


def status_of(url: str, body: bytes, content_type: str) -> int:
    """What the portal's own WSGI application answers to a POST."""
    environ = RequestFactory().generic("POST", url, body, "text/plain").environ
    environ["CONTENT_TYPE"] = content_type
    statuses: list[str] = []
    list(application(environ, lambda status, headers: statuses.append(status)))
    return int(statuses[0][:3])


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "utf-16", "hex", "no-such"])
def test_the_charset_of_a_form_is_not_the_senders_choice(client: Client, charset: str) -> None:
    client.post("/en/errors/find/", {"text": "warm up: the rules are compiled once"})
    part = 'Content-Disposition: form-data; name="text"\r\n\r\n' + "550 5.1.1 user unknown " * 20_000
    body = f"--x\r\n{part}\r\n--x--\r\n".encode()
    began = time.process_time()
    assert status_of("/en/errors/find/", body, f"multipart/form-data; boundary=x; charset={charset}") == 200
    assert time.process_time() - began < 1
    form = b"address=anna%40example.net"
    assert status_of("/en/settings/", form, f"{FORM}; charset={charset}") == 200
    assert (
        status_of("/en/settings/?page=1", form, f"{FORM}; charset={charset}") == 200
    )  # the query is read first of all


@pytest.mark.parametrize(
    "header",
    [
        "form-data; name*=no-such''text",
        "form-data; name*=punycode''text",
        "form-data; name*=utf-8''%ff",
        "form-data; name*0=te; name*1*=%ff",
        "form-data; name=text; filename*=no-such''a.txt",
    ],
)
def test_a_part_with_an_odd_header_is_no_fault_of_the_portal(client: Client, header: str) -> None:
    body = f"--x\r\nContent-Disposition: {header}\r\n\r\nuser unknown\r\n--x--\r\n".encode()
    response = client.post("/en/errors/find/", body, content_type="multipart/form-data; boundary=x")
    assert response.status_code in (200, 400, 422)


@pytest.mark.parametrize(
    "parameter", ["charset*=no-such''x", "charset*=utf-8''%ff", "boundary*=no-such''x", "charset*=''"]
)
def test_an_odd_content_type_is_no_fault_of_the_portal(parameter: str) -> None:
    body = b"--x--\r\n"
    assert status_of("/en/errors/find/", body, f"multipart/form-data; boundary=x; {parameter}") in (200, 400, 422)
