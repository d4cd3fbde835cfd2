"""The list of error articles, and one article."""

import pytest
from django.test import Client
from django.utils.translation import override

from guides.mail.outcomes import Owner, Symptom
from guides.models import ErrorText
from guides.views import labels
from tests.factories import make_article, make_provider

pytestmark = pytest.mark.django_db


def test_it_works(client: Client) -> None:
    make_article("mailbox-full", owner="recipient", languages=("en", "ru"))
    html = client.get("/en/errors/").content.decode()
    assert 'href="/en/errors/mailbox-full/"' in html
    html = client.get("/en/errors/mailbox-full/").content.decode()
    assert html.index("The recipient can fix this.") < html.index('<article class="text"')


def test_the_list_is_grouped_by_what_a_person_sees(client: Client) -> None:
    make_article("mailbox-full", owner="recipient", symptom="bounce")
    make_article("wrong-password", symptom="sign-in")
    make_article("portal-refused", owner="portal", symptom="connect")
    html = client.get("/en/errors/").content.decode()
    main = html.split("<main")[1]
    groups = [part.split('"', 1)[0] for part in main.split('<h2 id="')[1:]]
    assert groups == ["connect", "sign-in", "bounce"]
    sections = dict(zip(groups, main.split('<h2 id="')[1:], strict=True))
    assert "You cannot sign in" in sections["sign-in"]
    assert "About wrong-password</a> <small>You</small>" in sections["sign-in"]
    assert "About mailbox-full</a> <small>Recipient</small>" in sections["bounce"]
    html = client.get("/en/errors/?symptom=bounce").content.decode()
    assert "A message came back" in html
    assert "<small>Recipient</small>" in html
    assert "wrong-password" not in html


@pytest.mark.parametrize("query", ["?symptom=nonsense", "?owner=visitor", "?symptom=%00"])
def test_an_unknown_symptom_shows_the_whole_list(query: str, client: Client) -> None:
    make_article("mailbox-full", symptom="bounce")
    assert '<h2 id="bounce"' in client.get(f"/en/errors/{query}").content.decode()


@pytest.mark.parametrize("language", ["ja", "ru"])
def test_groups_and_marks_are_translated(language: str, client: Client) -> None:
    for number, owner in enumerate(Owner):
        make_article(f"a{number}", owner=owner, symptom=list(Symptom)[number % len(Symptom)], languages=(language,))
    main = client.get(f"/{language}/errors/").content.decode().split('<div class="shelves"')[1].split("</main")[0]
    with override("en"):
        english = [str(word) for word in (*labels.SYMPTOMS.values(), *labels.OWNER_MARKS.values())]
    assert [word for word in english if f">{word}<" in main] == []
    assert main.count("<small>") == len(Owner)


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
