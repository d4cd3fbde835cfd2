"""Every provider that the portal brings along, as mail clients are given it."""

from __future__ import annotations

import plistlib
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from guides.library.entries import Library, ProviderEntry
from guides.library.loading import Origin, load
from guides.library.reading import SHIPPED, read_library
from guides.mail.accounts import AuthMethod, PasswordKind, Protocol, Security
from tests.apple_profiles import faults_of

SCHEMA = Path(__file__).parent / "schemas" / "autoconfig-1.1.rng"
PROVIDERS = read_library(SHIPPED)[0].providers
NO_PASSWORD = (PasswordKind.OAUTH2, PasswordKind.BRIDGE, PasswordKind.NONE)


def strict(body: bytes) -> list[tuple[str, str, int]]:
    """A reader like Thunderbird's for Android: one thing that it does not understand, and the file is no use."""
    provider = ET.fromstring(body).find("emailProvider")
    assert provider is not None
    assert provider.get("id")
    servers = []
    for element in provider:
        if element.tag not in ("incomingServer", "outgoingServer"):
            continue
        assert element.get("type") in ("imap", "pop3", "smtp")
        host, port = element.findtext("hostname"), int(element.findtext("port") or 0)
        assert host
        assert 0 < port < 65536
        assert element.findtext("socketType") in ("SSL", "STARTTLS")
        assert element.findtext("username")
        methods = [method.text for method in element.findall("authentication")]
        assert methods
        assert set(methods) <= {"password-cleartext", "OAuth2"}
        servers.append((element.get("type") or "", host, port))
    assert {"imap", "pop3"} & {kind for kind, _host, _port in servers}
    assert "smtp" in {kind for kind, _host, _port in servers}
    return servers


def tolerant(body: bytes) -> list[tuple[str, str, int]]:
    """A reader that takes what it finds, wherever it stands."""
    found = []
    for element in ET.fromstring(body).iter():
        if element.tag.endswith("Server"):
            host, port = element.findtext("hostname"), element.findtext("port")
            if host and port:
                found.append((element.get("type") or "", host, int(port)))
    return found


def expected(provider: ProviderEntry) -> set[tuple[str, str, int]]:
    servers = (server for server in provider.servers if server.security is not Security.NONE)
    return {(server.protocol.value, server.host, server.port) for server in servers}


def is_complete(provider: ProviderEntry) -> bool:
    protocols = {kind for kind, _host, _port in expected(provider)}
    return "smtp" in protocols and bool(protocols & {"imap", "pop3"})


@pytest.fixture
def table(db: None) -> None:
    """The provider table, without texts."""
    load(Library(providers=PROVIDERS), {}, source=Origin.SHIPPED)


def one_domain(provider: ProviderEntry) -> str:
    return provider.domains[0] if provider.domains else f"anywhere.{provider.domain_suffixes[0]}"


def test_the_table_is_not_empty() -> None:
    assert len([provider for provider in PROVIDERS if is_complete(provider)]) >= 12


def test_every_provider_has_a_valid_file_and_a_profile_where_a_password_is_possible(
    table: None, client: Client, tmp_path: Path
) -> None:
    files, uuids = [], []
    for provider in PROVIDERS:
        if not provider.domains and not provider.domain_suffixes:
            continue
        domain = one_domain(provider)
        response = client.get(f"/v1.1/{domain}")
        if not is_complete(provider) or provider.confidence == "low":
            assert client.get(f"/profile/{domain}.mobileconfig").status_code == 404, provider.slug
            assert response.status_code == 404, provider.slug
            continue
        assert response.status_code == 200, provider.slug
        assert set(strict(response.content)) == set(tolerant(response.content)) == expected(provider), provider.slug
        signs_in = any(AuthMethod.OAUTH2 in server.auth for server in provider.servers)
        assert (ET.fromstring(response.content).find("oAuth2") is not None) is signs_in, provider.slug
        files.append(tmp_path / f"{provider.slug}.xml")
        files[-1].write_bytes(response.content)
        profile = client.get(f"/profile/{domain}.mobileconfig")
        if provider.password in NO_PASSWORD:
            assert profile.status_code == 404, provider.slug
        else:
            assert faults_of(profile.content) == [], provider.slug
            content = plistlib.loads(profile.content)
            (mail,) = content["PayloadContent"]
            uuids += [content["PayloadUUID"], mail["PayloadUUID"]]
            incoming = mail["IncomingMailServerHostName"], mail["IncomingMailServerPortNumber"]
            assert incoming in {(s.host, s.port) for s in provider.servers if s.protocol is not Protocol.SMTP}
    assert len(set(uuids)) == len(uuids) > 100
    command = ["xmllint", "--nonet", "--noout", "--relaxng", str(SCHEMA), *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert len(files) >= 12
