"""Proxies, security headers and the origin of POSTs."""

import ipaddress
import os
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from pytest_django.fixtures import Settings

from helpdesk import proxies
from helpdesk.proxies import trusted_proxy

PROXY = (ipaddress.ip_network("10.0.0.0/8"),)


def seen_address(remote: str, forwarded: str | None) -> str:
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded is not None else {}
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    trusted_proxy(view)(RequestFactory().get("/", REMOTE_ADDR=remote, **headers))
    return seen[0]


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not from a proxy: the header is the visitor's invention
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),  # only the last hop was written by the proxy
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "8.8.8.8:4444", "8.8.8.8"),  # Azure, IIS
        ("10.0.0.1", "[2001:db8::7]:4444", "2001:db8::7"),
        ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        ("10.0.0.1", "::ffff:198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),  # a socket for both families
        ("::ffff:203.0.113.9", None, "203.0.113.9"),
        ("10.0.0.1", "192.0.2.66, 8.8.8.8:port", "10.0.0.1"),
        ("", "198.51.100.1", ""),  # a Unix socket
    ],
)
def test_visitor_address_comes_from_the_trusted_hop_only(remote: str, forwarded: str | None, expected: str) -> None:
    with override_settings(TRUSTED_PROXIES=PROXY):
        assert seen_address(remote, forwarded) == expected


@pytest.fixture
def no_proxy_noted(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(proxies, "_noted", {})


@pytest.mark.usefixtures("no_proxy_noted")
def test_a_proxy_that_is_not_named_is_told_of_once(caplog: pytest.LogCaptureFixture, settings: Settings) -> None:
    for _ in range(3):
        seen_address("10.0.0.1", "198.51.100.1")
    seen_address("10.0.0.2", None)  # a visitor of the same network, without a proxy
    seen_address("8.8.8.8", "198.51.100.1")  # a visitor's invention
    assert [record.args for record in caplog.records] == [("10.0.0.1",)]
    assert [message.id for message in proxies.check(None)] == ["helpdesk.W001"]
    assert "10.0.0.1" in proxies.check(None)[0].msg
    settings.TRUSTED_PROXIES = PROXY
    assert proxies.check(None) == []


@pytest.mark.usefixtures("no_proxy_noted")
def test_what_was_seen_long_ago_is_no_proxy(tmp_path: Path) -> None:
    seen_address("::1", "198.51.100.1")
    assert proxies.unnamed() == ["::1"]
    os.utime(tmp_path / "unnamed-proxies" / "::1", (0, 0))
    assert proxies.unnamed() == []


@pytest.mark.usefixtures("no_proxy_noted")
def test_deployment_check_and_admin_name_the_proxy(admin_client: Client) -> None:
    assert b"TRUSTED_PROXIES" not in admin_client.get("/admin/").content
    seen_address("10.0.0.1", "198.51.100.1")
    assert b"10.0.0.1" in admin_client.get("/admin/").content
    assert "helpdesk.W001" in [message.id for message in run_checks(include_deployment_checks=True)]
    assert "helpdesk.W001" not in [message.id for message in run_checks()]


def test_every_answer_carries_the_whole_policy(client: Client) -> None:
    for path in ("/livez", "/static/missing.css", "/no/such/page/"):
        response = client.get(path)
        assert response.headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
        )
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in response.headers["Permissions-Policy"]


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": "http://testserver"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "http://testserver"}, False),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://["}, True),  # no URL at all
    ],
)
@pytest.mark.django_db
def test_posts_from_other_sites_are_refused(client: Client, headers: dict[str, str], refused: bool) -> None:
    response = client.post("/en/settings/", {"address": "anna"}, headers=headers)
    assert response.status_code == (403 if refused else 422)
