"""The settings of a domain that the table does not know: looked up, shown with their sources, kept, confirmed, by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import combinations
from time import monotonic

import pytest
from django.core.cache import cache
from django.test import Client
from dnslib import MX, SRV
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from guides.mail.accounts import Account, PasswordKind, Protocol, Security, Server
from guides.mail.connection.test import TestPlan
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.discovery.search import Timeouts
from guides.models import SuffixRule
from guides.services import discovering
from guides.views import result_stream
from tests.discovery_world import autoconfig_url, client_config, lead_to, publish
from tests.factories import make_guide, make_provider
from tests.internet import Internet, Page
from tests.lab.dns import Name

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    made = Internet()
    publish(made, "known.test", ConfigSource.AUTOCONFIG)
    made.page(autoconfig_url("hanging.test"), Page(seconds=60))
    for source in (ConfigSource.PACC, ConfigSource.AUTOCONFIG, ConfigSource.SRV):
        publish(made, "split.test", source, f"by-{source}")
    made.records("_imaps._tcp.foreign.test", SRV(0, 1, 993, "imap.hosting.test"))
    made.records("_submissions._tcp.foreign.test", SRV(0, 1, 465, "smtp.hosting.test"))
    made.records("hosted.test", MX("mx1.big.test", 10))
    publish(made, "guessed.test", ConfigSource.GUESS)
    made.page(autoconfig_url("asks.test"), Page(status=400))
    made.page(
        f"{autoconfig_url('asks.test')}?emailaddress=anna%40asks.test",
        client_config("imap.asks.test", "smtp.asks.test"),
    )
    clear = client_config("imap.clear.test", port=143, socket="plain")
    made.page(autoconfig_url("clear.test"), clear)
    made.page(
        autoconfig_url("evil.test"),
        client_config("imap.evil.test", "smtp.evil.test").replace(
            b"<domain>", b"<displayName>&lt;script&gt;alert(1)</displayName><domain>"
        ),
    )
    with made:
        yield made


@pytest.fixture(autouse=True)
def portal_in_world(world: Internet, settings: Settings) -> None:
    lead_to(world, settings)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[TestPlan]:
    """The plans of the tests that the page would run; none is run."""
    noted: list[TestPlan] = []

    async def run(plan: TestPlan, *rest: object, **_more: object) -> AsyncIterator[object]:
        noted.append(plan)
        return
        yield

    monkeypatch.setattr(result_stream, "run_test", run)
    return noted


def post(client: Client, domain: str, **fields: str) -> str:
    response = client.post("/en/settings/", {"address": f"anna@{domain}"} | fields)
    assert response.status_code == 200
    return str(response.content.decode())


def test_it_works(client: Client) -> None:
    html = post(client, "known.test")
    assert '<code class="value">imap.known.test</code>' in html
    assert '<code class="value" data-fill="address">anna@known.test</code>' in html
    assert "The domain&#x27;s settings file for mail programs (autoconfig)" in html
    assert "reliable" in html
    assert "We do not know this provider" not in html
    shared = client.get("/en/settings/known.test/").content.decode()
    assert '<code class="value">imap.known.test</code>' in shared
    assert "anna" not in shared
    assert "http://testserver/en/settings/known.test/" in shared


def test_what_was_found_is_kept_and_guides_and_test_use_it(client: Client, world: Internet) -> None:
    make_guide()
    before = client.get("/en/guides/thunderbird/?at=known.test").content.decode()
    assert "We do not know the servers of" in before  # a guide asks nobody
    post(client, "known.test")
    asked = sum(world.dns.queries.values())
    post(client, "known.test")
    guide = client.get("/en/guides/thunderbird/?at=known.test").content.decode()
    assert "imap.known.test" in guide
    assert client.get("/en/settings/known.test.json").json()["servers"][0]["host"] == "imap.known.test"
    assert sum(world.dns.queries.values()) == asked


def test_a_change_of_the_table_counts_at_once(client: Client) -> None:
    post(client, "known.test")
    make_provider("own", domains=("known.test",))
    assert "imap.known.test" in post(client, "known.test")
    assert "Settings for Own" in post(client, "known.test")


def test_disagreement_is_shown(client: Client) -> None:
    discovery = discovering.thoroughly("split.test")
    cache.clear()
    discovering._Kept("split.test").keep(list(discovery.findings))
    html = post(client, "split.test")
    assert '<code class="value">imap.by-pacc.split.test</code>' in html.split("Where these settings come from")[0]
    folded = html.split("Where these settings come from")[1]
    assert "imap.by-autoconfig.split.test" in folded
    assert "imap.by-srv.split.test" in folded
    assert "Says instead:" in folded
    assert "The sources disagree." in html


def test_a_guess_is_called_one(client: Client) -> None:
    html = post(client, "guessed.test")
    assert "imap.guessed.test" in html
    assert "Nobody publishes these settings." in html
    assert "uncertain" in html


def test_clear_text_alone_is_told_and_not_shown(client: Client) -> None:
    html = post(client, "clear.test")
    assert "only unencrypted servers" in html
    assert "We do not know this provider yet" in html


def test_what_a_file_says_must_be_done_first_stands_before_the_values(client: Client) -> None:
    account = finding(ConfigSource.AUTOCONFIG, "window.test").account
    assert account is not None
    links = {"enable_page": "https://window.test/enable?a=1&b=2"}
    special = replace(account, password=PasswordKind.OAUTH2, must_enable=True, links=links)
    discovering._Kept("window.test").keep([Finding(ConfigSource.AUTOCONFIG, special, Trust.HIGH)])
    html = post(client, "window.test")
    enable = html.index("Mail programs must be switched on at the provider first.")
    assert enable < html.index('href="https://window.test/enable?a=1&amp;b=2"') < html.index("imap.window.test")
    assert "none: you sign in in the provider" in html
    assert "/en/test/?at=window.test" not in html  # no password can be tested


def test_a_strangers_words_stay_words(client: Client) -> None:
    html = post(client, "evil.test")
    assert "imap.evil.test" in html
    assert "<script>alert" not in html


def test_the_exchanger_shows_the_provider_with_its_notice_after_a_confirmation(client: Client) -> None:
    provider = make_provider("big", name="Big Mail")
    SuffixRule.objects.create(provider=provider, kind="mx", suffix="big.test")
    html = post(client, "hosted.test")
    assert "Is your mailbox at example.net?" in html
    assert "imap.example.net" not in html
    html = post(client, "hosted.test", confirmed="example.net")
    assert "Big Mail" in html
    assert "imap.example.net" in html


def test_a_foreign_domain_is_shown_and_confirmed_before_anything_else(client: Client, plans: list[TestPlan]) -> None:
    make_guide()
    html = post(client, "foreign.test")
    assert "Is your mailbox at hosting.test?" in html
    assert "imap.hosting.test" not in html.split("Where the portal has looked")[0]
    assert (
        "imap.hosting.test"
        not in client.get("/en/settings/foreign.test/?confirmed=other.test")
        .content.decode()
        .split("Where the portal")[0]
    )
    wrong = post(client, "foreign.test", confirmed="anna@hosting.test")
    assert "confirmed=anna" not in wrong  # links carry on a confirmation that is right, and nothing else
    confirmed = client.get("/en/settings/foreign.test/?confirmed=hosting.test").content.decode()
    assert '<code class="value">imap.hosting.test</code>' in confirmed
    assert "/en/guides/thunderbird/?at=foreign.test&amp;confirmed=hosting.test" in confirmed
    assert "/en/test/?at=foreign.test&amp;confirmed=hosting.test" in confirmed
    assert "imap.hosting.test" not in client.get("/en/guides/thunderbird/?at=foreign.test").content.decode()
    guide = client.get("/en/guides/thunderbird/?at=foreign.test&confirmed=hosting.test").content.decode()
    assert "imap.hosting.test" in guide

    response = client.post("/en/test/", {"address": "anna@foreign.test", "password": "x"})
    assert response.status_code == 422
    assert "My mailbox is at hosting.test." in response.content.decode()
    assert plans == []
    client.post("/en/test/", {"address": "anna@foreign.test", "password": "x", "confirmed": "hosting.test"})
    assert [server.host for server in plans[0].servers] == ["imap.hosting.test", "smtp.hosting.test"]  # type: ignore[attr-defined]


def test_the_test_asks_discovery_by_itself(client: Client, plans: list[TestPlan]) -> None:
    client.post("/en/test/", {"address": "anna@known.test", "password": "x"})
    assert [server.host for server in plans[0].servers] == ["imap.known.test", "smtp.known.test"]
    assert plans[0].hidden_hosts == frozenset()


def test_hosts_that_the_domain_names_itself_are_not_hidden(client: Client, plans: list[TestPlan]) -> None:
    post(client, "known.test")
    fields = {"imap_host": "imap.stranger.org", "smtp_host": "smtp.known.test"}
    client.post("/en/test/", {"address": "anna@known.test", "password": "x"} | fields)
    named = {"imap_host": "imap.hosting.test"}
    client.get("/en/settings/foreign.test/")
    client.post("/en/test/", {"address": "anna@foreign.test", "password": "x"} | named)
    assert [plan.hidden_hosts for plan in plans] == [frozenset({"imap.stranger.org"}), frozenset()]


def test_an_address_is_sent_only_where_it_is_needed_and_that_answer_is_not_kept(
    client: Client, world: Internet
) -> None:
    assert "imap.asks.test" in post(client, "asks.test")
    assert "imap.asks.test" not in client.get("/en/settings/asks.test/").content.decode()
    assert {asked.host for asked in world.asked if "anna" in asked.target} <= {"autoconfig.asks.test"}


def test_the_snapshot_is_asked_about_the_domain_and_about_its_exchangers_domains(
    client: Client, world: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the table of settings-only entries is connected: `discovering.from_snapshot`."""
    known = {"listed.test": "imap.listed.test", "eu.mailhost.test": "imap.mailhost.test"}
    asked: list[tuple[str, str]] = []

    def snapshot(domain: str, mailbox_domain: str) -> Finding | None:
        asked.append((domain, mailbox_domain))
        server = Server(Protocol.IMAP, known.get(domain, ""), 993, Security.TLS)
        account = Account(mailbox_domain, servers=(server,))
        return Finding(ConfigSource.ISPDB, account, Trust.MEDIUM) if domain in known else None

    monkeypatch.setattr(discovering, "from_snapshot", snapshot)
    listed = discovering.thoroughly("listed.test")
    assert listed.winner is not None
    assert (listed.winner.source, listed.account.servers[0].host) == (ConfigSource.ISPDB, "imap.listed.test")
    assert listed.confirm is None
    world.records("customer.test", MX("mx1.eu.mailhost.test", 10))
    customer = discovering.thoroughly("customer.test")
    assert customer.winner is not None
    assert (customer.winner.source, customer.account.servers[0].host) == (ConfigSource.MX, "imap.mailhost.test")
    assert customer.confirm == "mailhost.test"
    assert asked == [
        ("listed.test", "listed.test"),
        ("customer.test", "customer.test"),
        ("eu.mailhost.test", "customer.test"),
    ]


