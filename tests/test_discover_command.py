"""`manage.py discover`: its JSON, its words, its exit codes; each way of publishing, on loopback."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from dnslib import MX, SRV
from pytest_django.fixtures import Settings

from guides.mail.discovery.findings import ConfigSource
from guides.mail.discovery.serialization import as_record
from guides.models import Provider, ProviderDomain, SuffixRule
from guides.services import discovering
from tests.discovery_world import NETWORK_SOURCES, autoconfig_url, client_config, lead_to, publish
from tests.factories import make_provider
from tests.internet import Internet, Page

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    made = Internet()
    for source in NETWORK_SOURCES:
        publish(made, f"only-{source}.test", source)
    for source in (ConfigSource.AUTOCONFIG, ConfigSource.SRV):
        publish(made, "two.test", source, f"by-{source}")
    made.records("hosted.test", MX("mx1.eu.known.test", 10))
    made.records("foreign.test", MX("x.mimecast.com", 10))
    made.records("_imaps._tcp.foreign.test", SRV(0, 1, 993, "imap.hosting.test"))
    made.page(autoconfig_url("asks.test"), Page(status=400))
    made.page(
        f"{autoconfig_url('asks.test')}?emailaddress=anna%40asks.test",
        client_config("imap.asks.test", "smtp.asks.test"),
    )
    with made:
        yield made


@pytest.fixture(autouse=True)
def portal_in_world(world: Internet, settings: Settings) -> None:
    lead_to(world, settings)


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("discover", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


def record(name: str) -> dict[str, Any]:
    code, out, _err = run(name, "--json")
    found: dict[str, Any] = json.loads(out)
    assert code == (0 if found["servers"] or found["provider"] else 1)
    return found


def test_a_known_domain_is_answered_by_the_table_without_a_question(world: Internet) -> None:
    make_provider("known", password="app_password", oauth2=True)
    asked = sum(world.dns.queries.values())
    assert record("anna@example.net") == {
        "domain": "example.net",
        "provider": "known",
        "servers": [
            {"protocol": protocol, "host": f"{protocol}.example.net", "port": port, "security": "tls", "username": "address", "auth": ["oauth2", "app_password"]}
            for protocol, port in (("imap", 993), ("pop3", 995), ("smtp", 465))
        ],
        "password": "app_password",
        "sources": [{"name": "table", "found": True, "trust": "high", "error": None}]
        + [{"name": str(s), "found": False, "trust": None, "error": "not_asked"} for s in list(ConfigSource)[1:]],
        "confirm": None,
        "warnings": [],
    }  # fmt: skip
    assert sum(world.dns.queries.values()) == asked


@pytest.mark.parametrize("source", NETWORK_SOURCES)
def test_each_source_is_named(source: ConfigSource) -> None:
    found = record(f"only-{source}.test")
    assert found["servers"][0]["host"] == f"imap.only-{source}.test"
    assert [entry["name"] for entry in found["sources"] if entry["found"]] == [str(source)]
    assert [entry["name"] for entry in found["sources"]] == [str(name) for name in ConfigSource]
    assert [entry["name"] for entry in found["sources"] if entry["error"] == "not_listed"] == ["table", "ispdb"]
    assert found["provider"] is None


def test_every_domain_of_the_library_gives_the_tables_values(world: Internet) -> None:
    call_command("load_content", verbosity=0)
    asked = sum(world.dns.queries.values())
    domains = list(ProviderDomain.objects.select_related("provider"))
    assert len(domains) > 100
    for row in domains:
        discovery = discovering.from_table(row.domain)
        assert discovery is not None
        found = as_record(discovery)
        assert (found["domain"], found["provider"], found["password"]) == (
            row.domain,
            row.provider.slug,
            row.provider.password,
        )
        servers = [
            (server.protocol, server.host, server.port, server.security) for server in row.provider.servers.all()
        ]
        assert [(s["protocol"], s["host"], s["port"], s["security"]) for s in found["servers"]] == servers
    assert sum(world.dns.queries.values()) == asked


def test_disagreement_is_told() -> None:
    found = record("two.test")
    srv = next(entry for entry in found["sources"] if entry["name"] == "srv")
    assert [server["host"] for server in srv["differs"]] == ["imap.by-srv.two.test", "smtp.by-srv.two.test"]
    assert "differs: srv" in found["warnings"]


def test_an_exchanger_shows_the_provider_of_the_table() -> None:
    provider = make_provider("known")
    SuffixRule.objects.create(provider=provider, kind="mx", suffix="known.test")
    found = record("hosted.test")
    assert found["provider"] == "known"
    assert found["servers"][0]["host"] == "imap.example.net"
    assert found["confirm"] == "example.net"
    assert [entry["name"] for entry in found["sources"] if entry["found"]] == ["mx"]


def test_a_filtering_gateway_is_told_and_a_foreign_domain_wants_a_confirmation() -> None:
    found = record("foreign.test")
    assert found["confirm"] == "hosting.test"
    assert "gateway: mx: x.mimecast.com" in found["warnings"]


def test_an_address_is_sent_only_where_the_answer_needs_it(world: Internet) -> None:
    assert record("asks.test")["servers"] == []
    assert record("anna@asks.test")["servers"][0]["host"] == "imap.asks.test"
    with_address = {(asked.host, asked.target) for asked in world.asked if "anna" in asked.target}
    assert with_address == {("autoconfig.asks.test", "/mail/config-v1.1.xml?emailaddress=anna%40asks.test")}


def test_a_provider_that_no_mail_client_can_use_is_an_answer() -> None:
    provider = Provider.objects.create(slug="tuta", name="Tuta", password="none")
    ProviderDomain.objects.create(provider=provider, domain="tuta.com")
    code, out, _err = run("tuta.com", "--json")
    assert (code, json.loads(out)["password"]) == (0, "none")


def test_words() -> None:
    code, out, _err = run("two.test")
    assert code == 0
    assert "imap.by-autoconfig.two.test:993:tls" in out
    assert " * autoconfig    found, trust high" in out
    assert "says: imap imap.by-srv.two.test:993:tls" in out
    code, out, _err = run("foreign.test")
    assert "only the DNS points to hosting.test" in out


@pytest.mark.parametrize(
    "name", ["", "anna", "anna@", "an na@example.net", "127.0.0.1", "x" * 300, "localhost", "a..b"]
)
def test_a_wrong_call(name: str) -> None:
    code, out, err = run(name)
    assert code == 2
    assert out == ""
    assert "neither a mail address nor a domain" in err


def test_nothing_found() -> None:
    code, out, _err = run("nothing.test")
    assert code == 1
    assert "nothing.test: no settings found" in out
