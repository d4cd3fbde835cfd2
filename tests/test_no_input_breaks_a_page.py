"""Whatever is typed, pasted or put into a URL: a page comes, with words at the field, and never a fault of ours."""

from __future__ import annotations

from itertools import product
from urllib.parse import quote

import pytest
from django.test import Client

from tests.factories import make_article, make_guide, make_provider
from tests.tables import each_row

pytestmark = pytest.mark.django_db

NASTY = {
    "empty": "",
    "blank": "   ",
    "no at": "anna",
    "two ats": "anna@b@example.net",
    "spaces": "an na@example.net",
    "IP literal": "anna@[127.0.0.1]",
    "IPv6 literal": "anna@[IPv6:::1]",
    "number": "anna@127.0.0.1",
    "bad A-label": "anna@xn--a.ru",
    "long": "a" * 400 + "@example.net",
    "long domain": "anna@" + "a." * 200 + "net",
    "emoji": "💌@💌.💌",
    "path": "../../etc/passwd",
    "NUL": "anna\0@example.net",
    "line ends": "anna@example.net\r\nBcc: everybody@example.net",
    "script": "</script><script>alert(1)</script>@example.net",
    "template": "{{ 7|add:7 }}{% load x %}@example.net",
    "format": "%s%n{0.__class__}@example.net",
    "bidi": "anna@example\u202egro.",
    "surrogate": "anna\\ud800@example.net",
    "quotes": "'\"`;--@example.net",
    "combining": "a" + "\u0301" * 300,
    "ideographic full stop": "anna@example.net。",
    "half-width full stop": "anna@example.net｡",
    "display name": "Anna <anna@example.net>",
    "mailto": "mailto:anna@example.net",
    "zero width": "anna@example\u200b.net",
    "unsorted marks": "a" + "\u0301\u0316" * 1000,
    "full width": "ａｎｎａ＠ｅｘａｍｐｌｅ．ｎｅｔ",
}
# Braces and per cent signs may stand before the @ (RFC 5322); the others are what people type and paste.
READ = frozenset(
    {"format", "full width", "ideographic full stop", "half-width full stop", "display name", "mailto", "zero width"}
)
PORTS = ("0", "70000", "imap", "-1", "993.5", "1e3", "\0")
HOSTS = (
    "127.0.0.1",
    "①②⑦.⓪.⓪.①",
    "0x7f.1",
    "127。0。0。1",
    "localhost",
    "imap.local",
    "user@imap.example.net",
    "https://imap.example.net/",
    "imap.example.net:993",
    "[::1]",
    "a" * 300,
    "im ap.example.net",
    "-.example.net",
)


@pytest.fixture
def shelf() -> None:
    make_provider()
    make_guide(languages=("en", "ja", "ru"))
    make_article(classes=("mbox.overquota",))


@pytest.mark.usefixtures("shelf")
@each_row(("name", "language"), product(NASTY, ["ja", "en", "ru"]))
def test_urls(client: Client, language: str, name: str) -> None:
    text = quote(NASTY[name], safe="")
    for url, expected in (
        (f"/{language}/guides/thunderbird/?at={text}&version={text}&protocol={text}", {200, 302, 422}),
        (f"/{language}/guides/?at={text}", {200, 302}),
        (f"/{language}/errors/mailbox-full/?at={text}", {200, 302, 422}),
        (f"/{language}/search/?q={text}", {200, 302}),  # an address is sent on to its domain alone
        (f"/{language}/test/?at={text}&imap_host={text}&imap_port={text}", {200, 302}),
        (f"/{language}/settings/{text}/", {200, 301, 302, 404, 405, 422}),
        (f"/{language}/guides/{text}/", {301, 302, 404, 200, 405}),
        (f"/go/{text}/", {301, 302, 404}),
    ):
        response = client.get(url)
        assert response.status_code in expected, url
        assert b"<script>alert" not in response.content


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("name", NASTY)
def test_an_address_that_is_none(client: Client, name: str) -> None:
    for url in ("/en/settings/", "/en/guides/thunderbird/"):
        response = client.post(url, {"address": NASTY[name]})
        assert response.status_code == (200 if name in READ else 422), url
        if response.status_code == 422:
            assert 'id="id_address_error"' in response.content.decode()
        assert b"<script>alert" not in response.content


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("port", PORTS)
def test_a_port_that_is_none(client: Client, port: str) -> None:
    form = {"address": "anna@example.net", "password": "s3cret-canary", "imap_host": "imap.example.net"}
    response = client.post("/en/test/", form | {"imap_port": port})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'id="id_imap_port_error"' in page
    assert "imap.example.net" in page
    assert "s3cret-canary" not in page


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_none(client: Client, host: str) -> None:
    form = {"address": "anna@example.net", "password": "s3cret-canary", "smtp_host": host}
    response = client.post("/en/test/", form)
    page = response.content.decode()
    assert response.status_code == 422
    assert 'id="id_smtp_host_error"' in page
    assert "s3cret-canary" not in page
