"""Answers kept in front of Django: only public ones, never across hosts, schemes or domains, and for seconds alone."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application

from guides.models import Provider
from helpdesk import answers
from helpdesk.answers import KeptAnswers
from tests.factories import make_provider

pytestmark = pytest.mark.django_db

PATH = "/mail/config-v1.1.xml"


class Asker:
    """Asks the wrapped application, and counts what reaches Django."""

    def __init__(self, seconds: float = 60) -> None:
        self.reached = 0
        django = get_wsgi_application()

        def counting(environ: Any, start: Any) -> Any:
            self.reached += 1
            return django(environ, start)

        self.application = KeptAnswers(counting, seconds)

    def get(self, path: str = PATH, query: str = "", **more: str) -> tuple[str, dict[str, str], bytes]:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "testserver",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            **more,
        }
        seen: list[Any] = []
        parts = self.application(environ, lambda status, headers, *_: seen.append((status, headers)))  # type: ignore[arg-type,misc,return-value]
        body = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        return seen[0][0], dict(seen[0][1]), body


@pytest.fixture
def asker() -> Asker:
    make_provider()
    make_provider("other", domains=("example.org",))
    return Asker()


def test_the_same_domain_is_answered_once(asker: Asker) -> None:
    first = asker.get(query="emailaddress=anna@example.net")
    again = asker.get(query="emailaddress=berta%2Bx%40example.net")
    assert asker.reached == 1
    assert first[0] == again[0] == "200 OK"
    assert first[2] == again[2]
    assert b"imap.example.net" in first[2]
    assert first[1] | {"Content-Language": ""} == again[1] | {"Content-Language": ""}
    assert "Content-Security-Policy" in again[1]
    assert again[1]["Content-Length"] == str(len(again[2]))


@pytest.mark.parametrize(
    "change",
    [
        {"query": "emailaddress=anna@example.org"},
        {"path": "/.well-known/autoconfig/mail/config-v1.1.xml"},
        {"path": "/v1.1/example.net"},
        {"HTTP_HOST": "localhost"},
        {"wsgi.url_scheme": "https"},
    ],
)
def test_what_an_answer_depends_on_is_told_apart(asker: Asker, change: dict[str, str]) -> None:
    base = {"query": "emailaddress=anna@example.net"}
    asker.get(**base)
    asker.get(**(base | change))
    assert asker.reached == 2


@pytest.mark.parametrize(
    ("path", "query", "more", "status"),
    [
        (PATH, "emailaddress=anna@example.com", {}, "404 Not Found"),
        (PATH, "emailaddress=anna@example.net", {"REQUEST_METHOD": "HEAD"}, "200 OK"),
        (PATH, "emailaddress=anna@example.net", {"REQUEST_METHOD": "POST"}, "405 Method Not Allowed"),
        (PATH, "emailaddress=anna@example.net", {"HTTP_HOST": "evil.example"}, "400 Bad Request"),
        (PATH, "x=" + "y" * 2000 + "&emailaddress=anna@example.net", {}, "200 OK"),
        (PATH, "&".join(["a=1"] * 30) + "&emailaddress=anna@example.net", {}, "200 OK"),
        ("/v1.1/" + "a" * 400, "", {}, "404 Not Found"),
        ("/profile/example.net.mobileconfig", "", {}, "200 OK"),
        ("/livez", "", {}, "200 OK"),
    ],
)
def test_everything_else_reaches_django_each_time(
    asker: Asker, path: str, query: str, more: dict[str, str], status: str
) -> None:
    for _ in range(2):
        assert asker.get(path, query, **more)[0] == status
    assert asker.reached == 2


def test_a_change_is_served_when_the_time_is_over() -> None:
    make_provider()
    asker = Asker(seconds=0)
    assert b"imap.example.net" in asker.get("/v1.1/example.net")[2]
    Provider.objects.get().servers.filter(protocol="imap").update(host="new.example.net")
    assert b"new.example.net" in asker.get("/v1.1/example.net")[2]


def test_strangers_cannot_fill_the_memory(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST", 3)
    Provider.objects.get(slug="other").suffix_rules.create(kind="domain", suffix="example.com")
    for number in range(10):
        assert asker.get(f"/v1.1/n{number}.example.com")[0] == "200 OK"
    assert len(asker.application._kept) <= 3
