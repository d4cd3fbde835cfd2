"""Details of what programs are given: where to sign in with OAuth 2, user names of another form, Autodiscover by http."""

from __future__ import annotations

import plistlib
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from guides.library_cache import raise_version
from guides.mail.publish.autodiscover import OUTLOOK, write_request
from tests.factories import make_provider

pytestmark = pytest.mark.django_db

POX = "/autodiscover/autodiscover.xml"
TEMPLATE = "%EMAILLOCALPART%.%EMAILDOMAIN%"


def config(client: Client, domain: str) -> ET.Element:
    return ET.fromstring(client.get(f"/v1.1/{domain}").content)


def login_names(client: Client) -> set[str | None]:
    answer = client.post(POX, write_request("anna@example.net"), content_type="text/xml")
    return {element.text for element in ET.fromstring(answer.content).iter(f"{{{OUTLOOK}}}LoginName")}


def profile(client: Client) -> dict[str, object]:
    body = client.post("/profile/example.net.mobileconfig", {"address": "anna@example.net"}).content
    return dict(plistlib.loads(body)["PayloadContent"][0])


def test_where_to_sign_in_with_oauth2(client: Client) -> None:
    make_provider(oauth2=True)
    assert config(client, "example.net").find("oAuth2") is None  # where, no source says
    provider = make_provider("google", oauth2=True, domains=("google.example",))
    provider.servers.filter(protocol="imap").update(host="imap.gmail.com")
    assert [(element.tag, element.text) for element in config(client, "google.example").iterfind("oAuth2/*")] == [
        ("issuer", "accounts.google.com"),
        ("scope", "https://mail.google.com/"),
        ("authURL", "https://accounts.google.com/o/oauth2/auth"),
        ("tokenURL", "https://www.googleapis.com/oauth2/v3/token"),
    ]
    provider.servers.update(password_login=True, oauth2_login=False)
    raise_version()
    assert config(client, "google.example").find("oAuth2") is None


def test_a_user_name_that_follows_from_the_address_is_written(client: Client) -> None:
    make_provider(username="other").servers.update(username_template=TEMPLATE)
    raise_version()
    assert {element.text for element in config(client, "example.net").iter("username")} == {TEMPLATE}
    assert login_names(client) == {"anna.example.net"}
    mail = profile(client)
    assert mail["IncomingMailServerUsername"] == mail["OutgoingMailServerUsername"] == "anna.example.net"


def test_a_user_name_that_only_the_visitor_knows_is_left_out_of_profiles_and_said(client: Client) -> None:
    make_provider(username="other")
    mail = profile(client)
    assert not [key for key in mail if key.endswith("Username")]
    page = client.get("/en/apple/example.net/").content.decode()
    assert "cannot know your user name" in page
    make_provider("usual", domains=("usual.example",))
    assert "cannot know your user name" not in client.get("/en/apple/usual.example/").content.decode()


class TestAutodiscoverByHttp:
    """[MS-OXDISCO] 3.1.5.4: a client asks `http://autodiscover.<domain>/...` with GET, and follows a 302."""

    @pytest.fixture(autouse=True)
    def own_domain(self, settings: Settings) -> None:
        settings.BASE_URL, settings.ALLOWED_HOSTS = "https://help.example.org", ["help.example.org"]
        settings.SECURE_SSL_REDIRECT = True
        make_provider(is_own=True)
        raise_version()

    @pytest.mark.parametrize("path", [POX, "/Autodiscover/Autodiscover.xml"])
    @pytest.mark.parametrize("host", ["autodiscover.example.net", "example.net", "AUTODISCOVER.example.net."])
    @pytest.mark.parametrize("secure", [True, False])
    def test_own_domains_lead_to_the_portal(self, client: Client, path: str, host: str, secure: bool) -> None:
        answer = client.get(path, headers={"host": host}, secure=secure)
        assert (answer.status_code, answer["Location"]) == (302, f"https://help.example.org{POX}")
        assert not answer.cookies
        request = write_request("anna@example.net")
        there = client.post(POX, request, content_type="text/xml", headers={"host": "help.example.org"}, secure=True)
        assert b"imap.example.net" in there.content

    def test_nothing_of_the_question_is_carried_along(self, client: Client) -> None:
        answer = client.get(f"{POX}?Email=anna@example.net", headers={"host": "autodiscover.example.net"})
        assert "anna" not in answer["Location"]

    def test_foreign_domains_and_the_portal_itself_lead_nowhere(self, client: Client, settings: Settings) -> None:
        make_provider("foreign", domains=("foreign.example",))
        answer = client.get(POX, headers={"host": "autodiscover.foreign.example"}, secure=True)
        assert answer.status_code in (400, 404)
        assert client.get(POX, headers={"host": "help.example.org"}, secure=True).status_code == 405
        for base in ("", "http://help.example.org", "https://autodiscover.example.net"):
            settings.BASE_URL, settings.ALLOWED_HOSTS = base, ["help.example.org", "autodiscover.example.net"]
            answer = client.get(POX, headers={"host": "autodiscover.example.net"}, secure=True)
            assert answer.status_code == 405, base
