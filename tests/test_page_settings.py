"""The settings of an address or domain."""

import pytest
from django.test import Client

from tests.factories import make_notice, make_provider
from tests.tables import each_row

pytestmark = pytest.mark.django_db


def ask(client: Client, address: str) -> tuple[int, str]:
    response = client.post("/en/settings/", {"address": address})
    return response.status_code, response.content.decode()


def test_it_works(client: Client) -> None:
    make_provider(name="Example Mail")
    status, html = ask(client, " Anna@Example.NET ")
    assert status == 200
    assert "Settings for Example Mail" in html
    for value in ("imap.example.net", "993", "pop3.example.net", "995", "smtp.example.net", "465"):
        assert f'<code class="value">{value}</code>' in html
    assert '<code class="value" data-fill="address">Anna@example.net</code>' in html
    assert "SSL/TLS" in html


def test_what_must_be_done_first_stands_before_the_values(client: Client) -> None:
    provider = make_provider(password="app_password")
    make_notice(provider, language="en", title="First make an app password", body="Not your usual one.")
    _status, html = ask(client, "anna@example.net")
    assert 0 < html.index("First make an app password") < html.index("imap.example.net")


def test_a_domain_is_a_page_to_share_without_an_address(client: Client) -> None:
    make_provider()
    response = client.get("/en/settings/example.net/")
    html = response.content.decode()
    assert response.status_code == 200
    assert "imap.example.net" in html
    assert "data-address" not in html
    assert 'data-fill="address">your full mail address</code>' in html


def test_the_answer_to_a_post_is_shared_by_its_domain_alone(client: Client) -> None:
    make_provider()
    response = client.post("/en/settings/", {"address": "anna@example.net"})
    assert response["HX-Push-Url"] == "/en/settings/example.net/"
    assert response["Cache-Control"] == "no-store"
    html = response.content.decode()
    assert 'href="/ja/settings/example.net/"' in html
    assert "anna" not in "".join(part.split('"')[0] for part in html.split('href="')[1:])


def test_local_part_as_user_name_says_what_is_wrong(client: Client) -> None:
    make_provider(username="local_part")
    _status, html = ask(client, "anna@example.net")
    assert '<code class="value" data-fill="local_part">anna</code>' in html
    assert "the full address" in html


def test_unknown_domain_is_honest_and_offers_ways_on(client: Client) -> None:
    make_provider(domains=("gmail.com",))
    status, html = ask(client, "anna@gmial.com")
    assert (
        '<button type="submit" name="address" value="anna@gmail.com">anna@gmail.com</button>' in html
    )  # keeps the name
    assert status == 200
    assert "We do not know this provider yet" in html
    assert 'href="/en/settings/gmail.com/"' in html
    assert '<form class="test-form" method="get" action="/en/settings/gmial.com/"' in html


def test_oauth_only_provider_asks_for_no_password(client: Client) -> None:
    make_provider(password="oauth2")
    _status, html = ask(client, "anna@example.net")
    assert "none: you sign in in the provider" in html
    assert "/en/test/?at=example.net" not in html


@each_row(
    ("typed", "words"),
    [
        ("", "Enter your mail address."),
        ("   ", "Enter your mail address."),
        ("anna", "There is no @ in it."),
        ("anna@@example.net", "There is more than one @ in it."),
        ("an@na@example.net", "There is more than one @ in it."),
        ("an na@example.net", "There is a space in it."),
        ("anna@exa mple.net", "There is a space in it."),
        ("anna@127.0.0.1", "there is a number instead of a name"),
        ("anna@[127.0.0.1]", "there is a number instead of a name"),
        ("anna@[::1]", "there is a number instead of a name"),
        ("anna@①②⑦.⓪.⓪.①", "there is a number instead of a name"),
        ("anna@127。0。0。1", "there is a number instead of a name"),
        ("anna@0x7f.1", "Something is wrong after the @."),
        ("anna@xn--", "Something is wrong after the @."),
        ("anna@xn--a.net", "Something is wrong after the @."),
        ("anna@localhost", "Something is wrong after the @."),
        ("anna@" + "a" * 400 + ".net", "This is too long"),
        ("a" * 70 + "@example.net", "Something is wrong before the @."),
        ("anna@😀", "Something is wrong after the @."),
        ("anna@../etc/passwd", "Something is wrong after the @."),
        ("../anna@example.net", "Something is wrong before the @."),
        ("an\0na@example.net", "invisible character"),
        ("anna\u202e@example.net", "invisible character"),
        ("anna@exam_ple.net", "Something is wrong after the @."),
    ],
)
def test_bad_address_is_told_at_the_field_and_kept(client: Client, typed: str, words: str) -> None:
    response = client.post("/en/settings/", {"address": typed})
    html = response.content.decode()
    assert response.status_code == 422
    assert html.count(words) >= 2  # in the summary and at the field
    assert 'aria-invalid="true"' in html
    assert "<title>Error: " in html
    assert 'class="error-summary"' in html


def test_typed_address_is_kept_and_escaped(client: Client) -> None:
    html = client.post("/en/settings/", {"address": '"><script>@x'}).content.decode()
    assert 'value="&quot;&gt;&lt;script&gt;@x"' in html
    assert "<script>@x" not in html


@pytest.mark.parametrize("domain", ["xn--", "-", "a" * 300 + ".net", "127.0.0.1", "%00", "localhost", "a..b"])
def test_a_domain_that_cannot_be_one_is_not_found(client: Client, domain: str) -> None:
    assert client.get(f"/en/settings/{domain}/").status_code == 404


def test_domains_are_sent_on_to_their_one_spelling(client: Client) -> None:
    assert client.get("/en/settings/EXAMPLE.Net/")["Location"] == "/en/settings/example.net/"
    assert client.get("/en/settings/пример.рф/")["Location"] == "/en/settings/xn--e1afmkfd.xn--p1ai/"


def test_low_confidence_is_marked(client: Client) -> None:
    make_provider(confidence="low")
    assert "These settings are not confirmed" in ask(client, "anna@example.net")[1]


def test_settings_that_are_not_confirmed_say_so_where_there_are_some(client: Client) -> None:
    provider = make_provider(confidence="low")
    assert "These settings are not confirmed" in ask(client, "anna@example.net")[1]
    provider.servers.all().delete()
    assert "These settings are not confirmed" not in ask(client, "anna@example.net")[1]
