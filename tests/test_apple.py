"""Apple profiles: the page, the file, its identifiers and its signature."""

from __future__ import annotations

import datetime as dt
import plistlib
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django.fixtures import Settings

from guides.models import Provider
from helpdesk.signing import signer
from tests.factories import make_client, make_guide, make_notice, make_provider

pytestmark = pytest.mark.django_db

PATH = "/profile/example.net.mobileconfig"


def download(client: Client, address: str = "anna@example.net", path: str = PATH, **fields: str) -> dict[str, Any]:
    response = client.post(path, {"address": address, **fields})
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/x-apple-aspen-config"
    return dict(plistlib.loads(response.content))


def identifiers(profile: dict[str, Any]) -> list[str]:
    mail = profile["PayloadContent"][0]
    return [each[key] for each in (profile, mail) for key in ("PayloadIdentifier", "PayloadUUID")]


class TestProfile:
    def test_it_works(self, client: Client) -> None:
        provider = make_provider(name="Example & <Co>")
        provider.servers.filter(protocol="smtp").update(port=587, security="starttls", username="local_part")
        profile = download(client, "Anna+x@example.net")
        assert profile["PayloadType"] == "Configuration"
        assert profile["PayloadDisplayName"] == "Mail: Example & <Co>"
        (mail,) = profile["PayloadContent"]
        expected = {
            "PayloadType": "com.apple.mail.managed",
            "EmailAccountType": "EmailTypeIMAP",
            "EmailAddress": "Anna+x@example.net",
            "EmailAccountDescription": "Example & <Co>",
            "IncomingMailServerHostName": "imap.example.net",
            "IncomingMailServerPortNumber": 993,
            "IncomingMailServerUseSSL": True,
            "IncomingMailServerUsername": "Anna+x@example.net",
            "IncomingMailServerAuthentication": "EmailAuthPassword",
            "OutgoingMailServerHostName": "smtp.example.net",
            "OutgoingMailServerPortNumber": 587,
            "OutgoingMailServerUseSSL": True,
            "OutgoingMailServerUsername": "Anna+x",
            "OutgoingMailServerAuthentication": "EmailAuthPassword",
        }
        assert {key: mail[key] for key in expected} == expected
        assert not [key for key in mail if key.endswith("Password") and isinstance(mail[key], str)]

    def test_pop3(self, client: Client) -> None:
        make_provider()
        mail = download(client, protocol="pop3")["PayloadContent"][0]
        assert mail["EmailAccountType"] == "EmailTypePOP"
        assert (mail["IncomingMailServerHostName"], mail["IncomingMailServerPortNumber"]) == ("pop3.example.net", 995)

    def test_words_are_in_the_visitors_language(self, client: Client) -> None:
        make_provider(name="Example")
        titles = {
            language: download(client, language=language)["PayloadDisplayName"] for language in ("ja", "en", "ru")
        }
        assert titles == {"ja": "メール：Example", "en": "Mail: Example", "ru": "Почта: Example"}
        assert download(client, language="xx")["PayloadDisplayName"] == "Mail: Example"

    def test_by_get_for_a_whole_domain(self, client: Client) -> None:
        make_provider()
        response = client.get(PATH)
        mail = plistlib.loads(response.content)["PayloadContent"][0]
        assert "EmailAddress" not in mail
        assert "IncomingMailServerUsername" not in mail
        with_address = plistlib.loads(client.get(f"{PATH}?address=anna@example.net").content)
        assert with_address == download(client)

    def test_user_names_that_only_the_visitor_knows_are_left_to_the_device(self, client: Client) -> None:
        make_provider(username="other")
        mail = download(client)["PayloadContent"][0]
        assert "IncomingMailServerUsername" not in mail
        assert mail["EmailAddress"] == "anna@example.net"

    def test_two_downloads_have_the_same_identifiers_in_any_language(self, client: Client) -> None:
        make_provider()
        once, again = download(client), download(client, language="ja")
        assert identifiers(once) == identifiers(again)
        assert len(set(identifiers(once))) == 4

    def test_everything_that_makes_another_account_gives_other_identifiers(
        self, client: Client, settings: Settings
    ) -> None:
        provider = make_provider(domains=("example.net", "example.org"))
        profiles = [
            download(client),
            download(client, "berta@example.net"),
            download(client, "Anna@example.net"),  # the local part belongs to the mail server
            download(client, "anna@example.org"),
            download(client, protocol="pop3"),
            plistlib.loads(client.get(PATH).content),
        ]
        settings.BASE_URL = "https://help.example.org"
        profiles.append(download(client))
        settings.BASE_URL = ""
        provider.servers.filter(protocol="imap").update(host="imap2.example.net")
        profiles.append(download(client))
        provider.servers.filter(protocol="imap").update(host="imap.example.net")
        Provider.objects.filter(pk=provider.pk).update(slug="other")
        profiles.append(download(client))
        found = [name for profile in profiles for name in identifiers(profile)]
        assert len(set(found)) == len(found)

    def test_an_address_is_not_kept_anywhere(self, client: Client) -> None:
        make_provider()
        response = client.post(PATH, {"address": "anna@example.net"})
        assert response["Cache-Control"] == "no-store"
        assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert not response.cookies

    @pytest.mark.parametrize("kind", ["oauth2", "bridge", "none"])
    def test_none_where_no_password_is_possible(self, client: Client, kind: str) -> None:
        make_provider(password=kind)
        assert client.get(PATH).status_code == 404
        page = client.post(PATH, {"address": "anna@example.net"})
        assert page["Content-Type"].startswith("text/html")
        assert "There is no profile for this provider" in page.content.decode()

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("", "Enter your mail address."),
            ("anna", "There is no @ in it."),
            ("anna@example.org", "This address is not at Example."),
            ("a" * 400 + "@example.net", "This is too long"),
            ("an<na@example.net", "Something is wrong before the @."),
            ("an\u202ena@example.net", "invisible character"),
            ("an\0na@example.net", "invisible character"),
            ("anna@[127.0.0.1]", "a number instead of a name"),
        ],
    )
    def test_a_wrong_address_is_told_at_the_field_and_kept(self, client: Client, address: str, words: str) -> None:
        make_provider()
        response = client.post(PATH, {"address": address, "language": "en"})
        html = response.content.decode()
        assert response.status_code == 422
        assert html.count(words) == 2
        assert 'aria-invalid="true"' in html
        assert "<title>Error: " in html
        asked = client.get(PATH, {"address": address})
        assert asked.status_code == 422
        assert asked["Content-Type"] == "text/plain; charset=utf-8"

    def test_a_protocol_that_is_not_offered(self, client: Client) -> None:
        make_provider().servers.filter(protocol="pop3").delete()
        response = client.post(PATH, {"address": "anna@example.net", "protocol": "pop3"})
        assert response.status_code == 422
        assert client.get(f"{PATH}?protocol=pop3").status_code == 404
        assert client.get(f"{PATH}?protocol=smtp").status_code == 404
        assert client.get(f"{PATH}?protocol=imap").status_code == 200

    @pytest.mark.parametrize("domain", ["example.com", "%00", "127.0.0.1", "a" * 300])
    def test_unknown_domains(self, client: Client, domain: str) -> None:
        response = client.get(f"/profile/{domain}.mobileconfig")
        assert response.status_code == 404
        assert response["Content-Type"] == "text/plain; charset=utf-8"

    def test_other_methods(self, client: Client) -> None:
        make_provider()
        assert client.put(PATH).status_code == 405

    def test_another_site_cannot_make_a_browser_post(self, client: Client) -> None:
        make_provider()
        response = client.post(PATH, {"address": "anna@example.net"}, headers={"sec-fetch-site": "cross-site"})
        assert response.status_code == 403


