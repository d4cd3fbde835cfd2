"""Servers typed in by hand: whose they are is looked up before their answers are hidden; and it is said when they are."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from html import unescape

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation
from dnslib import MX
from pytest_django.fixtures import Settings

from guides.limits.rate_limits import lookup_permit
from guides.mail.accounts import Account, Protocol, Security, Server
from guides.mail.connection.test import TestPlan
from guides.mail.connection_report import ConnectionReport
from guides.mail.discovery.findings import ConfigSource, Finding
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.services import discovering
from guides.views import host_ownership, result_stream
from guides.views.visitor import VisitorContext
from tests.discovery_world import autoconfig_url, client_config, found, lead_to, publish
from tests.factories import make_article, make_provider
from tests.internet import Internet, Page
from tests.lab.dns import Name

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    made = Internet()
    publish(made, "named.test", ConfigSource.AUTOCONFIG)
    made.records("customer.test", MX("mx1.eu.hoster.test", 10), MX("backup.other.test", 20))
    made.records("filtered.test", MX("in.mimecast.com", 10))
    made.page(autoconfig_url("asks.test"), Page(status=400))
    made.page(
        f"{autoconfig_url('asks.test')}?emailaddress=anna%40asks.test", client_config("imap.a.test", "smtp.a.test")
    )
    with made:
        yield made


@pytest.fixture(autouse=True)
def portal_in_world(world: Internet, settings: Settings) -> Iterator[None]:
    lead_to(world, settings)
    world.asked.clear()
    yield
    cache.clear()


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[TestPlan]:
    noted: list[TestPlan] = []

    async def run(plan: TestPlan, *_rest: object, **_more: object) -> AsyncIterator[object]:
        noted.append(plan)
        yield Verdict(Outcome.OK, {}, milliseconds=1)

    monkeypatch.setattr(result_stream, "run_test", run)
    return noted


def typed(client: Client, plans: list[TestPlan], domain: str, *hosts: str) -> frozenset[str]:
    """The hosts that stay hidden of those that a visitor types in."""
    fields = {f"{protocol}_host": host for protocol, host in zip(("imap", "smtp", "pop3"), hosts, strict=False)}
    response = client.post("/en/test/", {"address": f"anna@{domain}", "password": "x"} | fields)
    assert response.status_code == 200, response.content.decode()
    return plans[-1].hidden_hosts


def looked_up(world: Internet, domain: str) -> int:
    return sum(count for name, count in world.dns.queries.items() if domain in str(name))


@pytest.mark.parametrize(
    ("domain", "host", "hidden"),
    [
        ("customer.test", "mx1.eu.hoster.test", False),
        ("customer.test", "backup.other.test", False),
        ("customer.test", "mail.hoster.test", False),  # beside the exchanger
        ("customer.test", "hoster.test", False),
        ("customer.test", "mail.nother.test", True),
        ("filtered.test", "in.mimecast.com", False),
        ("filtered.test", "eu.mimecast.com", True),  # it filters for others, and holds no mailboxes
        ("named.test", "imap.named.test", False),
        ("unheard-of.test", "10.intranet.example.org", True),
        ("unheard-of.test", "imap.unheard-of.test", False),
        # names below these belong to different owners
        ("co.uk", "mail.someone.co.uk", True),
        ("compute-1.amazonaws.com", "ec2-8-8-8-8.compute-1.amazonaws.com", True),
        ("amazonaws.com", "ec2-8-8-8-8.compute-1.amazonaws.com", True),
        ("nip.io", "8.8.8.8.nip.io", True),
        ("8.8.nip.io", "8.8.8.8.nip.io", True),
        ("your-server.de", "static.8.8.8.8.clients.your-server.de", True),
        ("provider.org", "dsl-8-8-8-8.provider.org", True),
    ],
)
def test_the_domain_is_asked_whose_a_host_is(
    client: Client, plans: list[TestPlan], domain: str, host: str, hidden: bool
) -> None:
    assert typed(client, plans, domain, host) == (frozenset({host}) if hidden else frozenset())


def test_other_settings_are_looked_for_then_too(client: Client, plans: list[TestPlan]) -> None:
    typed(client, plans, "named.test", "imap.elsewhere.org", "smtp.named.test")
    assert {server.host for server in plans[-1].known_servers} == {"imap.named.test", "smtp.named.test"}
    assert plans[-1].hidden_hosts == frozenset({"imap.elsewhere.org"})


@pytest.mark.parametrize("hosts", [("mail.customer.test",), ("customer.test", "imap.example.net")])
def test_nothing_is_asked_where_all_are_known(
    client: Client, plans: list[TestPlan], world: Internet, hosts: tuple[str, ...]
) -> None:
    """Own hosts, and those that the provider table lists."""
    make_provider()
    before = looked_up(world, "customer.test")
    assert typed(client, plans, "customer.test", *hosts) == frozenset()
    assert looked_up(world, "customer.test") == before


def test_what_was_found_is_kept(client: Client, plans: list[TestPlan], world: Internet) -> None:
    typed(client, plans, "customer.test", "mail.hoster.test")
    asked = looked_up(world, "customer.test")
    assert asked > 0
    assert typed(client, plans, "customer.test", "pop.hoster.test", "elsewhere.org") == frozenset({"elsewhere.org"})
    assert looked_up(world, "customer.test") == asked


@pytest.mark.parametrize("error", ["not_waited_for", "deadline"])
def test_exchangers_that_a_search_did_not_wait_for_are_asked_for(
    client: Client, plans: list[TestPlan], world: Internet, error: str
) -> None:
    """A discovery made for the settings page has findings in which they may be missing."""
    named = Account("customer.test", servers=(Server(Protocol.IMAP, "imap.named.test", 993, Security.TLS),))
    place = discovering._Kept("customer.test")
    place.keep([Finding(ConfigSource.AUTOCONFIG, named), Finding(ConfigSource.MX, error=error)])
    before = looked_up(world, "customer.test")
    assert typed(client, plans, "customer.test", "mail.hoster.test") == frozenset()
    assert looked_up(world, "customer.test") == before + 1
    assert typed(client, plans, "customer.test", "mail.hoster.test", "elsewhere.org") == frozenset({"elsewhere.org"})
    assert looked_up(world, "customer.test") == before + 1  # it is known now
    assert [server.host for server in plans[-1].known_servers] == ["imap.named.test"]


def test_a_domain_without_exchangers_is_asked_once(client: Client, plans: list[TestPlan], world: Internet) -> None:
    discovering._Kept("none.test").keep([Finding(ConfigSource.MX, error="not_waited_for")])
    for _ in range(2):
        assert typed(client, plans, "none.test", "mail.hoster.test") == frozenset({"mail.hoster.test"})
    assert looked_up(world, "none.test") == 1


def test_name_servers_that_fail_are_asked_again(client: Client, plans: list[TestPlan], world: Internet) -> None:
    world.zone["broken.test"] = Name(broken=True)
    discovering._Kept("broken.test").keep([Finding(ConfigSource.MX, error="not_waited_for")])
    assert typed(client, plans, "broken.test", "mail.hoster.test") == frozenset({"mail.hoster.test"})
    world.zone["broken.test"] = Name((MX("mx.hoster.test", 10),))
    assert typed(client, plans, "broken.test", "mail.hoster.test") == frozenset()


def test_beyond_the_budget_they_stay_hidden_and_the_test_goes_on(
    client: Client, plans: list[TestPlan], world: Internet, settings: Settings
) -> None:
    settings.LIMIT_VISITOR_LOOKUPS_HOUR = 1
    typed(client, plans, "unheard-of.test", "mail.example.org")
    before = looked_up(world, "customer.test")
    assert typed(client, plans, "customer.test", "mail.hoster.test") == frozenset({"mail.hoster.test"})
    assert looked_up(world, "customer.test") == before
    settings.LIMIT_VISITOR_LOOKUPS_HOUR = 10
    settings.LIMIT_LOOKUPS_PER_PROCESS = 1
    with lookup_permit():
        assert typed(client, plans, "customer.test", "mail.hoster.test") == frozenset({"mail.hoster.test"})


def test_nobody_is_told_the_address_for_it(client: Client, plans: list[TestPlan], world: Internet) -> None:
    typed(client, plans, "asks.test", "mail.example.org")
    assert world.asked
    assert not [asked for asked in world.asked if "anna" in asked.target]


def test_exchangers_that_are_no_public_hosts_belong_to_nobody(world: Internet) -> None:
    world.records("sly.test", MX("10.0.0.1", 10), MX("router.lan", 20), MX("co.uk", 30), MX("mx.sly.test", 40))
    discovery = discovering.thoroughly("sly.test")
    assert "10.0.0.1" not in found(discovery, ConfigSource.MX).exchangers
    assert "router.lan" not in found(discovery, ConfigSource.MX).exchangers
    visitor = VisitorContext("sly.test", discovery=discovery)
    for host in ("mail.co.uk", "other.lan", "10.0.0.1"):
        server = Server(Protocol.IMAP, host, 993, Security.TLS)
        assert host_ownership.hidden_hosts(visitor, (server,)) == frozenset({host})


# --- what is said of a hidden host ---------------------------------------------------------------------------

HIDDEN_WORDS = (
    "We do not know that this server belongs to your address. Of such servers the portal does not tell whether they "
    "refuse, keep silent or must not be reached: otherwise strangers could explore other people's networks through it. "
    "Compare the server's name with your provider's."
)
SENTENCE = "We do not know that this server belongs to your address."


def result_of(client: Client, monkeypatch: pytest.MonkeyPatch, host: str, language: str, cause: str) -> str:
    async def run(plan: TestPlan, *_rest: object, **_more: object) -> AsyncIterator[object]:
        yield StageResult(Leg.IMAP, Stage.CONNECT, Outcome.FAIL, cause, Owner.PROVIDER, host=host)
        yield Verdict(Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, cause, Owner.PROVIDER, 9, leg=Leg.IMAP)

    monkeypatch.setattr(result_stream, "run_test", run)
    cache.clear()  # what an earlier test found of the host would be told instead
    fields = {"address": "anna@unheard-of.test", "password": "x", "imap_host": host}
    return client.post(f"/{language}/test/", fields).content.decode()


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_it_is_said_why_the_portal_cannot_tell_more(
    client: Client, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    make_article("silence", classes=("tcp.timeout",), languages=("en", "ja", "ru"))
    with translation.override(language):
        sentence = str(translation.gettext(HIDDEN_WORDS))
    assert (sentence == HIDDEN_WORDS) is (language == "en")
    verdict = result_of(client, monkeypatch, "mail.example.org", language, "tcp.timeout")
    assert sentence in verdict.replace("&#x27;", "'")
    assert sentence not in result_of(client, monkeypatch, "mail.unheard-of.test", language, "tcp.timeout")
    assert sentence not in result_of(client, monkeypatch, "mail.example.org", language, "tls.not_tls")


def test_support_reads_it_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    html = result_of(client, monkeypatch, "mail.example.org", "en", "tcp.timeout")
    given = re.search(r'name="report" value="([^"]*)"', html)
    assert given is not None
    text = unescape(given[1])
    assert json.loads(text)["verdict"]["hidden"] is True
    assert ConnectionReport.from_json(text).is_hidden
    for kind in ("page", "text"):
        assert SENTENCE in client.post("/en/report/", {"report": text, "as": kind}).content.decode()
