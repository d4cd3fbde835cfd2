"""The search page, and the list that htmx fetches while somebody types."""

from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from guides.services.explaining import explained
from tests.factories import (
    make_article,
    make_client,
    make_guide,
    make_guide_text,
    make_notice,
    make_pattern,
    make_provider,
)
from tests.search_list import NONSENSE
from tests.tables import each_row

pytestmark = pytest.mark.django_db

TYPING = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(autouse=True)
def shelf() -> None:
    make_provider("mail-ru", name="Mail.ru", domains=("mail.ru", "inbox.ru"))
    make_guide("outlook", client=make_client("outlook", aliases="アウトルック, Аутлук, Ёлка"))
    make_pattern(make_article("mailbox-full", owner="provider"))


def found(client: Client, query: str, language: str = "en") -> str:
    response = client.get(f"/{language}/search/", {"q": query})
    assert response.status_code == 200
    return response.content.decode().split("<main")[1]


@pytest.mark.parametrize(
    ("query", "link"),
    [
        ("Outlook", "/en/guides/outlook/"),
        ("  OUTLOOK  ", "/en/guides/outlook/"),
        ("ｏｕｔｌｏｏｋ", "/en/guides/outlook/"),
        ("アウトルック", "/en/guides/outlook/"),
        ("аутлук", "/en/guides/outlook/"),
        ("елка", "/en/guides/outlook/"),
        ("mailbox", "/en/errors/mailbox-full/"),
        ("mail.ru", "/en/settings/mail.ru/"),
        ("inbox.ru", "/en/settings/inbox.ru/"),
    ],
)
def test_names_are_found_in_any_writing(client: Client, query: str, link: str) -> None:
    assert f'href="{link}"' in found(client, query)


def test_what_matched_is_marked_and_the_rest_is_escaped(client: Client) -> None:
    text = make_guide_text(make_guide("bird", topic=True, languages=()), title="Feathers <b>&", summary="All of it.")
    html = found(client, "feather")
    assert '<a href="/en/guides/bird/"><mark>Feathers</mark> &lt;b&gt;&amp;</a>' in html
    assert "All of it." in html
    text.delete()
    assert "/en/guides/bird/" not in found(client, "feather")


def test_a_text_in_another_language_is_labelled_and_read_there(client: Client) -> None:
    make_guide_text(make_guide("bird", topic=True, languages=("en",)), "ru", title="Перья")
    html = found(client, "перья")
    assert '<a href="/ru/guides/bird/" lang="ru" hreflang="ru">' in html
    assert "in Русский" in html
    assert "in Русский" not in found(client, "перья", "ru")
    assert "（日本語）" not in found(client, "перья", "ja")


def test_a_provider_leads_to_its_settings_in_the_readers_language(client: Client) -> None:
    provider = make_provider("bird", name="Birdie", domains=("bird.example",))
    make_notice(provider, "ru", title="Сначала", body="Мелодия.")
    html = found(client, "мелодия")
    assert 'href="/en/settings/bird.example/"' in html


def test_nothing_found_says_so_and_leads_on(client: Client) -> None:
    html = found(client, "qwertzuiop")
    assert "Nothing was found for “qwertzuiop”." in html
    for way in ("/en/guides/", "/en/errors/", "/en/test/"):
        assert f'href="{way}"' in html


def test_a_typing_error_is_mended(client: Client) -> None:
    html = found(client, "outlok")
    assert '<a class="suggestion" href="/en/search/?q=outlook">outlook</a>' in html
    assert "Nothing was found" in html


def test_an_empty_query_asks_for_words(client: Client) -> None:
    for query in ("", "   ", "\0"):
        html = found(client, query)
        assert "What are you looking for?" in html
        assert "Nothing was found" not in html
    assert client.get("/en/search/").status_code == 200