# --- while it runs -----------------------------------------------------------------------------------


def test_progress_comes_source_by_source(client: Client) -> None:
    response = client.post("/en/settings/", {"address": "anna@known.test"}, headers=HTMX)
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    events = [event for event in b"".join(response).decode().split("\n\n") if event and not event.startswith(":")]  # type: ignore[attr-defined]
    response.close()
    assert 'id="looking" hx-swap-oob="true"' in events[0]
    assert events[0].count("stage-waiting") == 7
    assert 'id="source-autoconfig"' in "".join(events[1:-1])
    assert "data: <h1" in events[-1]
    assert "imap.known.test" in events[-1]
    assert "anna@known.test" in events[-1]
    again = client.post("/en/settings/", {"address": "anna@known.test"}, headers=HTMX)
    assert again["Content-Type"].startswith("text/html")


def test_a_search_that_breaks_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(domain: str) -> object:
        raise OSError(domain)

    monkeypatch.setattr(discovering, "_merged", lambda domain, findings: broken(domain))
    response = client.post("/en/settings/", {"address": "anna@known.test"}, headers=HTMX)
    text = b"".join(response).decode()  # type: ignore[attr-defined]
    response.close()
    assert "Something broke on our side" in text
    assert "anna" not in text


def test_leaving_ends_the_search(client: Client, world: Internet) -> None:
    response = client.post("/en/settings/", {"address": "anna@hanging.test"}, headers=HTMX)
    events = iter(response)  # type: ignore[call-overload]
    while "stage-none" not in next(events).decode():
        pass
    assert not cache.add(discovering._Kept("hanging.test")._key("flight"), 1)  # the search is under way
    began = monotonic()
    response.close()
    assert monotonic() - began < 4
    assert discovering.kept("hanging.test") is None
    assert cache.add(discovering._Kept("hanging.test")._key("flight"), 1)  # nobody holds it