class TestPage:
    def test_it_works(self, client: Client) -> None:
        provider = make_provider(name="Example", password="app_password")
        make_notice(provider, title="First make an app password")
        html = client.get("/en/apple/example.net/").content.decode()
        for words in (
            "Example on iPhone, iPad and Mac",
            "First make an app password",
            "within 8 minutes",
            "System Settings",
        ):
            assert words in html
        assert 'action="/profile/example.net.mobileconfig"' in html
        assert "http://testserver/en/apple/example.net/" in html
        assert 'src="/en/apple/example.net/qr.svg"' in html
        assert "POP3" in html
        assert "is not signed" in html

    def test_the_code_holds_this_pages_address_and_is_a_picture(self, client: Client) -> None:
        make_provider()
        response = client.get("/ja/apple/example.net/qr.svg")
        assert response["Content-Type"] == "image/svg+xml"
        assert ET.fromstring(response.content).tag == "{http://www.w3.org/2000/svg}svg"
        assert b"style" not in response.content
        other = client.get("/en/apple/example.net/qr.svg")
        assert other.content != response.content

    def test_unknown_domains_and_other_spellings(self, client: Client) -> None:
        make_provider()
        for path in ("/en/apple/example.com/", "/en/apple/%00/", "/en/apple/example.com/qr.svg"):
            assert client.get(path).status_code == 404
        assert client.get("/en/apple/EXAMPLE.net/")["Location"] == "/en/apple/example.net/"

    def test_settings_and_apples_guides_lead_to_it(self, client: Client) -> None:
        make_provider()
        make_provider("oauth", domains=("oauth.net",), password="oauth2")
        make_guide("ios-mail", client=make_client("ios-mail", reads_profile=True))
        make_guide("outlook")
        link = 'href="/en/apple/{}/"'
        for domain, expected in (("example.net", True), ("oauth.net", False)):
            for path in (f"/en/settings/{domain}/", f"/en/guides/ios-mail/?at={domain}"):
                assert (link.format(domain) in client.get(path).content.decode()) == expected
            assert link.format(domain) not in client.get(f"/en/guides/outlook/?at={domain}").content.decode()


