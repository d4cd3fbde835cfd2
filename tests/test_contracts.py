"""What operators script, visitors bookmark and other programs call: every name of the contract exists, none is renamed."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings as django_settings
from django.core.management import get_commands
from django.test import Client
from pytest_django.fixtures import Settings

from helpdesk import gunicorn
from tests.factories import make_article, make_guide, make_provider
from tests.test_docs import read

# method, path, status, what is posted
ROUTES = """
GET / 302
GET /LANGUAGE/ 200
POST /LANGUAGE/settings/ 200 address=anna@birds.example.net
GET /LANGUAGE/settings/birds.example.net/ 200
GET /LANGUAGE/settings/birds.example.net.json 200
GET /LANGUAGE/guides/ 200
GET /LANGUAGE/guides/thunderbird/?at=birds.example.net&version=128&protocol=imap 200
GET /LANGUAGE/errors/ 200
GET /LANGUAGE/errors/mailbox-full/ 200
POST /LANGUAGE/errors/find/ 200 text=552 mailbox full
GET /LANGUAGE/test/ 200
POST /LANGUAGE/test/ 422 address=
GET /LANGUAGE/search/?q=password 200
GET /go/thunderbird/ 302
GET /mail/config-v1.1.xml?emailaddress=anna@birds.example.net 200
GET /.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=anna@birds.example.net 200
GET /v1.1/birds.example.net 200
POST /autodiscover/autodiscover.xml 200
POST /Autodiscover/AutoDiscover.XML 200
GET /autodiscover/autodiscover.json?Protocol=AutodiscoverV1 200
GET /profile/birds.example.net.mobileconfig 200
POST /profile/birds.example.net.mobileconfig 200 address=anna@birds.example.net
GET /.well-known/user-agent-configuration.json 200
GET /tls-names?domain=foreign.example.net 403
GET /livez 200
GET /readyz 200
GET /metrics 200
GET /sitemap.xml 200
GET /robots.txt 200
GET /.well-known/security.txt 200
"""
COMMANDS = """
discover testmail explain load_content dump_content import_ispdb own_domain dns_records backup restore doctor tidy
"""
TARGETS = "run test bench quick test-matrix"
SETTINGS = """
SECRET_KEY DEBUG ALLOWED_HOSTS BASE_URL DATABASE_URL CACHE_URL TRUSTED_PROXIES ADMIN_PATH PORTAL_NAME SUPPORT_URL
DEFAULT_LANGUAGE EHLO_NAME DNS_SERVERS EXTRA_CA_FILE ALLOWED_NETWORKS ALLOWED_PORTS ALLOWED_SUFFIXES
PROFILE_SIGNING_CERT PROFILE_SIGNING_KEY PORT
LIMIT_VISITOR_HOUR LIMIT_VISITOR_DAY LIMIT_VISITOR_AT_ONCE LIMIT_ACCOUNT_10_MINUTES LIMIT_ACCOUNT_HOUR LIMIT_ACCOUNT_DAY
LIMIT_HOST_10_MINUTES LIMIT_HOST_EXEMPT LIMIT_PROOF_WORK
"""
POX = """<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>
<EMailAddress>anna@birds.example.net</EMailAddress><AcceptableResponseSchema>
http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
</Request></Autodiscover>"""


@pytest.fixture
def library(db: None) -> None:
    """A provider, a guide and an article."""
    make_provider(domains=("birds.example.net",), is_own=True)
    make_guide()
    make_article("mailbox-full")


def test_every_route_is_there(library: None, client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN, settings.SECURITY_CONTACT = "t" * 20, "mailto:security@example.net"
    wrong = []
    for line in ROUTES.strip().splitlines():
        method, path, status, *rest = line.split(" ", 3)
        name, _is, value = (rest or [""])[0].partition("=")
        for language in ("ja", "en", "ru") if "LANGUAGE" in path else ("",):
            url, headers = path.replace("LANGUAGE", language), {"authorization": f"Bearer {settings.METRICS_TOKEN}"}
            if method == "GET":
                answer = client.get(url, headers=headers)
            elif path.lower().endswith(".xml"):
                answer = client.post(url, POX, content_type="text/xml")
            else:
                answer = client.post(url, {name: value})
            if answer.status_code != int(status):
                wrong.append(f"{method} {url}: {answer.status_code}")
    assert wrong == []


def test_every_command_is_there() -> None:
    assert set(COMMANDS.split()) - set(get_commands()) == set()
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(TARGETS.split()) - targets == set()


def test_every_setting_is_there() -> None:
    assert set(SETTINGS.split()) - (django_settings.SETTING_NAMES | gunicorn.SETTING_NAMES) == set()


def test_the_map_of_the_site_names_every_page_in_each_language(library: None, client: Client) -> None:
    site = ET.fromstring(client.get("/sitemap.xml").content)
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    found = {each.text for each in site.iter(f"{space}loc")}
    for language in ("ja", "en", "ru"):
        for page in ("", "guides/", "errors/"):
            assert f"http://testserver/{language}/{page}" in found
    assert {"http://testserver/en/guides/thunderbird/", "http://testserver/en/errors/mailbox-full/"} <= found
    others = [
        each.get("hreflang") for each in next(site.iter(f"{space}url")).iter("{http://www.w3.org/1999/xhtml}link")
    ]
    assert others == ["ja", "en", "ru"]
    assert b"Sitemap: http://testserver/sitemap.xml" in client.get("/robots.txt").content