def test_one_search_serves_all_who_ask_at_the_same_time(world: Internet) -> None:
    findings = [
        Finding(
            ConfigSource.SRV,
            Account("x.test", servers=(Server(Protocol.IMAP, "imap.x.test", 993, Security.TLS),)),
            Trust.LOW,
        )
    ]
    kept = discovering._Kept("x.test")
    assert kept.lead()
    threading.Timer(0.2, lambda: kept.keep(findings)).start()
    assert discovering.look_up("x.test").account.servers[0].host == "imap.x.test"
    assert not any(name.endswith("x.test") for name, _kind in world.dns.queries)  # others may still be asked about


def test_a_failure_is_kept_for_a_minute_and_a_success_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, int] = {}
    monkeypatch.setattr(cache, "set", lambda key, value, timeout: kept.update({value[0].source: timeout}))
    discovering._Kept("a.test").keep([Finding(ConfigSource.SRV, error="no_record")])
    account = Account("b.test", servers=(Server(Protocol.IMAP, "imap.b.test", 993, Security.TLS),))
    discovering._Kept("b.test").keep([Finding(ConfigSource.GUESS, account)])
    assert kept == {ConfigSource.SRV: 60, ConfigSource.GUESS: 3600}


def test_without_a_cache_it_is_looked_up_each_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: object, **options: object) -> object:
        raise ConnectionError

    for name in ("get", "set", "add", "delete"):
        monkeypatch.setattr(cache, name, down)
    assert discovering.look_up("known.test").found


