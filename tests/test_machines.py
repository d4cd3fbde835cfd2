"""What mail clients fetch by themselves: autoconfig, Autodiscover, PACC, and the question about certificates."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from guides.models import Provider
from tests.factories import make_client, make_guide, make_provider

pytestmark = pytest.mark.django_db

REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
ENVELOPE = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
CONFIG_PLACES = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")


def config(client: Client, address: str, host: str = "testserver", place: str = CONFIG_PLACES[0]) -> ET.Element:
    response = client.get(f"{place}?emailaddress={quote(address)}", headers={"host": host})
    assert response.status_code == 200, response.content
    return ET.fromstring(response.content)


def ask_pox(client: Client, body: bytes, path: str = "/autodiscover/autodiscover.xml", **options: str) -> ET.Element:
    response = client.post(path, body, content_type=options.pop("content_type", "text/xml"), **options)
    assert response.status_code == 200
    return ET.fromstring(response.content)


def pox_body(address: str = "anna@example.net", schema: str = OUTLOOK.strip("{}"), namespace: str = REQUEST) -> bytes:
    root = ET.Element("Autodiscover", {"xmlns": namespace})
    request = ET.SubElement(root, "Request")
    ET.SubElement(request, "EMailAddress").text = address
    ET.SubElement(request, "AcceptableResponseSchema").text = schema
    return bytes(ET.tostring(root))


def error_code(answer: ET.Element) -> str | None:
    return answer.findtext(f"{ENVELOPE}Response/{ENVELOPE}Error/{ENVELOPE}ErrorCode")


class TestAutoconfig:
    @pytest.mark.parametrize("place", CONFIG_PLACES)
    def test_it_works(self, client: Client, place: str) -> None:
        make_provider(name="Example <Mail> & Co", oauth2=True, domains=("example.net", "example.org"))
        root = config(client, "anna@example.org", place=place)
        provider = root.find("emailProvider")
        assert root.get("version") == "1.1"
        assert provider is not None
        assert provider.get("id") == "example.org"
        assert [element.text for element in provider.findall("domain")] == ["example.org", "example.net"]
        assert provider.findtext("displayName") == "Example <Mail> & Co"
        servers = provider.findall("incomingServer") + provider.findall("outgoingServer")
        assert [
            (
                s.get("type"),
                s.findtext("hostname"),
                s.findtext("port"),
                s.findtext("socketType"),
                s.findtext("username"),
            )
            for s in servers
        ] == [
            ("imap", "imap.example.net", "993", "SSL", "%EMAILADDRESS%"),
            ("pop3", "pop3.example.net", "995", "SSL", "%EMAILADDRESS%"),
            ("smtp", "smtp.example.net", "465", "SSL", "%EMAILADDRESS%"),
        ]
        assert [element.text for element in servers[0].findall("authentication")] == ["OAuth2", "password-cleartext"]

    def test_by_domain_as_an_ispdb_does(self, client: Client) -> None:
        make_provider()
        response = client.get("/v1.1/EXAMPLE.net")
        assert response.status_code == 200
        assert response["Content-Type"] == "text/xml; charset=utf-8"
        assert b"imap.example.net" in response.content
        assert client.get("/v1.1/example.com").status_code == 404

    def test_programs_may_fetch_it_from_anywhere_and_keep_it_and_get_no_cookie(self, client: Client) -> None:
        make_provider()
        response = client.get("/mail/config-v1.1.xml?emailaddress=anna@example.net")
        assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert response["Cache-Control"] == "public, max-age=300"
        assert not response.cookies

    def test_user_name_forms_are_placeholders(self, client: Client) -> None:
        make_provider(username="local_part")
        root = config(client, "anna@example.net")
        assert {element.text for element in root.iter("username")} == {"%EMAILLOCALPART%"}

    def test_servers_without_encryption_are_left_out(self, client: Client) -> None:
        provider = make_provider()
        provider.servers.filter(protocol="pop3").update(security="none", port=110)
        provider.servers.filter(protocol="smtp").update(security="starttls", port=587)
        root = config(client, "anna@example.net")
        assert [element.text for element in root.iter("socketType")] == ["SSL", "STARTTLS"]
        assert [element.get("type") for element in root.iter("incomingServer")] == ["imap"]

    def test_a_provider_without_a_server_for_one_direction_is_not_served(self, client: Client) -> None:
        make_provider().servers.filter(protocol="smtp").delete()
        assert client.get("/v1.1/example.net").status_code == 404

    def test_guides_are_named_in_each_language(self, client: Client) -> None:
        make_provider(must_enable=True)
        make_guide(client=make_client(reads_autoconfig=True), languages=("en", "ja", "ru"))
        make_guide("outlook", client=make_client("outlook"))
        root = config(client, "anna@example.net")
        assert [element.get("url") for element in root.iter("documentation")] == [
            f"http://testserver/{language}/guides/thunderbird/?at=example.net" for language in ("en", "ja", "ru")
        ]
        enable = {
            element.find("instruction").get("lang"): element.get("visiturl")  # type: ignore[union-attr]
            for element in root.iter("enable")
        }
        assert enable == {
            language: f"http://testserver/{language}/settings/example.net/" for language in ("ja", "en", "ru")
        }
        page = client.get(next(root.iter("documentation")).get("url", "").removeprefix("http://testserver"))
        assert page.status_code == 200

    def test_existing_and_other_addresses_get_the_same_bytes(self, client: Client) -> None:
        make_provider()
        answers = {
            client.get(f"/mail/config-v1.1.xml?emailaddress={address}@example.net").content
            for address in (
                "anna",
                "nobody",
                "%3Canna%3E",
                "a%26b",
                "%5D%5D%3E",
                "%22'",
                "%E2%80%AEanna",
                "%00",
                "a" * 220,
            )
        }
        assert len(answers) == 1
        assert b"anna" not in answers.pop()

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "anna",
            "anna@",
            "@",
            "anna@example.com",
            "anna@[127.0.0.1]",
            "anna@127.0.0.1",
            "anna@[::1]",
            "anna@exa\0mple.net",
            "anna@example.net\0",
            "anna@\u202eexample.net",
            "anna@" + "a" * 400 + ".net",
            "anna@" + "é." * 400 + "net",
            "a@b@example.com",
            '"><script>@x',
        ],
    )
    def test_what_is_no_address_of_a_known_domain_is_not_found(self, client: Client, address: str) -> None:
        make_provider()
        assert client.get("/v1.1/example.net").status_code == 200
        response = client.get(f"/mail/config-v1.1.xml?emailaddress={quote(address)}")
        assert response.status_code == 404
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert len(response.content) < 100
        assert b"script" not in response.content

    @pytest.mark.parametrize("domain", ["%00", "localhost", "127.0.0.1", "a" * 300, "..", "%F0%9F%98%80", "-"])
    def test_domains_that_cannot_be_are_not_found(self, client: Client, domain: str) -> None:
        assert client.get(f"/v1.1/{domain}").status_code == 404

    @pytest.mark.parametrize(
        "path", [*CONFIG_PLACES, "/v1.1/example.net", "/.well-known/user-agent-configuration.json"]
    )
    @pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
    def test_other_methods_are_refused_in_plain_text(self, client: Client, path: str, method: str) -> None:
        make_provider()
        response = getattr(client, method)(path)
        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD"
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert client.head(path).status_code in (200, 404)

    def test_known_domains_can_be_switched_off(self, client: Client, settings: Settings) -> None:
        make_provider("own", domains=("example.org",), is_own=True)
        make_provider()
        for path in ("/v1.1/example.net", "/mail/config-v1.1.xml?emailaddress=anna@example.net"):
            settings.SERVE_KNOWN_DOMAINS = True
            assert client.get(path).status_code == 200
            settings.SERVE_KNOWN_DOMAINS = False
            assert client.get(path).status_code == 404
        assert client.get("/v1.1/example.org").status_code == 200

    def test_without_a_cache_the_database_is_asked(self, client: Client, settings: Settings) -> None:
        make_provider(is_own=True)
        redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
        settings.CACHES = {**settings.CACHES, "default": redis}
        assert client.get("/v1.1/example.net").status_code == 200
        assert client.get("/tls-names?domain=autoconfig.example.net").status_code == 200
        assert client.get("/tls-names?domain=autoconfig.example.org").status_code == 403


class TestHosts:
    @pytest.fixture(autouse=True)
    def own_and_foreign(self) -> None:
        make_provider("own", name="Our mail", domains=("example.org", "example.com"), is_own=True)
        make_provider()

    @pytest.mark.parametrize(
        "host", ["autoconfig.example.org", "AUTOCONFIG.example.org:8000", "autoconfig.example.org."]
    )
    def test_own_domains_are_served_on_their_hosts_without_being_listed(self, client: Client, host: str) -> None:
        response = client.get("/mail/config-v1.1.xml", headers={"host": host})
        assert response.status_code == 200
        assert b'<emailProvider id="example.org">' in response.content
        assert b"%EMAILADDRESS%" in response.content

    def test_the_bare_domain_is_accepted_too(self, client: Client) -> None:
        response = client.get("/.well-known/autoconfig/mail/config-v1.1.xml", headers={"host": "example.org"})
        assert response.status_code == 200
        assert b'<emailProvider id="example.org">' in response.content

    def test_an_address_at_another_own_domain_is_served_and_at_a_foreign_one_not(self, client: Client) -> None:
        root = config(client, "anna@example.com", host="autoconfig.example.org")
        assert root.find("emailProvider[@id='example.com']") is not None
        path = "/mail/config-v1.1.xml?emailaddress=anna@example.net"
        assert client.get(path).status_code == 200
        assert client.get(path, headers={"host": "autoconfig.example.org"}).status_code == 404
        assert client.get("/v1.1/example.net", headers={"host": "autoconfig.example.org"}).status_code == 404
        assert client.get("/v1.1/example.net", headers={"host": "example.org"}).status_code == 404

    @pytest.mark.parametrize(
        "host",
        [
            "autoconfig.example.net",
            "example.net",
            "autoconfig.autoconfig.example.org",
            "mta-sts.example.org",
            "imap.example.org",
            "autoconfig.example.org.evil.net",
            "evil-autoconfig.example.org",
            "autoconfig.",
            "a" * 300 + ".example.org",
            "autoconfig.example.org/@evil.net",
        ],
    )
    def test_other_hosts_are_refused(self, client: Client, host: str) -> None:
        assert client.get("/mail/config-v1.1.xml", headers={"host": host}).status_code == 400

    def test_foreign_domains_are_not_served_where_any_host_is_allowed(self, client: Client, settings: Settings) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        path = "/mail/config-v1.1.xml?emailaddress=anna@example.net"
        assert client.get(path, headers={"host": "portal.example"}).status_code == 200
        assert client.get(path, headers={"host": "autoconfig.example.net"}).status_code == 404

    def test_pages_of_the_portal_are_not_served_there(self, client: Client) -> None:
        for path in ("/", "/en/", "/admin/", "/static/css/site.css", "/livez", "/profile/example.org.mobileconfig"):
            response = client.get(path, headers={"host": "autoconfig.example.org"})
            assert response.status_code == 404
            assert response["Content-Type"] == "text/plain; charset=utf-8"
            assert "Content-Security-Policy" in response

    def test_links_lead_to_the_portal_and_not_to_the_clients_host(self, client: Client, settings: Settings) -> None:
        make_guide(client=make_client(reads_autoconfig=True))
        without = client.get("/mail/config-v1.1.xml", headers={"host": "autoconfig.example.org"}).content
        assert b"documentation" not in without
        settings.BASE_URL, settings.ALLOWED_HOSTS = "https://help.example.org", ["help.example.org"]
        root = config(client, "", host="autoconfig.example.org")
        urls = [element.get("url") for element in root.iter("documentation")]
        assert urls == ["https://help.example.org/en/guides/thunderbird/?at=example.org"]

    def test_hsts_is_left_to_the_domains_own_web_server(self, client: Client, settings: Settings) -> None:
        settings.SECURE_HSTS_SECONDS = 3600
        client = Client()
        assert "Strict-Transport-Security" in client.get("/livez", secure=True)
        answer = client.get("/mail/config-v1.1.xml", secure=True, headers={"host": "autoconfig.example.org"})
        assert answer.status_code == 200
        assert "Strict-Transport-Security" not in answer

    def test_plain_http_is_sent_on_to_the_portal_which_has_a_certificate(
        self, client: Client, settings: Settings
    ) -> None:
        settings.SECURE_SSL_REDIRECT = True
        settings.BASE_URL, settings.ALLOWED_HOSTS = "https://help.example.org", ["help.example.org"]
        path = "/mail/config-v1.1.xml?emailaddress=anna@example.org"
        answer = Client().get(path, headers={"host": "autoconfig.example.org"})
        assert answer["Location"] == f"https://help.example.org{path}"

    def test_domains_in_other_alphabets(self, client: Client) -> None:
        make_provider("ru", domains=("xn--e1afmkfd.xn--p1ai",), is_own=True)
        answer = client.get("/mail/config-v1.1.xml", headers={"host": "autoconfig.xn--e1afmkfd.xn--p1ai"})
        assert answer.status_code == 200
        root = config(client, "анна@пример.рф")
        assert root.find("emailProvider[@id='xn--e1afmkfd.xn--p1ai']") is not None

    def test_a_domain_that_is_own_no_longer_is_refused(self, client: Client) -> None:
        ask = {"headers": {"host": "autoconfig.example.org"}}
        assert client.get("/mail/config-v1.1.xml", **ask).status_code == 200  # type: ignore[arg-type]
        Provider.objects.get(slug="own").delete()
        assert client.get("/mail/config-v1.1.xml", **ask).status_code == 400  # type: ignore[arg-type]

    def test_the_portals_own_host_answers_without_an_address_for_the_domain_it_stands_at(
        self, client: Client, settings: Settings
    ) -> None:
        settings.ALLOWED_HOSTS = ["help.example.com", "portal.example"]
        answer = client.get("/mail/config-v1.1.xml", headers={"host": "help.example.com"})
        assert b'<emailProvider id="example.com">' in answer.content
        assert client.get("/mail/config-v1.1.xml", headers={"host": "portal.example"}).status_code == 404


class TestTlsNames:
    @pytest.fixture(autouse=True)
    def own(self) -> None:
        make_provider("own", domains=("example.org",), is_own=True)
        make_provider()

    @pytest.mark.parametrize("prefix", ["autoconfig", "autodiscover", "ua-auto-config", "mta-sts", "MTA-STS"])
    def test_yes_for_the_four_names_of_own_domains(self, client: Client, prefix: str) -> None:
        response = client.get(f"/tls-names?domain={prefix}.example.org")
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "example.org",
            "www.example.org",
            "autoconfig.example.net",
            "autoconfig.autoconfig.example.org",
            "autoconfig.sub.example.org",
            "autoconfig",
            "autoconfig.",
            "127.0.0.1",
            "autoconfig.example.org%00",
            "autoconfig." + "a" * 400,
            "*.example.org",
        ],
    )
    def test_no_for_all_others(self, client: Client, name: str) -> None:
        assert client.get(f"/tls-names?domain={name}").status_code == 403
        assert client.get("/tls-names").status_code == 403

    def test_a_proxy_may_ask_by_any_name_and_without_https(self, client: Client, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT = True
        client = Client()
        ask = {"headers": {"host": "web:8000"}}
        assert client.get("/tls-names?domain=autoconfig.example.org", **ask).status_code == 200  # type: ignore[arg-type]
        assert client.get("/tls-names?domain=autoconfig.example.net", **ask).status_code == 403  # type: ignore[arg-type]
        settings.SECURE_SSL_REDIRECT = False
        assert Client().get("/livez", **ask).status_code == 400  # type: ignore[arg-type]

    def test_other_methods(self, client: Client) -> None:
        assert client.post("/tls-names?domain=autoconfig.example.org").status_code == 405


class TestPox:
    def test_it_works(self, client: Client) -> None:
        make_provider(username="local_part").servers.filter(protocol="smtp").update(port=587, security="starttls")
        answer = ask_pox(client, pox_body("anna&co@example.net"))
        account = answer.find(f"{OUTLOOK}Response/{OUTLOOK}Account")
        assert account is not None
        assert account.findtext(f"{OUTLOOK}AccountType") == "email"
        assert account.findtext(f"{OUTLOOK}Action") == "settings"
        said = [
            {element.tag.removeprefix(OUTLOOK): element.text for element in protocol}
            for protocol in account.findall(f"{OUTLOOK}Protocol")
        ]
        common = {"DomainRequired": "off", "LoginName": "anna&co", "SPA": "off", "SSL": "on", "AuthRequired": "on"}
        assert said == [
            {"Type": "IMAP", "Server": "imap.example.net", "Port": "993", "Encryption": "SSL", **common},
            {"Type": "POP3", "Server": "pop3.example.net", "Port": "995", "Encryption": "SSL", **common},
            {
                "Type": "SMTP",
                "Server": "smtp.example.net",
                "Port": "587",
                "Encryption": "TLS",
                **common,
                "UsePOPAuth": "off",
                "SMTPLast": "off",
            },
        ]

    @pytest.mark.parametrize(
        "path", ["/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.xml", "/AUTODISCOVER/AUTODISCOVER.XML"]
    )
    def test_any_letter_case(self, client: Client, path: str) -> None:
        make_provider()
        assert error_code(ask_pox(client, pox_body(), path)) is None

    def test_own_domains_on_their_hosts_alone(self, client: Client) -> None:
        make_provider("own", domains=("example.org",), is_own=True)
        make_provider()
        host = {"HTTP_HOST": "autodiscover.example.org"}
        assert error_code(ask_pox(client, pox_body("anna@example.org"), **host)) is None
        assert error_code(ask_pox(client, pox_body("anna@example.net"), **host)) == "601"
        assert error_code(ask_pox(client, pox_body("anna@example.net"))) is None

    def test_never_a_redirect_and_the_same_for_every_mailbox(self, client: Client) -> None:
        make_provider()
        one, other = (ask_pox(client, pox_body(f"{name}@example.net")) for name in ("anna", "nobody"))
        text = ET.tostring(one, encoding="unicode")
        assert "redirect" not in text.lower()
        assert text.replace("anna", "nobody") == ET.tostring(other, encoding="unicode")

    def test_oauth_alone_has_no_answer(self, client: Client) -> None:
        make_provider(password="oauth2")
        assert error_code(ask_pox(client, pox_body())) == "601"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "600"),
            (b"no XML at all", "600"),
            (b"<Autodiscover/>", "600"),
            (
                pox_body(namespace="http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006"),
                "600",
            ),
            (f'<Autodiscover xmlns="{REQUEST}"/>'.encode(), "600"),
            (pox_body(""), "600"),
            (pox_body("anna"), "600"),
            (pox_body("anna@[127.0.0.1]"), "600"),
            (pox_body("an\u202ena@example.net"), "600"),
            (pox_body("a" * 400 + "@example.net"), "600"),
            (pox_body("anna@example.com"), "601"),
            (
                pox_body(schema="http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"),
                "601",
            ),
            (pox_body(schema=""), "601"),
            (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]>' + pox_body(), "600"),
            (b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + pox_body(), "600"),
            (b'<?xml version="1.0" encoding="nonsense-9"?>' + pox_body(), "600"),
            (b"\xff\xfe\x00\x00", "600"),
            (pox_body("anna@example.net" + " " * 1_000_000), "600"),
            (b"<a>" * 5000, "600"),
        ],
        ids=range(19),
    )
    def test_what_has_no_answer_gets_a_code(self, client: Client, body: bytes, code: str) -> None:
        make_provider()
        assert error_code(ask_pox(client, pox_body())) is None
        assert error_code(ask_pox(client, body)) == code

    @pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "text/plain", "x", ""])
    def test_the_body_counts_and_not_its_label(self, client: Client, content_type: str) -> None:
        make_provider()
        assert error_code(ask_pox(client, pox_body(), content_type=content_type)) is None

    def test_other_methods_are_refused(self, client: Client) -> None:
        response = client.get("/autodiscover/autodiscover.xml")
        assert response.status_code == 405
        assert response["Allow"] == "POST"
        assert b"POST" in response.content


class TestV2:
    @pytest.mark.parametrize(
        "path",
        [
            "/autodiscover/autodiscover.json?Email=anna@example.net&Protocol=AutodiscoverV1",
            "/Autodiscover/AutoDiscover.json?email=anna@example.net&protocol=autodiscoverv1",
            "/autodiscover/autodiscover.json/v1.0/anna@example.net?Protocol=Autodiscoverv1",
        ],
    )
    def test_it_works(self, client: Client, path: str) -> None:
        make_provider()
        response = client.get(path)
        assert response.status_code == 200
        url = "http://testserver/autodiscover/autodiscover.xml"
        assert response.json() == {"Protocol": "AutodiscoverV1", "Url": url}

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("", 400, "MandatoryParameterMissing"),
            ("Email=anna@example.net", 400, "MandatoryParameterMissing"),
            ("Email=anna@example.net&Protocol=ActiveSync", 400, "ProtocolNotSupported"),
            ("Email=anna@example.com&Protocol=AutodiscoverV1", 404, "NotFound"),
            ("Protocol=AutodiscoverV1", 404, "NotFound"),
            ("Email=anna@[::1]&Protocol=AutodiscoverV1", 404, "NotFound"),
            ("Email=%00&Protocol=AutodiscoverV1", 404, "NotFound"),
        ],
    )
    def test_errors_are_said_in_its_own_words(self, client: Client, query: str, status: int, code: str) -> None:
        make_provider()
        response = client.get(f"/autodiscover/autodiscover.json?{query}")
        assert response.status_code == status
        assert response.json()["ErrorCode"] == code
        assert client.post(f"/autodiscover/autodiscover.json?{query}").status_code == 405


class TestPacc:
    PATH = "/.well-known/user-agent-configuration.json"

    def test_it_works(self, client: Client, settings: Settings) -> None:
        settings.BASE_URL, settings.ALLOWED_HOSTS = "https://help.example.org", ["help.example.org"]
        make_provider("own", name="Our mail", domains=("example.org",), is_own=True)
        response = client.get(self.PATH, headers={"host": "ua-auto-config.example.org"})
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"
        assert json.loads(response.content) == {
            "protocols": {
                "imap": {"host": "imap.example.org"},
                "pop3": {"host": "pop3.example.org"},
                "smtp": {"host": "smtp.example.org"},
                "submit": {"host": "smtp.example.org"},
            },
            "authentication": {"password": True},
            "info": {
                "provider": {"name": "Our mail", "shortName": "Our mail"},
                "help": {"documentation": "https://help.example.org/en/settings/example.org/"},
            },
        }
        for headers in ({"host": "help.example.org"}, {"host": "ua-auto-config.example.org", "accept-language": "ja"}):
            assert client.get(self.PATH, headers=headers).content == response.content

    def test_what_pacc_cannot_say_is_not_served(self, client: Client) -> None:
        provider = make_provider("own", domains=("example.org",), is_own=True)
        ask = {"headers": {"host": "ua-auto-config.example.org"}}
        assert client.get(self.PATH, **ask).status_code == 200  # type: ignore[arg-type]
        provider.servers.filter(protocol="smtp").update(security="starttls", port=587)
        assert client.get(self.PATH, **ask).status_code == 404  # type: ignore[arg-type]
        provider.servers.filter(protocol="smtp").update(security="tls", port=465, username="local_part")
        assert client.get(self.PATH, **ask).status_code == 404  # type: ignore[arg-type]

    def test_foreign_domains_have_none(self, client: Client) -> None:
        make_provider()
        assert client.get(self.PATH).status_code == 404


SCHEMA = Path(__file__).parent / "schemas" / "autoconfig-1.1.rng"


def test_answers_are_valid_by_the_schema(client: Client) -> None:
    make_provider(must_enable=True, webmail_url="https://mail.example.net/?a=1&b=2", name="A & <B>")
    make_guide(client=make_client(reads_autoconfig=True))
    body = client.get("/v1.1/example.net").content
    command = ["xmllint", "--nonet", "--noout", "--relaxng", str(SCHEMA), "-"]
    assert subprocess.run(command, input=body, check=False, capture_output=True).returncode == 0
    wrong = body.replace(b"password-cleartext", b"plain")
    assert subprocess.run(command, input=wrong, check=False, capture_output=True).returncode != 0