class TestErrors:
    """Servers' words are explained before texts are listed."""

    def test_a_servers_sentence(self, client: Client) -> None:
        html = found(client, "552 5.2.2 Quota exceeded")
        assert "This looks like an error message" in html
        explained = html.split('class="explained"')[1].split("</section>")[0]
        assert 'href="/en/errors/mailbox-full/"' in explained
        assert "Your mailbox" not in explained
        assert "<mark>Quota exceeded</mark>" in explained
        assert "Nothing was found" not in html
        assert html.count('href="/en/errors/mailbox-full/"') == 1  # not in the list once more

    @pytest.mark.parametrize(
        ("query", "slug", "owner"),
        [
            ("Authentication failed", "wrong-password", "You can fix this yourself."),
            (
                "ログインに失敗しました。ユーザー名またはパスワードが違います",
                "wrong-password",
                "You can fix this yourself.",
            ),
            ("certificate has expired", "certificate-expired", "Your mail provider can fix this."),
            ("Срок действия сертификата истёк", "certificate-expired", "Your mail provider can fix this."),
            ("Your mailbox is full.", "own-mailbox-full", "yourself"),
        ],
    )
    def test_a_short_sentence_gets_the_diagnosis_of_a_pasted_text(
        self, query: str, slug: str, owner: str, client: Client
    ) -> None:
        make_article("wrong-password", classes=("auth.rejected",))
        make_article("certificate-expired", owner="provider", classes=("tls.cert_expired",))
        make_article("own-mailbox-full", classes=("mbox.overquota",))
        first = explained(query).causes[0]
        assert first.article == slug
        part = found(client, query).split('class="explained"')[1].split("</section>")[0]
        assert f'href="/en/errors/{slug}/"' in part
        assert owner in part

    def test_a_clients_code(self, client: Client) -> None:
        make_pattern(make_article("connection"), "outlook-code", pattern="(?i)0x800CCC0E", example="0x800CCC0E")
        assert 'href="/en/errors/connection/"' in found(client, "0x800ccc0e").split('class="explained"')[1]

    def test_a_code_alone_may_mean_several_things(self, client: Client) -> None:
        make_article("policy", classes=("smtp.policy",))
        html = found(client, "550 5.7.1")
        explained = html.split('class="explained"')[1].split("</section>")[0]
        assert 'href="/en/errors/policy/"' in explained
        assert "This may be an error message" in explained
        assert "A code alone can mean several things" in explained

    def test_what_is_no_text_is_no_error(self, client: Client) -> None:
        assert 'class="explained"' not in found(client, "PK\x03\x04 quota exceeded")

    @pytest.mark.parametrize("query", ["Cannot Verify Server Identity", "サーバの識別情報を検証できません"])
    def test_a_sentence_of_a_mail_client_is_explained(self, client: Client, query: str) -> None:
        make_article("certificate", classes=("tls.chain_or_unknown_ca",))
        assert 'href="/en/errors/certificate/"' in found(client, query).split('class="explained"')[1]

    def test_other_words_are_no_error(self, client: Client) -> None:
        make_article("spam", classes=("smtp.spam",))
        for query in ("mailbox", "spam", "outlook"):
            assert 'class="explained"' not in found(client, query)

    def test_an_article_that_nobody_can_read_explains_nothing(self, client: Client) -> None:
        make_pattern(make_article("draft", languages=()), "draft", pattern="plumage", example="plumage")
        assert 'class="explained"' not in found(client, "plumage")


class TestAddresses:
    def test_an_address_does_not_stay_in_the_url(self, client: Client) -> None:
        response = client.get("/en/search/", {"q": "anna@mail.ru"})
        assert response.status_code == 302
        assert response.headers["Location"] == "/en/search/?q=mail.ru"

    def test_nor_in_a_sentence(self, client: Client) -> None:
        response = client.get("/en/search/", {"q": "550 <anna@mail.ru>: unknown"})
        assert (
            response.headers["Location"]
            == f"/en/search/?q={quote('550 <mail.ru>: unknown', safe='').replace('%20', '+')}"
        )

    def test_nor_while_it_is_typed(self, client: Client) -> None:
        response = client.get("/en/search/", {"q": "anna@mail.ru"}, headers=TYPING)
        assert response.status_code == 200
        assert response.headers["HX-Replace-Url"] == "/en/search/?q=mail.ru"
        assert "anna" not in response.content.decode()

    @pytest.mark.parametrize("query", ["@", "@mail.ru", "a@", "@@", "a@@b"])
    def test_what_is_no_address_ends(self, client: Client, query: str) -> None:
        assert client.get("/en/search/", {"q": query}, follow=True).status_code == 200


