"""The home page, the ways in, and what every reader's page has in common."""

import gzip
from pathlib import Path

import pytest
from django.test import Client

from tests.factories import make_client, make_guide, make_provider

pytestmark = pytest.mark.django_db
STATIC = Path(__file__).parent.parent / "static"


@pytest.fixture
def shelf() -> None:
    make_provider()
    make_guide("thunderbird", client=make_client("thunderbird"), languages=("en", "ja"))


@pytest.mark.parametrize("language", ["ja", "en", "ru"])
def test_it_works(client: Client, shelf: None, language: str) -> None:
    response = client.get(f"/{language}/")
    assert response.status_code == 200
    html = response.content.decode()
    assert f'<html lang="{language}">' in html
    assert 'name="address"' in html
    assert f'href="/{language}/guides/thunderbird/"' in html


@pytest.mark.parametrize(
    ("accepted", "expected"), [("ja,en;q=0.5", "/ja/"), ("ru-RU", "/ru/"), ("de", "/en/"), ("", "/en/"), ("*", "/en/")]
)
def test_root_sends_on_by_accept_language(client: Client, accepted: str, expected: str) -> None:
    response = client.get("/", headers={"accept-language": accepted})
    assert response.status_code == 302
    assert response["Location"] == expected
    assert "Accept-Language" in response["Vary"]


def test_short_link_goes_to_the_guide_in_the_browsers_language(client: Client, shelf: None) -> None:
    response = client.get("/go/thunderbird/", headers={"accept-language": "ru"})
    assert response["Location"] == "/ru/guides/thunderbird/"
    assert client.get("/go/nothing/").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["", "guides/", "guides/thunderbird/?at=example.net", "errors/", "test/", "search/?q=a", "settings/example.net/"],
)
def test_a_readers_visit_sets_no_cookie(client: Client, shelf: None, path: str) -> None:
    response = client.get(f"/en/{path}")
    assert response.status_code == 200
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


@pytest.mark.parametrize("path", ["", "guides/", "guides/thunderbird/", "test/", "nothing/"])
def test_no_inline_script_or_style(client: Client, shelf: None, path: str) -> None:
    html = client.get(f"/en/{path}").content.decode()
    assert "<style" not in html
    assert " style=" not in html
    assert "hx-on" not in html
    assert html.count("<script ") == html.count('integrity="sha384-') >= 3


def test_language_menu_keeps_the_page(client: Client, shelf: None) -> None:
    html = client.get("/en/guides/thunderbird/?at=example.net&protocol=pop3").content.decode()
    assert 'href="/ja/guides/thunderbird/?at=example.net&amp;protocol=pop3"' in html
    assert 'href="/ru/guides/thunderbird/' not in html  # the menu lists only what exists


def test_unknown_pages_say_so_in_the_readers_language(client: Client) -> None:
    response = client.get("/en/no/such/page/")
    assert response.status_code == 404
    assert "This page does not exist" in response.content.decode()


def test_a_broken_view_gives_a_page_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("guides.views.pages.home_context", broken)
    client.raise_request_exception = False
    response = client.get("/en/")
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
    assert response["Content-Security-Policy"].startswith("default-src 'none'")


def test_the_style_sheet_is_small() -> None:
    css = (STATIC / "css" / "site.css").read_bytes()
    assert len(gzip.compress(css, 9)) <= 10 * 1024


def test_fragment_for_htmx_and_whole_page_otherwise(client: Client, shelf: None) -> None:
    whole = client.post("/en/settings/", {"address": "anna@example.net"})
    part = client.post(
        "/en/settings/", {"address": "anna@example.net"}, headers={"hx-request": "true", "hx-request-type": "partial"}
    )
    assert b"<!doctype html>" in whole.content
    assert b"<!doctype html>" not in part.content
    assert part.content.lstrip().startswith(b"<title>")
    assert b"imap.example.net" in whole.content
    assert b"imap.example.net" in part.content
    assert "HX-Request" in part["Vary"]