def test_a_visitor_may_look_up_so_many_domains(client: Client, settings: Settings) -> None:
    settings.LIMIT_VISITOR_LOOKUPS_HOUR = 2
    assert client.get("/en/settings/a.test/").status_code == 200
    assert client.get("/en/settings/b.test.json").status_code == 404
    for response in (
        client.get("/en/settings/c.test/"),
        client.post("/en/settings/", {"address": "anna@c.test"}),
        client.post("/en/settings/", {"address": "anna@c.test"}, headers=HTMX),
        client.get("/en/settings/c.test.json"),
        client.post("/en/test/", {"address": "anna@c.test", "password": "x"}),
    ):
        assert response.status_code == 429
        assert int(response["Retry-After"]) > 0
    assert client.get("/en/settings/a.test/").status_code == 200  # at hand


def test_a_process_looks_up_so_many_domains_at_a_time(client: Client, settings: Settings) -> None:
    settings.LIMIT_LOOKUPS_PER_PROCESS = 1
    search = discovering.watch("known.test")
    next(search)
    for response in (
        client.get("/en/settings/a.test/"),
        client.post("/en/settings/", {"address": "anna@a.test"}),
        client.get("/en/settings/a.test.json"),
        client.post("/en/test/", {"address": "anna@a.test", "password": "x"}),
    ):
        assert response.status_code == 503
        assert response["Retry-After"] == "5"
    search.close()  # type: ignore[attr-defined]
    assert client.get("/en/settings/a.test/").status_code == 200


SOURCES = [source for source in ConfigSource if source is not ConfigSource.TABLE]


def finding(source: ConfigSource, host: str) -> Finding:
    servers = (
        Server(Protocol.IMAP, f"imap.{host}", 993, Security.TLS),
        Server(Protocol.SMTP, f"smtp.{host}", 465, Security.TLS),
    )
    by_dns_alone = source in (ConfigSource.MX, ConfigSource.SRV)
    return Finding(source, Account("pair.test", servers=servers), Trust.MEDIUM, by_dns_alone=by_dns_alone)


@pytest.mark.parametrize(("first", "second"), [(s, None) for s in SOURCES] + list(combinations(SOURCES, 2)))
def test_what_the_page_shows_of_each_source_alone_and_of_each_two(
    client: Client, first: ConfigSource, second: ConfigSource | None
) -> None:
    both = [finding(first, "one.pair.test")] + ([finding(second, "two.pair.test")] if second else [])
    discovering._Kept("pair.test").keep(both)
    cards, _, folded = post(client, "pair.test").partition("Where these settings come from")
    assert '<code class="value">imap.one.pair.test</code>' in cards
    assert "imap.two.pair.test" not in cards
    assert folded.count("(shown above)") == 1
    assert folded.index("(shown above)") < (folded.index("Says instead:") if second else len(folded))
    assert ("imap.two.pair.test" in folded) is (second is not None)
    assert ("The sources disagree." in cards) is (second is not None)


def test_a_known_provider_asks_nobody(
    client: Client, world: Internet, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_provider()
    asked = sum(world.dns.queries.values())
    with django_assert_max_num_queries(8):
        post(client, "example.net")
    assert sum(world.dns.queries.values()) == asked


# --- for scripts -------------------------------------------------------------------------------------


def test_json(client: Client) -> None:
    response = client.get("/ja/settings/known.test.json")
    assert response["Content-Type"] == "application/json"
    record = json.loads(response.content)
    assert list(record) == ["domain", "provider", "servers", "password", "sources", "confirm", "warnings"]
    assert record["servers"][0] == {
        "protocol": "imap",
        "host": "imap.known.test",
        "port": 993,
        "security": "tls",
        "username": "address",
        "auth": ["password"],
    }
    assert client.get("/en/settings/nothing.test.json").status_code == 404
    assert client.get("/en/settings/nothing.test.json").json()["servers"] == []
    assert client.get("/en/settings/127.0.0.1.json").status_code == 404
    assert client.post("/en/settings/known.test.json").status_code == 405


def test_mute_names_end_in_not_found(client: Client, world: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    world.zone["mute.test"] = Name(mute=True)
    monkeypatch.setattr(discovering, "Timeouts", lambda: Timeouts(deadline=0.3))
    assert "We do not know this provider yet" in post(client, "mute.test")
