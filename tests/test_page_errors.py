"""The list of error articles, and one article."""

import pytest
from django.test import Client

from guides.models import ErrorText
from tests.factories import make_article, make_provider

pytestmark = pytest.mark.django_db


def test_it_works(client: Client) -> None:
    make_article("mailbox-full", owner="recipient", languages=("en", "ru"))
    html = client.get("/en/errors/").content.decode()
    assert 'href="/en/errors/mailbox-full/"' in html
    assert "The recipient can fix this." in html
    html = client.get("/en/errors/mailbox-full/").content.decode()
    assert html.index("The recipient can fix this.") < html.index('<article class="text"')


def test_an_article_is_tailored_to_a_provider(client: Client) -> None:
    make_article("mailbox-full")
    make_provider()
    assert "imap.example.net" in client.get("/en/errors/mailbox-full/?at=example.net").content.decode()
    assert "imap.example.net" not in client.get("/en/errors/mailbox-full/").content.decode()


def test_an_address_never_stays_in_the_url(client: Client) -> None:
    make_article("mailbox-full")
    response = client.get("/en/errors/mailbox-full/?at=anna@example.net")
    assert response["Location"] == "/en/errors/mailbox-full/?at=example.net"


@pytest.mark.parametrize("at", ["", "%00", "..", "a" * 400, "<script>", "127.0.0.1"])
def test_nonsense_in_the_query_is_ignored(client: Client, at: str) -> None:
    make_article("mailbox-full")
    response = client.get(f"/en/errors/mailbox-full/?at={at}")
    assert response.status_code == 200
    assert "<script>" not in response.content.decode().split("</head>")[1]


def test_drafts_and_unknown_articles_are_not_found(client: Client) -> None:
    make_article("mailbox-full")
    ErrorText.objects.update(status="draft")
    assert client.get("/en/errors/mailbox-full/").status_code == 404
    assert client.get("/en/errors/nothing/").status_code == 404


def test_a_fallback_language_says_so(client: Client) -> None:
    make_article("mailbox-full", languages=("ru",))
    html = client.get("/en/errors/mailbox-full/").content.decode()
    assert "does not exist in your language yet" in html
    assert '<article class="text" lang="ru">' in html
