"""Readers' pages from the cache: what is kept, for whom, and until when."""

from __future__ import annotations

import gzip

import pytest
from django.core.cache import cache, caches
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from guides.limits import outages
from guides.limits.outages import ServerName
from guides.mail.accounts import Account, Protocol, Security, Server, UsernameForm
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.merge import merge
from guides.models import ErrorText, Guide, ProviderServer
from guides.services import discovering
from guides.views import lists
from tests.factories import make_article, make_client, make_guide, make_provider

pytestmark = pytest.mark.django_db

PAGES = (
    "/en/",
    "/en/guides/",
    "/en/guides/outlook/",
    "/en/guides/outlook/?at=example.net",
    "/en/errors/",
    "/en/errors/?symptom=other",
    "/en/errors/full/",
    "/en/errors/full/?at=example.net",
    "/en/settings/example.net/",
    "/en/apple/example.net/",
    "/openapi.json",
)


@pytest.fixture(autouse=True)
def library() -> None:
    make_provider()
    make_guide("outlook", client=make_client("outlook"))
    make_article("full")


@pytest.mark.parametrize("url", PAGES)
def test_a_page_is_made_once(url: str, client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    made = client.get(url)
    with django_assert_num_queries(1):  # the version of the library
        kept = client.get(url)
    assert made.status_code == kept.status_code == 200
    assert kept.content == made.content
    assert kept.headers.pop("X-Request-ID") != made.headers.pop("X-Request-ID")
    assert dict(kept.items()) == dict(made.items())
    assert not kept.cookies
    assert "max-age" not in kept["Cache-Control"] or url == "/openapi.json"


@pytest.mark.parametrize("url", PAGES)
def test_a_browser_that_has_the_page_is_told_that_it_still_holds(url: str, client: Client) -> None:
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        page = client.get(url, headers=headers)
        again = client.get(url, headers={**headers, "If-None-Match": page["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == page["ETag"]
        assert again["Cache-Control"] == page["Cache-Control"]
    ErrorText.objects.get().save()  # another version with the same words
    assert client.get(url, headers={"If-None-Match": page["ETag"]}).status_code == 304


@pytest.mark.parametrize("url", PAGES)
def test_whoever_takes_compressed_pages_gets_them_and_others_do_not(url: str, client: Client) -> None:
    for _ in range(2):
        compressed, plain = client.get(url, headers={"Accept-Encoding": "br, gzip"}), client.get(url)
        assert compressed["Content-Encoding"] == "gzip"
        assert gzip.decompress(compressed.content) == plain.content
        assert "Content-Encoding" not in plain
        assert "Accept-Encoding" in plain["Vary"]


def test_a_save_and_a_deletion_show_on_the_next_request(client: Client) -> None:
    seen = []
    text = ErrorText.objects.get()
    for title in ("First", "Second"):
        text.title = title
        text.save()
        seen.append([title in client.get(url).content.decode() for url in ("/en/", "/en/errors/", "/en/errors/full/")])
    assert seen == [[True] * 3] * 2
    text.delete()
    assert client.get("/en/errors/full/").status_code == 404
    assert "Second" not in client.get("/en/errors/").content.decode()
    assert "imap.example.net" in client.get("/en/settings/example.net/").content.decode()
    row = ProviderServer.objects.get(protocol="imap")
    row.host = "new.example.net"
    row.save()
    for url in ("/en/settings/example.net/", "/en/guides/outlook/?at=example.net", "/v1.1/example.net"):
        assert "new.example.net" in client.get(url).content.decode()
    row.provider.delete()
    assert client.get("/v1.1/example.net").status_code == 404


def test_a_fragment_is_no_page(client: Client) -> None:
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    for _ in range(2):
        assert "<html" in client.get("/en/guides/outlook/").content.decode()
        assert "<html" not in client.get("/en/guides/outlook/", headers=part).content.decode()
    split_elsewhere = {"HX-Request": "truepartia", "HX-Request-Type": "l"}
    assert "<html" in client.get("/en/guides/outlook/", headers=split_elsewhere).content.decode()
    assert "<html" not in client.get("/en/guides/outlook/", headers=part).content.decode()


def test_languages_hosts_and_questions_have_pages_of_their_own(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["a.example", "b.example"]
    seen = {
        client.get(f"/{language}/settings/example.net/{query}", headers={"host": host}).content
        for language in ("en", "ja", "ru")
        for host in ("a.example", "b.example")
        for query in ("", "?imap_host=imap.example.net&imap_port=993&imap_security=tls")
    }
    assert len(seen) == 12


def test_head_is_answered_from_the_page_and_leaves_none(client: Client) -> None:
    assert client.head("/en/errors/").status_code == 200
    assert not pages_kept()
    etag = client.get("/en/errors/")["ETag"]
    assert client.head("/en/errors/")["ETag"] == etag


def test_what_holds_an_address_is_kept_nowhere(client: Client) -> None:
    for url in ("/en/settings/", "/en/guides/outlook/"):
        page = client.post(url, {"address": "anna@example.net"}, headers={"Accept-Encoding": "gzip"})
        assert page["Cache-Control"] == "no-store"
        assert "Content-Encoding" not in page
        assert "ETag" not in page
    client.get("/mail/config-v1.1.xml?emailaddress=anna@example.net")
    client.get("/en/guides/outlook/?at=anna@example.net")
    client.get("/en/search/?q=my+words")
    assert not pages_kept()


def test_errors_and_redirects_are_not_kept(client: Client) -> None:
    for url in ("/en/guides/nothing/", "/en/errors/nothing/", "/en/guides/outlook/?at=..", "/en/settings/EXAMPLE.net/"):
        assert client.get(url).status_code in (302, 404, 422)
    assert not pages_kept()


def test_what_was_found_elsewhere_is_not_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A domain that the table does not know: what is said of it is known for as long as the search's result is."""
    server = Server(Protocol.IMAP, "imap.other.example", 993, Security.TLS, UsernameForm.ADDRESS)
    finding = Finding(ConfigSource.AUTOCONFIG, Account("other.example", servers=(server,)), Trust.HIGH)
    discovery = merge("other.example", [finding])
    monkeypatch.setattr(discovering, "kept", lambda domain: discovery if domain == "other.example" else None)
    for url in ("/en/settings/other.example/", "/en/guides/outlook/?at=other.example", "/en/errors/full/?at=x.example"):
        page = client.get(url)
        assert page.status_code == 200
        assert "private" in page["Cache-Control"]
    assert not pages_kept()


def test_an_outage_shows_on_the_front_page_and_goes(client: Client) -> None:
    def failing() -> bool:
        caches["pages"].delete("outages")  # asked for every few seconds
        return "Not your fault" in client.get("/en/").content.decode()

    server = ServerName("imap.example.net", 993, Security.TLS)
    assert not failing()
    for visitor in "abc":
        outages.record_outcome(server, visitor, "tcp.timeout")
    assert failing()
    outages.record_outcome(server, "d", None)
    assert not failing()


def test_with_redis_pages_stay_in_the_process(client: Client, settings: Settings) -> None:
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "default": redis}  # nothing listens there
    for url in PAGES:
        assert client.get(url).status_code == 200
    assert pages_kept() == len(PAGES)


def test_strangers_cannot_fill_the_memory_nor_push_limits_out(client: Client) -> None:
    cache.set("limit", 1)
    for number in range(600):
        client.get(f"/en/errors/full/?x={number}")
    assert pages_kept() <= 500
    assert cache.get("limit") == 1


def test_a_long_list_has_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_ON_A_SHELF", 2)
    monkeypatch.setattr(lists, "PAGE_SIZE", 3)
    for number in range(7):
        make_article(f"a{number}", position=number)
    html = client.get("/en/errors/").content.decode()
    assert html.count('href="/en/errors/a') == 2
    assert 'href="?symptom=other"' in html
    pages = [client.get(f"/en/errors/?symptom=other&page={page}").content.decode() for page in ("1", "2", "3", "99")]
    assert [html.count('<a href="/en/errors/a') + html.count('<a href="/en/errors/full') for html in pages] == [
        3,
        3,
        2,
        2,
    ]
    assert "Page 1 of 3" in pages[0]
    assert 'rel="next" href="?symptom=other&amp;page=2"' in pages[0]
    assert 'rel="prev"' not in pages[0]
    assert 'rel="next"' not in pages[2]
    for number in range(3):
        make_guide(f"topic{number}", topic=True)
    assert Guide.objects.count() == 4
    assert "Page 2 of 2" in client.get("/en/guides/?page=2").content.decode()


def test_lists_read_no_bodies_and_few_rows(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for url in PAGES:
        caches["pages"].clear()
        with django_assert_max_num_queries(12) as asked:
            client.get(url)
        lists_of = [query["sql"] for query in asked.captured_queries if '"title"' in query["sql"]]
        if url in ("/en/", "/en/guides/", "/en/errors/"):
            assert all('"body"' not in sql and "LIMIT" in sql for sql in lists_of)


def pages_kept() -> int:
    """How many pages lie in this process's cache."""
    return sum(":page:" in key for key in caches["pages"]._cache)
