"""User names of another form that follow from the address: shown as words, filled in, sent, and given to programs."""

from __future__ import annotations

import plistlib
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from guides.mail.accounts import Account, Address, Protocol, Security, Server, UsernameForm
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.services import discovering
from tests.factories import STEPS, make_guide, make_provider
from tests.test_user_names import Script, script, submit

__all__ = ["script"]  # a fixture

pytestmark = pytest.mark.django_db

TEMPLATE = "%EMAILLOCALPART%.%EMAILDOMAIN%"
SERVER = Server(Protocol.IMAP, "imap.own.net", 993, Security.TLS, UsernameForm.OTHER)
IN_WORDS = "‹the part of your address before @›.own.net"


@pytest.fixture
def templated() -> None:
    provider = make_provider(domains=("own.net",), username="other")
    provider.servers.update(username_template=TEMPLATE)


def test_a_server_knows_whether_only_the_provider_can_tell_the_name() -> None:
    templated = replace(SERVER, username_template=TEMPLATE)
    anna = Address("anna", "own.net")
    assert (SERVER.asks_for_username, SERVER.username_for(anna)) == (True, None)
    assert (templated.asks_for_username, templated.username_for(anna)) == (False, "anna.own.net")


def test_without_an_address_the_settings_show_the_form_in_words(client: Client, templated: None) -> None:
    html = client.get("/en/settings/own.net/").content.decode()
    assert f'<code class="value value-unknown" data-fill="{TEMPLATE}">{IN_WORDS}</code>' in html
    assert "provider gave you" not in html
    assert f">{TEMPLATE}" not in html


def test_with_an_address_the_settings_show_the_name(client: Client, templated: None) -> None:
    html = client.post("/en/settings/", {"address": "anna@own.net"}).content.decode()
    assert f'<code class="value" data-fill="{TEMPLATE}">anna.own.net</code>' in html


def test_a_found_template_is_shown_in_words_too(client: Client) -> None:
    named = replace(SERVER, username_template="O\\%EMAILLOCALPART%")
    found = Finding(ConfigSource.AUTOCONFIG, Account("own.net", servers=(named,)), Trust.HIGH)
    discovering._Kept("own.net").keep([found])
    html = client.get("/en/settings/own.net/").content.decode()
    assert "O\\‹the part of your address before @›</code>" in html


def test_a_guide_shows_the_form_or_the_name(client: Client, templated: None) -> None:
    make_guide(body=STEPS.replace("incoming.host", "incoming.username"))
    guide_url = "/en/guides/thunderbird/"
    assert IN_WORDS in client.get(f"{guide_url}?at=own.net").content.decode()
    assert ">anna.own.net<" in client.post(guide_url, {"address": "anna@own.net"}).content.decode()


def test_the_connection_test_asks_for_no_name(client: Client, script: Script, templated: None) -> None:
    submit(client)
    assert set(script.names().values()) == {"anna.own.net"}


def test_programs_are_given_the_name(client: Client, templated: None) -> None:
    profile = plistlib.loads(client.post("/profile/own.net.mobileconfig", {"address": "anna@own.net"}).content)
    (mail,) = profile["PayloadContent"]
    assert (mail["IncomingMailServerUsername"], mail["OutgoingMailServerUsername"]) == ("anna.own.net",) * 2
    names = {element.text for element in ET.fromstring(client.get("/v1.1/own.net").content).iter("username")}
    assert names == {TEMPLATE}
