"""Search by names."""

import pytest
from django.test import Client

from tests.factories import make_article, make_client, make_guide, make_provider

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shelf() -> None:
    make_provider("mail-ru", name="Mail.ru", domains=("mail.ru", "inbox.ru"))
    make_guide("outlook", client=make_client("outlook", aliases="アウトルック, Аутлук, Ёлка"))
    make_article("mailbox-full")


def found(client: Client, query: str) -> str:
    response = client.get("/en/search/", {"q": query})
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


def test_nothing_found_says_so_and_leads_on(client: Client) -> None:
    html = found(client, "qwertzuiop")
    assert "Nothing was found for “qwertzuiop”." in html
    assert 'href="/en/guides/"' in html


@pytest.mark.parametrize(
    "query", ["", " ", "\0", "a" * 5000, "<script>alert(1)</script>", "%", "' OR 1=1", "\u202e", "😀"]
)
def test_nonsense_is_harmless(client: Client, query: str) -> None:
    assert "<script>alert" not in found(client, query)