class TestTyping:
    def test_the_list_alone_is_fetched(self, client: Client) -> None:
        response = client.get("/en/search/", {"q": "outlook"}, headers=TYPING)
        html = response.content.decode()
        assert "<html" not in html
        assert "<input" not in html
        assert '<p id="found-count" hx-swap-oob="innerHTML">Results: 1</p>' in html
        assert 'href="/en/guides/outlook/"' in html
        assert response.headers["HX-Replace-Url"] == "/en/search/?q=outlook"
        assert "HX-Request" in response.headers["Vary"]

    def test_the_field_asks_for_it_without_scripts_of_its_own(self, client: Client) -> None:
        html = found(client, "outlook")
        assert 'hx-get="/en/search/" hx-trigger="input changed delay:300ms" hx-target="#found"' in html
        assert 'action="/en/search/" method="get"' in html

    def test_what_was_found_is_announced_from_a_region_that_was_there_before(self, client: Client) -> None:
        for query, words in (
            ("outlook", "Results: 1"),
            ("qwertzuiop", "Nothing was found for “qwertzuiop”."),
            ("", ""),
        ):
            assert f'<p class="hint" id="found-count" role="status">{words}</p>' in found(client, query)

    def test_the_other_languages_are_asked_the_same(self, client: Client) -> None:
        html = client.get("/en/search/", {"q": "outlook"}, headers=TYPING).content.decode()
        assert '<nav id="languages" hx-swap-oob="innerHTML">' in html
        assert 'href="/ru/search/?q=outlook"' in html

    def test_one_field_for_one_query(self, client: Client) -> None:
        html = client.get("/en/search/", {"q": "outlook"}).content.decode()
        assert html.count('name="q"') == 1
        assert client.get("/en/").content.decode().count('name="q"') == 1


class TestLimits:
    def test_a_long_query_is_cut_and_the_page_says_so(self, client: Client) -> None:
        html = found(client, "outlook " * 26)
        assert "Only the first 200 characters were searched for." in html
        assert 'maxlength="200"' in html
        assert "Only the first" not in found(client, "outlook " * 24)

    def test_links_keep_what_was_typed(self, client: Client) -> None:
        html = client.get("/en/search/", {"q": 'a"b&c'}).content.decode()
        assert 'href="/ru/search/?q=a%22b%26c"' in html
        assert 'value="a&quot;b&amp;c"' in html

    def test_queries_do_not_grow_with_the_hits(
        self, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(30):
            make_guide(f"bird-{number}", topic=True)
        with django_assert_max_num_queries(8):
            html = found(client, "bird")
        assert html.count('<p class="found-title">') == 20
        assert "There is more." in html
        assert "The 20 best results" in html

    def test_no_cookie(self, client: Client) -> None:
        assert not client.get("/en/search/", {"q": "outlook"}).cookies

    def test_only_reading(self, client: Client) -> None:
        assert client.post("/en/search/", {"q": "outlook"}).status_code == 405


@each_row("query", NONSENSE)
def test_nonsense_is_harmless(client: Client, query: str) -> None:
    for headers in ({}, TYPING):
        response = client.get("/ja/search/", {"q": query}, headers=headers, follow=True)
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()


@given(st.text(max_size=60) | st.text(alphabet="\"'*-()^:+\\ NEARORNOTANDmail受信почта@", max_size=60))
@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_fails(client: Client, query: str) -> None:
    assert client.get("/ru/search/", {"q": query}, follow=True).status_code == 200
