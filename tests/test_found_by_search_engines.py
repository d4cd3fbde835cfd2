"""What search engines and messengers read: the sitemap, canonical addresses, languages, descriptions, the picture."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from guides.models import ErrorText
from tests.factories import make_article, make_guide, make_provider

pytestmark = pytest.mark.django_db
STATIC = Path(__file__).parent.parent / "static"
HOST = "http://testserver"
LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
LINK = "{http://www.w3.org/1999/xhtml}link"

INDEXED = (
    "",
    "guides/",
    "guides/thunderbird/",
    "errors/",
    "errors/mailbox-full/",
    "test/",
    "status/",
    "operators/",
    "settings/example.net/",
    "apple/example.net/",
)
NOT_INDEXED = ("search/?q=imap", "report/", "no/such/page/")


@pytest.fixture(autouse=True)
def library() -> None:
    make_provider(domains=("example.net", "longer.example.net"))
    make_guide("thunderbird", languages=("en", "ja"))
    make_article("mailbox-full", languages=("en",))


def head(client: Client, path: str) -> str:
    return client.get(f"/en/{path}").content.decode().split("</head>")[0]


def test_the_sitemap_lists_each_page_in_the_languages_that_it_exists_in(client: Client) -> None:
    response = client.get("/sitemap.xml")
    assert response["Content-Type"].startswith("application/xml")
    pages = {}
    for entry in ET.fromstring(response.content):  # our own answer
        loc = entry.findtext(LOC) or ""
        pages[loc.removeprefix(HOST)] = {link.get("hreflang"): link.get("href") for link in entry.findall(LINK)}
    for path in ("", "guides/", "errors/", "test/", "settings/example.net/"):
        for language in ("ja", "en", "ru"):
            assert pages[f"/{language}/{path}"]["ru"] == f"{HOST}/ru/{path}"
    assert set(pages["/ja/guides/thunderbird/"]) == {"en", "ja"}
    assert "/ru/guides/thunderbird/" not in pages
    assert set(pages["/en/errors/mailbox-full/"]) == {"en"}
    assert not any("longer.example.net" in path for path in pages)  # the same settings once
    assert all(client.get(path).status_code == 200 for path in pages)
    assert f"Sitemap: {HOST}/sitemap.xml" in client.get("/robots.txt").content.decode()


def test_a_draft_is_not_in_the_sitemap(client: Client) -> None:
    ErrorText.objects.all().delete()
    assert b"mailbox-full" not in client.get("/sitemap.xml").content


@pytest.mark.parametrize("path", INDEXED)
def test_a_page_has_one_address_its_languages_a_description_and_a_picture(client: Client, path: str) -> None:
    html = head(client, path)
    assert f'<link rel="canonical" href="{HOST}/en/{path}">' in html
    assert f'hreflang="en" href="{HOST}/en/{path}"' in html
    (description,) = re.findall(r'<meta name="description" content="([^"]+)">', html)
    assert len(description) <= 170
    assert f'<meta property="og:image" content="{HOST}/static/img/share.png"' in html
    assert "noindex" not in html


def test_a_tailored_page_names_the_general_one(client: Client) -> None:
    html = head(client, "guides/thunderbird/?at=example.net&protocol=pop3")
    assert f'<link rel="canonical" href="{HOST}/en/guides/thunderbird/">' in html


@pytest.mark.parametrize("path", NOT_INDEXED)
def test_what_is_no_page_of_its_own_is_not_indexed(client: Client, path: str) -> None:
    html = head(client, path)
    assert '<meta name="robots" content="noindex">' in html
    assert "canonical" not in html


def test_a_page_that_does_not_exist_offers_the_search(client: Client) -> None:
    html = client.get("/ru/no/such/page/").content.decode()
    assert html.count('name="q"') == 1
    assert 'action="/ru/search/"' in html


@pytest.mark.parametrize(("name", "size"), [("icon-180.png", 180), ("icon-192.png", 192), ("share.png", 1200)])
def test_pictures_have_the_size_that_is_said(name: str, size: int) -> None:
    content = (STATIC / "img" / name).read_bytes()
    assert int.from_bytes(content[16:20]) == size  # PNG (RFC 2083, section 4.1.1): the width in IHDR
    assert len(content) <= 40_000