class Authority:
    """A root, an intermediate one and a leaf, as files."""

    def __init__(self, folder: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        roots, middle = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = _certificate("Root", roots, None, roots, is_authority=True)
        between = _certificate("Between", middle, root, roots, is_authority=True)
        leaf = _certificate("help.example.org", key, between, middle, is_authority=False)
        self.root, self.chain, self.key = folder / "root.pem", folder / "chain.pem", folder / "key.pem"
        self.root.write_bytes(_pem(root))
        self.chain.write_bytes(_pem(between) + _pem(leaf))
        self.key.write_bytes(_key_pem(key))


def _certificate(
    name: str, key: Any, issuer: x509.Certificate | None, issuers: Any, *, is_authority: bool
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(issuers, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Any) -> bytes:
    return bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class TestSigning:
    @pytest.mark.parametrize("kind", ["rsa", "ec"])
    def test_openssl_verifies_it_with_the_root_alone(
        self, client: Client, settings: Settings, tmp_path: Path, kind: str
    ) -> None:
        key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
        authority = Authority(tmp_path, key)
        make_provider()
        plain = download(client)
        settings.PROFILE_SIGNER = signer(str(authority.chain), str(authority.key))
        response = client.post(PATH, {"address": "anna@example.net"})
        signed = tmp_path / "signed.der"
        signed.write_bytes(response.content)

        def verify(root: Path) -> subprocess.CompletedProcess[bytes]:
            command = ["openssl", "cms", "-verify", "-inform", "DER", "-in", str(signed), "-CAfile", str(root)]
            return subprocess.run(command, capture_output=True, check=False)

        verified = verify(authority.root)
        assert verified.returncode == 0, verified.stderr
        assert plistlib.loads(verified.stdout) == plain
        stranger = tmp_path / "stranger"
        stranger.mkdir()
        assert verify(Authority(stranger, key).root).returncode != 0
        assert "is not signed" not in client.get("/en/apple/example.net/").content.decode()

    def test_nothing_set_signs_nothing(self) -> None:
        assert signer("", "") is None

    def test_pem_itself_may_stand_in_the_settings(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path, ec.generate_private_key(ec.SECP256R1()))
        made = signer(authority.chain.read_text(), authority.key.read_text())
        assert "help.example.org" in repr(made)
        assert "PRIVATE" not in repr(made)

    def test_what_makes_no_sense_stops_the_start(self, tmp_path: Path) -> None:
        authority = Authority(tmp_path, ec.generate_private_key(ec.SECP256R1()))
        chain, key = str(authority.chain), str(authority.key)
        other = tmp_path / "other.pem"
        other.write_bytes(_key_pem(ec.generate_private_key(ec.SECP256R1())))
        edwards = tmp_path / "ed.pem"
        edwards.write_bytes(_key_pem(ed25519.Ed25519PrivateKey.generate()))
        for certificate, private, words in (
            (chain, "", "PROFILE_SIGNING_KEY is missing"),
            ("", key, "PROFILE_SIGNING_CERT is missing"),
            (chain, str(tmp_path / "none.pem"), "PROFILE_SIGNING_KEY: cannot read"),
            (str(tmp_path), key, "PROFILE_SIGNING_CERT: cannot read"),
            (chain, chain, "no private key"),
            (key, key, "no certificates"),
            (chain, str(other), "belongs to none"),
            (chain, str(edwards), "neither RSA nor"),
        ):
            with pytest.raises(ImproperlyConfigured, match=words) as caught:
                signer(certificate, private)
            assert "\n" not in str(caught.value)
