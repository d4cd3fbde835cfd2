"""Pages for providers that are not like the others: no mail clients, a bridge, names of their own, not confirmed."""

from __future__ import annotations

import pytest
from django.test import Client

from guides.models import Provider, ProviderServer
from tests.factories import make_client, make_guide, make_notice, make_provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed() -> Provider:
    """A provider that lets no mail client in."""
    provider = make_provider("tuta", name="Tuta", password="none")
    ProviderServer.objects.filter(provider=provider).delete()
    make_notice(provider, title="Tuta opens in no mail program", body="There is nothing to set up.")
    return provider


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


class TestNoMailClients:
    def test_the_settings_page_says_so_and_offers_nothing_that_fails(self, client: Client, closed: Provider) -> None:
        make_guide(client=make_client())
        html = page(client, "/en/settings/example.net/")

        assert "Tuta opens in no mail program" in html
        assert "We do not know this provider" not in html
        assert 'id="values"' not in html
        assert "/en/guides/thunderbird/" not in html
        assert "/en/test/?at=" not in html
        assert "/en/guides/thunderbird/" in page(client, "/en/settings/unknown.example/")

    def test_a_guide_offers_no_choice_between_what_is_not_there(self, client: Client, closed: Provider) -> None:
        make_guide(client=make_client())
        html = page(client, "/en/guides/thunderbird/?at=example.net&protocol=pop3")

        assert "Tuta opens in no mail program" in html
        assert "Receive mail by" not in html
        assert "/en/test/?at=" not in html
        assert "Receive mail by" in page(client, "/en/guides/thunderbird/")

    @pytest.mark.parametrize("by_hand", [{}, {"imap_host": "imap.example.net"}])
    def test_the_test_says_so_before_it_sends_a_password(
        self, client: Client, closed: Provider, by_hand: dict[str, str]
    ) -> None:
        response = client.post("/en/test/", {"address": "anna@example.net", "password": "s3cret", **by_hand})
        html = response.content.decode()

        if by_hand:  # the stages themselves refuse
            assert response.status_code == 200
            assert 'id="stage-imap-0" class="stage stage-fail"' in html
            assert 'id="stage-imap-1" class="stage stage-blocked"' in html
        else:
            assert response.status_code == 422
            assert "No mail program can open this mailbox, so there is nothing to test." in html
            assert "Enter them here to test them" not in html
        assert "s3cret" not in html


class TestBridge:
    def test_its_servers_are_shown_and_no_test_is_offered(self, client: Client) -> None:
        provider = make_provider("proton", name="Proton Mail", password="bridge")
        ProviderServer.objects.filter(provider=provider).exclude(protocol="imap").delete()
        ProviderServer.objects.filter(provider=provider).update(host="127.0.0.1", port=1143, security="starttls")
        html = page(client, "/en/settings/example.net/")

        assert '<code class="value">127.0.0.1</code>' in html
        assert "the password that the provider&#x27;s bridge program shows" in html
        assert "/en/test/?at=" not in html


class TestNamesOfTheirOwn:
    def test_a_user_name_that_is_no_part_of_the_address(self, client: Client) -> None:
        provider = make_provider("docomo", password="mail_password", username="other")
        make_guide(client=make_client())
        assert "the user name your provider gave you" in page(client, "/en/settings/example.net/")
        make_notice(provider, username_name="d account ID", password_name="IMAP password")

        for path in ("/en/settings/example.net/", "/en/guides/thunderbird/?at=example.net"):
            html = page(client, path)
            assert "d account ID" in html
            assert "the user name your provider gave you" not in html

    def test_the_test_asks_for_it_beside_the_address(self, client: Client) -> None:
        provider = make_provider("docomo", password="mail_password", username="other")
        make_notice(provider, username_name="d account ID", password_name="IMAP password")
        html = page(client, "/en/test/?at=example.net")
        assert html.count('name="username"') == 1
        assert html.index("d account ID") < html.index('name="username"') < html.index('name="password"')

        response = client.post("/en/test/", {"address": "anna@example.net", "password": "s3cret"})
        html = response.content.decode()
        assert response.status_code == 422
        assert "It is not in the address. Enter this one: d account ID." in html
        assert 'id="id_username_error"' in html
        assert 'value="anna@example.net"' in html
        assert "s3cret" not in html

    def test_the_test_keeps_the_field_folded_away_for_all_others(self, client: Client) -> None:
        make_provider()
        for path in ("/en/test/", "/en/test/?at=example.net"):
            html = page(client, path)
            assert html.count('name="username"') == 1
            assert html.index('id="by-hand"') < html.index('name="username"')


class TestConfidence:
    @pytest.mark.parametrize(
        ("help_url", "words"),
        [
            ("", "not confirmed by the provider. If one fails, ask the provider&#x27;s support."),
            ("https://example.net/help", "not confirmed by the provider. If one fails, look at"),
        ],
    )
    def test_what_is_not_confirmed_is_marked_on_every_page(self, client: Client, help_url: str, words: str) -> None:
        make_provider("au", confidence="low", help_url=help_url)
        make_guide(client=make_client())
        for path in ("/en/settings/example.net/", "/en/guides/thunderbird/?at=example.net"):
            assert words.replace("&#x27;", "'") in page(client, path).replace("&#x27;", "'")

    @pytest.mark.parametrize("confidence", ["medium", "high"])
    def test_what_is_confirmed_is_not(self, client: Client, confidence: str) -> None:
        make_provider("docomo", confidence=confidence)
        make_guide(client=make_client())
        for path in ("/en/settings/example.net/", "/en/guides/thunderbird/?at=example.net"):
            assert "not confirmed by the provider." not in page(client, path)
