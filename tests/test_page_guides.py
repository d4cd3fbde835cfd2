"""The list of guides, and a guide tailored to provider, version and protocol."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from guides.library_cache import raise_version
from guides.models import GuideText, ProviderServer
from tests.factories import make_client, make_guide, make_guide_text, make_notice, make_provider

pytestmark = pytest.mark.django_db

BODY = """::: if version:new
New edition.
::: else
Old edition.
::: end
::: steps
::: step {#server} Type the server
::: if pop3
POP3 it is.
::: end
Server {{ incoming.host }}, port {{ incoming.port }}, user {{ incoming.username }}, out {{ smtp.host }} {{ smtp.port }}
::: end
::: end"""


@pytest.fixture
def guide() -> None:
    client = make_client("outlook", versions=("classic", "new"))
    make_guide("outlook", client=client, body=BODY, languages=("en", "ru"))


def get(client: Client, query: str = "", language: str = "en") -> str:
    response = client.get(f"/{language}/guides/outlook/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_it_works(client: Client, guide: None) -> None:
    make_provider()
    html = get(client, "?at=example.net")
    assert "imap.example.net" in html
    assert '<code class="value">993</code>' in html
    assert "smtp.example.net" in html
    assert "Old edition." in html
    assert "New edition." not in html


def test_version_and_protocol_change_the_text(client: Client, guide: None) -> None:
    make_provider()
    html = get(client, "?at=example.net&version=new&protocol=pop3")
    assert "New edition." in html
    assert "POP3 it is." in html
    assert "pop3.example.net" in html
    assert 'href="/en/guides/outlook/?at=example.net&amp;protocol=pop3"' in html  # back to the default version
    assert 'href="/en/guides/outlook/?at=example.net&amp;version=new"' in html  # back to IMAP


def test_nonsense_in_the_query_falls_back_to_what_is_usual(client: Client, guide: None) -> None:
    make_provider()
    assert "Old edition." in get(client, "?at=example.net&version=windows-3.1&protocol=x400&version=%00")


def test_a_protocol_that_the_provider_lacks_is_not_offered(client: Client, guide: None) -> None:
    provider = make_provider()
    ProviderServer.objects.filter(provider=provider, protocol="pop3").delete()
    html = get(client, "?at=example.net&protocol=pop3")
    assert "imap.example.net" in html
    assert "protocol=pop3" not in html.split('id="guide"')[1]


def test_the_providers_notice_comes_before_the_first_step(client: Client, guide: None) -> None:
    make_notice(make_provider(password="app_password"), title="First make an app password")
    html = get(client, "?at=example.net")
    assert 0 < html.index("First make an app password") < html.index("Type the server")


def test_an_address_never_stays_in_the_url(client: Client, guide: None) -> None:
    response = client.get("/en/guides/outlook/?at=anna@example.net&version=new")
    assert response.status_code == 302
    assert response["Location"] == "/en/guides/outlook/?at=example.net&version=new"


def test_a_posted_address_is_filled_in_without_javascript(client: Client, guide: None) -> None:
    make_provider()
    response = client.post("/en/guides/outlook/?version=new", {"address": "anna@example.net"})
    html = response.content.decode()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert '<code class="value" data-fill="address">anna@example.net</code>' in html
    assert "New edition." in html
    assert 'action="/en/guides/outlook/?at=example.net&amp;version=new"' in html


def test_a_bad_posted_address_is_told_at_the_field(client: Client, guide: None) -> None:
    response = client.post("/en/guides/outlook/", {"address": "anna"})
    html = response.content.decode()
    assert response.status_code == 422
    assert "There is no @ in it." in html
    assert 'value="anna"' in html


def test_a_bad_domain_in_the_url_is_told_and_kept(client: Client, guide: None) -> None:
    response = client.get("/en/guides/outlook/?at=exa mple")
    html = response.content.decode()
    assert response.status_code == 422
    assert "Something is wrong after the @." in html
    assert 'value="exa mple"' in html
    assert "Type the server" in html


def test_without_a_provider_the_fields_are_still_to_be_found(client: Client, guide: None) -> None:
    html = get(client, "?at=unknown.net")
    assert "We do not know the servers of" in html
    assert "incoming mail server" in html
    assert 'href="/en/settings/unknown.net/#by-hand"' in html


def test_a_language_that_is_missing_falls_back_and_says_so(client: Client, guide: None) -> None:
    response = client.get("/ja/guides/outlook/")
    html = response.content.decode()
    assert response.status_code == 200
    assert '<article class="text" lang="en">' in html
    assert 'hreflang="ru"' in html


def test_drafts_are_not_shown(client: Client, guide: None) -> None:
    GuideText.objects.filter(language="en").update(status="draft")
    raise_version()
    assert 'lang="ru"' in get(client)
    GuideText.objects.update(status="draft")
    raise_version()
    assert client.get("/en/guides/outlook/").status_code == 404
    assert "outlook" not in client.get("/en/guides/").content.decode()


def test_unknown_guides_are_not_found(client: Client) -> None:
    assert client.get("/en/guides/nothing/").status_code == 404


def test_a_page_costs_a_small_constant_number_of_queries(
    client: Client, guide: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_notice(make_provider())
    with django_assert_num_queries(9):
        get(client, "?at=example.net&version=new")
    with django_assert_num_queries(1):  # the version of the library
        get(client, "?at=example.net&version=new")


def test_a_staff_change_shows_on_the_next_request(client: Client, guide: None) -> None:
    get(client)
    text = GuideText.objects.get(language="en")
    text.delete()
    make_guide_text(text.guide, "en", body="::: steps\n::: step {#a} Changed by staff\nText.\n::: end\n::: end")
    assert "Changed by staff" in get(client)


def test_the_list_shows_each_guide_once(client: Client, guide: None) -> None:
    make_guide("imap", topic=True, languages=("en", "ja"))
    html = client.get("/en/guides/?at=example.net").content.decode()
    assert html.count('href="/en/guides/imap/?at=example.net"') == 1
    assert html.count('href="/en/guides/outlook/?at=example.net"') == 1


WAYS = """::: steps
::: if no_clients
::: step {#stop} Read it in another way
Use the browser.
::: end
::: elif oauth2_only
::: step {#sign-in} Sign in in the window
Text.
::: end
::: else
::: step {#password} Type the password
::: form F
secret: Password = {{ password.name }}
::: end
::: end
::: end
::: end"""


@pytest.fixture
def apps() -> None:
    """Two mail apps: one opens Google's window and iCloud by itself, the other knows IMAP only on a phone."""
    for slug, version in (("ios-mail", "current"), ("outlook", "ios"), ("android", "email")):
        make_guide(slug, client=make_client(slug, versions=(version,), reads_profile=slug == "ios-mail"), body=WAYS)


def test_a_notice_about_another_way_is_not_shown_where_the_app_opens_the_window(client: Client, apps: None) -> None:
    make_notice(make_provider("gmail", password="app_password"), title="First make an app password")
    html = client.get("/en/guides/ios-mail/?at=example.net").content.decode()
    assert 'id="sign-in"' in html
    assert "First make an app password" not in html
    assert "There is a shorter way" not in html
    html = client.get("/en/guides/android/?at=example.net").content.decode()
    assert html.index("First make an app password") < html.index('id="password"')


def test_what_cannot_be_says_so_first_and_which_app_can(client: Client, apps: None) -> None:
    make_provider("example", password="oauth2")
    html = client.get("/en/guides/android/?at=example.net").content.decode()
    lead = html.split('<p class="lead">')[1].split("</p>")[0]
    assert "cannot open a mailbox at" in lead
    assert '<a href="/en/guides/ios-mail/?at=example.net&amp;version=current">' in html
    assert "/en/guides/android/?at" not in html.split("These can open it")[1].split("</ul>")[0]
    assert 'id="before"' not in html
    assert 'id="trouble"' not in html


def test_the_search_field_is_empty_on_a_page_for_a_provider(client: Client) -> None:
    make_provider(domains=("known.test",))
    make_guide()
    for path in ("/en/guides/?at=known.test", "/en/guides/thunderbird/?at=known.test"):
        assert 'id="q" name="q" maxlength="200" value=""' in client.get(path).content.decode(), path
