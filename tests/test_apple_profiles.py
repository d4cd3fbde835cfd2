"""Profiles by the strict checker: what the portal writes passes, and each kind of fault is found."""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.apple_profiles import faults_of
from tests.factories import make_provider
from tests.tables import each_row

pytestmark = pytest.mark.django_db


def profile(client: Client, **fields: str) -> bytes:
    body: bytes = client.post("/profile/example.net.mobileconfig", {"address": "anna@example.net", **fields}).content
    return body


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("username", ["address", "local_part", "other"])
@pytest.mark.parametrize("language", ["ja", "en", "ru"])
def test_what_the_portal_writes_has_no_fault(client: Client, protocol: str, username: str, language: str) -> None:
    provider = make_provider(username=username, name="A & <B> 株式会社")
    provider.servers.filter(protocol="smtp").update(port=587, security="starttls")
    assert faults_of(profile(client, protocol=protocol, language=language)) == []
    assert faults_of(client.get(f"/profile/example.net.mobileconfig?protocol={protocol}").content) == []


def changed(body: bytes, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> bytes:
    """The profile with something else in the profile or its payload."""
    found = plistlib.loads(body)
    change(found, found["PayloadContent"][0])
    return plistlib.dumps(found)


FAULTS: list[tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = [
    (lambda top, mail: top.pop("PayloadUUID"), "profile: PayloadUUID is missing"),
    (lambda top, mail: top.update(PayloadUUID="x"), "profile: PayloadUUID is none"),
    (lambda top, mail: top.update(PayloadUUID=mail["PayloadUUID"]), "one UUID twice"),
    (lambda top, mail: mail.update(PayloadUUID=mail["PayloadUUID"].lower()), "payload: PayloadUUID is none"),
    (lambda top, mail: top.update(PayloadType="x"), "profile: PayloadType is not Configuration"),
    (lambda top, mail: mail.update(PayloadType="com.apple.mail"), "payload: PayloadType is not com.apple.mail.managed"),
    (lambda top, mail: top.update(PayloadVersion=True), "profile: PayloadVersion is bool"),
    (lambda top, mail: top.update(PayloadVersion=2), "profile: PayloadVersion is not 1"),
    (lambda top, mail: top.update(PayloadIdentifier="no dots"), "profile: PayloadIdentifier is none"),
    (lambda top, mail: mail.update(PayloadIdentifier="a.b"), "the payload's identifier is not below the profile's"),
    (lambda top, mail: top.update(PayloadContent=[]), "PayloadContent is not one payload"),
    (lambda top, mail: top.update(PayloadContent=[mail, mail]), "PayloadContent is not one payload"),
    (lambda top, mail: mail.pop("EmailAccountType"), "payload: EmailAccountType is missing"),
    (lambda top, mail: mail.update(EmailAccountType="EmailTypeJMAP"), "EmailAccountType is unknown"),
    (lambda top, mail: mail.update(EmailAddress="anna"), "EmailAddress is none"),
    (lambda top, mail: mail.update(EmailAddress=""), "payload: EmailAddress is empty"),
    (lambda top, mail: mail.pop("OutgoingMailServerHostName"), "payload: OutgoingMailServerHostName is missing"),
    (lambda top, mail: mail.update(IncomingMailServerHostName="10.0.0.1"), "Incoming: not a host name"),
    (lambda top, mail: mail.update(IncomingMailServerPortNumber="993"), "payload: IncomingMailServerPortNumber is str"),
    (lambda top, mail: mail.update(OutgoingMailServerPortNumber=25), "Outgoing: not a port of mail clients"),
    (lambda top, mail: mail.update(OutgoingMailServerUseSSL=False), "Outgoing: no encryption"),
    (lambda top, mail: mail.update(OutgoingMailServerUseSSL=1), "payload: OutgoingMailServerUseSSL is int"),
    (lambda top, mail: mail.update(IncomingMailServerAuthentication="EmailAuthNone"), "Incoming: another way to sign in"),
    (lambda top, mail: mail.update(IncomingPassword="x"), "payload: IncomingPassword is unknown"),
    (lambda top, mail: mail.pop("OutgoingMailServerUsername"), "a user name for one direction alone"),
]  # fmt: skip


@pytest.fixture
def right(client: Client) -> bytes:
    make_provider()
    return profile(client)


@each_row(("change", "fault"), FAULTS)
def test_each_fault_is_found(
    right: bytes, change: Callable[[dict[str, Any], dict[str, Any]], object], fault: str
) -> None:
    found = faults_of(changed(right, change))
    assert any(each.startswith(fault) for each in found), found


def test_what_is_no_property_list_in_xml(right: bytes) -> None:
    binary = plistlib.dumps(plistlib.loads(right), fmt=plistlib.FMT_BINARY)
    assert faults_of(binary) == faults_of(b"") == ["no property list in XML"]
