"""Each source alone against real DNS, web and mail servers on loopback, well published and badly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import combinations
from time import monotonic

import pytest
from dnslib import CNAME, MX, SRV, TXT, A

from guides.mail.accounts import Account, Address, AuthMethod, PasswordKind, Protocol, Security, Server, UsernameForm
from guides.mail.discovery.findings import ConfigSource, Trust
from guides.mail.discovery.search import Timeouts
from guides.mail.discovery.servers import SkipReason
from tests.discovery_world import (
    NETWORK_SOURCES,
    ask,
    autoconfig_url,
    client_config,
    digest_record,
    found,
    pacc_file,
    pacc_url,
    pox,
    pox_url,
    publish,
    well_known_url,
)
from tests.internet import Internet, Page, redirect
from tests.lab.dns import Name
from tests.tables import each_row

PAIRS = list(combinations(NETWORK_SOURCES, 2))


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    made = Internet()
    for source in NETWORK_SOURCES:
        publish(made, f"only-{source}.test", source)
    for first, second in PAIRS:
        for source in (first, second):
            publish(made, f"{first}-and-{second}.test", source, "" if source is ConfigSource.GUESS else f"by-{source}")
    for source in NETWORK_SOURCES:
        publish(made, "all.test", source, "" if source is ConfigSource.GUESS else f"by-{source}")
    made.host(
        "autoconfig.odd.test",
        "odd.test",
        "ua-auto-config.odd.test",
        "autodiscover.odd.test",
        "away.test",
        "autodiscover.away.test",
        "autoconfig.mx.hosting.test",
    )
    made.records("private.test", MX("mx.private.test", 1))
    for name in ("autoconfig", "ua-auto-config", "autodiscover", "imap", "mail", "smtp", "pop"):
        made.records(f"{name}.private.test", A("10.0.0.1"))
    made.mail_host("imap.nocert.test", 993, certified=False)
    made.mail_host("mail.second.test", 993, 465)
    with made:
        yield made


@pytest.fixture
def odd(internet: Internet) -> Iterator[str]:
    """A domain whose pages and records a test makes, and which is empty again for the next."""
    pages, zone = dict(internet.pages), dict(internet.zone)
    yield "odd.test"
    internet.pages.clear()
    internet.pages.update(pages)
    internet.zone.clear()
    internet.zone.update(zone)


def hosts(servers: tuple[Server, ...]) -> list[tuple[str, str, int, str]]:
    return [(s.protocol.value, s.host, s.port, s.security.value) for s in servers]


# --- each alone, each pair, all ----------------------------------------------------------------------


@pytest.mark.parametrize("source", NETWORK_SOURCES)
def test_a_domain_with_one_source_is_found_by_it(internet: Internet, source: ConfigSource) -> None:
    domain = f"only-{source}.test"
    discovery = ask(internet, domain)
    assert discovery.winner is not None
    assert discovery.winner.source is source
    assert hosts(discovery.account.servers) == [
        ("imap", f"imap.{domain}", 993, "tls"),
        ("smtp", f"smtp.{domain}", 465, "tls"),
    ]
    assert discovery.confirm is None
    assert discovery.differences == ()
    assert [finding.source for finding in discovery.findings] == list(NETWORK_SOURCES)
    assert all(finding.error for finding in discovery.findings if finding.source is not source)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_that_disagree_the_more_trusted_wins_and_the_other_is_kept(
    internet: Internet, first: ConfigSource, second: ConfigSource
) -> None:
    domain = f"{first}-and-{second}.test"
    discovery = ask(internet, domain)
    assert discovery.winner is not None
    assert discovery.winner.source is first
    assert discovery.account.servers[0].host == f"imap.by-{first}.{domain}"
    others = {difference.source: difference.server.host for difference in discovery.differences}
    assert others == {second: f"smtp.{domain}" if second is ConfigSource.GUESS else f"smtp.by-{second}.{domain}"}
    assert {remark.kind for remark in discovery.warnings} >= {"differs"}


def test_all_in_disagreement(internet: Internet) -> None:
    ispdb = Account("all.test", servers=(Server(Protocol.IMAP, "imap.by-ispdb.all.test", 993, Security.TLS),))
    discovery = ask(internet, "all.test", ispdb=ispdb)
    assert discovery.winner is not None
    assert discovery.winner.source is ConfigSource.PACC
    assert discovery.account.servers[0].host == "imap.by-pacc.all.test"
    assert list(dict.fromkeys(d.source for d in discovery.differences)) == [
        source for source in ConfigSource if source not in (ConfigSource.TABLE, ConfigSource.PACC)
    ]


def test_a_domain_without_anything_is_plainly_not_found(internet: Internet) -> None:
    internet.host("nothing.test")
    discovery = ask(internet, "nothing.test")
    assert not discovery.found
    assert discovery.winner is None
    assert {str(finding.source): finding.error for finding in discovery.findings} == {
        "pacc": "dns.nxdomain",
        "autoconfig": "dns.nxdomain",
        "well-known": "tls.cert_hostname",
        "mx": "no_record",
        "srv": "no_record",
        "autodiscover": "dns.nxdomain",
        "guess": "no_server",
    }


def test_the_snapshot_stands_between_files_and_names(internet: Internet) -> None:
    ispdb = Account("x", servers=(Server(Protocol.IMAP, "imap.snapshot.test", 993, Security.TLS),))
    for source in NETWORK_SOURCES:
        winner = ask(internet, f"only-{source}.test", ispdb=ispdb).winner
        assert winner is not None
        is_better = source in (ConfigSource.PACC, ConfigSource.AUTOCONFIG, ConfigSource.WELL_KNOWN)
        assert winner.source is (source if is_better else ConfigSource.ISPDB)


# --- files -------------------------------------------------------------------------------------------


def test_files_are_asked_without_an_address_first(internet: Internet, odd: str) -> None:
    url = autoconfig_url(odd)
    internet.page(url, Page(status=400))
    internet.page(f"{url}?emailaddress=an%2Bna%40odd.test", client_config("imap.odd.test", username="an+na"))
    discovery = ask(internet, odd)
    assert not discovery.found
    assert discovery.needs_address
    discovery = ask(internet, odd, address=Address("an+na", odd))
    assert discovery.account.servers[0].username is UsernameForm.LOCAL_PART
    strangers = [
        request.target for request in internet.asked if request.host not in ("odd.test", "autoconfig.odd.test")
    ]
    assert not any("na" in target.partition("?")[2] for target in strangers)


@each_row("status", [204, 400, 404, 500])
def test_both_files_are_asked_again_with_the_address(internet: Internet, odd: str, status: int) -> None:
    """Servers that make a file for one address answer without it in many ways; the address stays at the domain."""
    for url in (autoconfig_url(odd), well_known_url(odd)):
        internet.pages.clear()
        internet.page(url, Page(status=status))
        internet.page(f"{url}?emailaddress=anna%40odd.test", client_config("imap.odd.test", "smtp.odd.test"))
        assert ask(internet, odd).needs_address
        assert ask(internet, odd, address=Address("anna", "odd.test")).found


def test_an_address_is_not_carried_to_another_host(internet: Internet, odd: str) -> None:
    url = f"{autoconfig_url(odd)}?emailaddress=anna%40odd.test"
    internet.page(url, redirect("https://away.test/mail/config-v1.1.xml?emailaddress=anna%40odd.test"))
    internet.page("https://away.test/mail/config-v1.1.xml?emailaddress=anna%40odd.test", client_config("imap.odd.test"))
    discovery = ask(internet, odd, address=Address("anna", odd))
    assert found(discovery, ConfigSource.AUTOCONFIG).error == "fetch.redirects"


def test_a_redirect_to_www_is_followed(internet: Internet, odd: str) -> None:
    internet.page(well_known_url(odd), redirect("https://away.test/file.xml"))
    internet.page("https://away.test/file.xml", client_config("imap.odd.test", "smtp.odd.test"))
    assert found(ask(internet, odd), ConfigSource.WELL_KNOWN).found


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (Page(b"<html>Welcome</html>", media_type="text/html"), "no_client_config"),
        (Page(b"<!DOCTYPE x><clientConfig/>"), "xml_dtd"),
        (Page(client_config("imap.odd.test") + b"garbage"), "xml"),
        (Page(client_config("10.0.0.1")), "no_server"),
        (Page(client_config("imap.odd.test", port=0)), "no_server"),
        (Page(client_config("imap.odd.test", port=143, socket="plain")), "no_server"),
        (Page(client_config("imap.odd.test", socket="STARTTLS")), "no_server"),
        (Page(status=500), "http_500"),
        (Page(status=404), "not_there"),
        (redirect("http://away.test/"), "fetch.forbidden"),
        (redirect("https://router.lan/"), "fetch.forbidden"),
        (redirect("https://imap.private.test/"), "fetch.forbidden"),
        (redirect("/mail/config-v1.1.xml"), "fetch.redirects"),
        (Page(b"x" * 300_000), "fetch.too_large"),
        (Page(b"x", headers=(("Content-Encoding", "br"),)), "fetch.encoding"),
    ],
)
def test_a_bad_file_is_no_file_and_others_are_found(internet: Internet, odd: str, page: Page, error: str) -> None:
    internet.page(autoconfig_url(odd), page)
    internet.page(well_known_url(odd), client_config("imap.elsewhere.test", "smtp.elsewhere.test"))
    discovery = ask(internet, odd)
    assert found(discovery, ConfigSource.AUTOCONFIG).error == error
    assert discovery.account.servers[0].host == "imap.elsewhere.test"


def test_a_file_that_drips_ends_within_the_deadline(internet: Internet, odd: str) -> None:
    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"<")
            await asyncio.sleep(0.02)

    internet.page(autoconfig_url(odd), Page(stream=stream))
    publish(internet, odd, ConfigSource.SRV)
    began = monotonic()
    discovery = ask(internet, odd, timeouts=Timeouts(deadline=0.6))
    assert monotonic() - began < 3
    assert found(discovery, ConfigSource.AUTOCONFIG).error == "deadline"
    assert discovery.winner is not None
    assert discovery.winner.source is ConfigSource.SRV


def test_a_clash_is_left_out_and_told(internet: Internet, odd: str) -> None:
    internet.page(autoconfig_url(odd), client_config("imap.odd.test", "smtp.odd.test", socket="STARTTLS"))
    publish(internet, odd, ConfigSource.SRV)
    discovery = ask(internet, odd)
    assert ("clash", "imap 993 starttls") in [(remark.kind, remark.detail) for remark in discovery.warnings]
    assert found(discovery, ConfigSource.AUTOCONFIG).skipped[0].why is SkipReason.CLASH


# --- PACC --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (None, "no_digest"),
        (TXT("v=UAAC1; a=sha256; d=AAAA"), "wrong_digest"),
        (digest_record(b"another file"), "wrong_digest"),
        (TXT("v=UAAC1; a=md5; d=AAAA"), "no_digest"),
        (TXT("v=UAAC1; a=sha256; d=***"), "no_digest"),
        (TXT("d=;;;=;v"), "no_digest"),
    ],
)
def test_pacc_counts_for_nothing_without_its_digest(
    internet: Internet, odd: str, record: TXT | None, error: str
) -> None:
    body = pacc_file("imap.odd.test", "smtp.odd.test")
    internet.page(pacc_url(odd), Page(body, media_type="application/json"))
    if record:
        internet.records(f"_ua-auto-config.{odd}", record)
    publish(internet, odd, ConfigSource.SRV)
    discovery = ask(internet, odd)
    assert found(discovery, ConfigSource.PACC).error == error
    assert discovery.winner is not None
    assert discovery.winner.source is ConfigSource.SRV
    assert error in [remark.kind for remark in discovery.warnings]
    internet.records(f"_ua-auto-config.{odd}", digest_record(body))
    assert found(ask(internet, odd), ConfigSource.PACC).found


def test_pacc_reads_both_names_of_sending_and_the_ways_to_sign_in(internet: Internet, odd: str) -> None:
    for key in ("smtp", "submit"):
        body = (
            b'{"protocols": {"imap": {"host": "I.odd.test"}, "%s": {"host": "s.odd.test"}, "jmap": {"url": "x"}},'
            % key.encode()
        )
        body += b'"authentication": {"oauth-public": {"issuer": "https://x/"}}, "info": {"provider": {"name": "Odd"}}}'
        internet.page(pacc_url(odd), Page(body))
        internet.zone[f"_ua-auto-config.{odd}"] = Name((digest_record(body),))
        account = ask(internet, odd).account
        assert [(s.host, s.port) for s in account.servers] == [("i.odd.test", 993), ("s.odd.test", 465)]
        assert account.servers[0].auth == (AuthMethod.OAUTH2,)
        assert account.password is PasswordKind.OAUTH2
        assert account.provider_name == "Odd"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "json"),
        (b"[]", "json"),
        (b'{"protocols": []}', "json"),
        (b"[" * 100_000, "json"),
        (b'{"protocols": {"imap": {"host": "10.0.0.1"}, "smtp": "x"}}', "no_server"),
        (b'{"protocols": {"imap": {"host": ["x"]}, "pop3": 7}, "authentication": [], "info": 1}', "no_server"),
        (b"\xff\xfe\x00", "json"),
    ],
)
def test_pacc_that_is_malformed(internet: Internet, odd: str, body: bytes, error: str) -> None:
    internet.page(pacc_url(odd), Page(body))
    internet.records(f"_ua-auto-config.{odd}", digest_record(body))
    assert found(ask(internet, odd), ConfigSource.PACC).error == error


def test_pacc_follows_no_redirect(internet: Internet, odd: str) -> None:
    internet.page(pacc_url(odd), redirect("/x"))
    assert found(ask(internet, odd), ConfigSource.PACC).error == "fetch.redirects"


# --- MX ----------------------------------------------------------------------------------------------


def test_a_known_exchanger_shows_the_provider_without_fetching(internet: Internet, odd: str) -> None:
    internet.records(odd, MX("mx1.eu.known.test", 5), MX("mx.other.test", 10))
    finding = found(ask(internet, odd, mx_suffixes={"known.test": "known", "eu.known.test": "eu"}), ConfigSource.MX)
    assert finding.account is not None
    assert finding.account.provider == "eu"
    assert finding.by_dns_alone
    assert not any(name.startswith("autoconfig.eu") for name, _kind in internet.dns.queries)


@pytest.mark.parametrize(
    ("records", "error"),
    [
        ((MX("mx1.mimecast.com", 10),), "gateway"),
        ((MX("route2.mx.cloudflare.net", 10),), "forwarding"),
        ((MX("mxa-001.gslb.pphosted.com", 10),), "gateway"),
        ((MX("d1.a.ess.barracudanetworks.com", 10),), "gateway"),
        ((MX(".", 0),), "no_mail"),
        ((MX("mx.odd.test", 0),), "own_host"),
        ((MX("10.0.0.1", 0),), "host"),
        ((MX("localhost", 0),), "host"),
        ((MX("mx.router.lan", 0),), "host"),
        ((MX("a_b.known.com", 0),), "host"),
        ((MX("mx.nowhere.test", 0),), "not_there"),
        ((MX("co.jp", 0),), "not_there"),
        ((MX("mx.sub.private.test", 0),), "fetch.forbidden"),
    ],
)
def test_exchangers_that_lead_nowhere(internet: Internet, odd: str, records: tuple[MX, ...], error: str) -> None:
    internet.records(odd, *records)
    finding = found(ask(internet, odd, mx_suffixes={"known.com": "known"}), ConfigSource.MX)
    assert finding.error == error


def test_only_the_best_exchanger_counts(internet: Internet, odd: str) -> None:
    internet.records(odd, MX("mx.mimecast.com", 1), MX("mx.known.test", 2))
    assert found(ask(internet, odd, mx_suffixes={"known.test": "known"}), ConfigSource.MX).error == "gateway"


def test_a_host_found_through_the_exchanger_wants_a_confirmation(internet: Internet, odd: str) -> None:
    internet.records(odd, MX("in.mx.hosting.test", 1))
    internet.page(autoconfig_url("mx.hosting.test"), client_config("imap.hosting.test", "smtp.hosting.test"))
    discovery = ask(internet, odd)
    assert discovery.account.servers[0].host == "imap.hosting.test"
    assert discovery.confirm == "hosting.test"
    internet.page(autoconfig_url(odd), client_config("imap.hosting.test", "smtp.hosting.test"))
    assert ask(internet, odd).confirm is None  # the domain itself says so, over https


# --- SRV ---------------------------------------------------------------------------------------------


def test_services_are_ranked(internet: Internet, odd: str) -> None:
    internet.records(f"_imap._tcp.{odd}", SRV(0, 1, 143, "b.odd.test"))
    internet.records(f"_imaps._tcp.{odd}", SRV(10, 1, 993, "d.odd.test"), SRV(0, 1, 993, "c.odd.test"))
    internet.records(f"_imaps._tcp.{odd}", SRV(20, 1, 993, "e.odd.test"))
    internet.records(f"_pop3s._tcp.{odd}", SRV(0, 0, 0, "."))
    internet.records(f"_submission._tcp.{odd}", SRV(0, 1, 587, "s.odd.test"))
    assert hosts(found(ask(internet, odd), ConfigSource.SRV).servers) == [
        ("imap", "c.odd.test", 993, "tls"),
        ("imap", "d.odd.test", 993, "tls"),
        ("imap", "b.odd.test", 143, "starttls"),
        ("smtp", "s.odd.test", 587, "starttls"),
    ]


@pytest.mark.parametrize(
    ("records", "error"),
    [
        ((SRV(0, 0, 0, "."),), "not_offered"),
        ((SRV(0, 1, 0, "imap.odd.test"),), "no_server"),
        ((SRV(0, 1, 143, "imap.odd.test"),), "no_server"),
        ((SRV(0, 1, 993, "10.0.0.1"),), "no_server"),
        ((SRV(0, 1, 993, "localhost"),), "no_server"),
        ((SRV(0, 1, 993, "_imaps._tcp.odd.test"),), "no_server"),
        ((CNAME("_imaps._tcp.odd.test"),), "dns.servfail"),
        (tuple(SRV(n, 1, 0, "imap.odd.test") for n in range(1000)), "no_server"),
    ],
)
def test_services_that_lead_nowhere(internet: Internet, odd: str, records: tuple[SRV, ...], error: str) -> None:
    internet.records(f"_imaps._tcp.{odd}", *records)
    assert found(ask(internet, odd), ConfigSource.SRV).error == error


def test_a_thousand_services_come_to_the_best_two(internet: Internet, odd: str) -> None:
    internet.records(f"_imaps._tcp.{odd}", *(SRV(n, 1, 993, f"i{n}.odd.test") for n in range(1000, 0, -1)))
    assert [s.host for s in found(ask(internet, odd), ConfigSource.SRV).servers] == ["i1.odd.test", "i2.odd.test"]


def test_a_foreign_service_wants_a_confirmation(internet: Internet, odd: str) -> None:
    internet.records(f"_imaps._tcp.{odd}", SRV(0, 1, 993, "imap.cheap.hosting.test"))
    discovery = ask(internet, odd)
    assert discovery.confirm == "hosting.test"
    assert found(discovery, ConfigSource.SRV).trust is Trust.LOW
    assert {remark.kind for remark in discovery.warnings} == {"low_trust", "no_sending"}


def test_what_one_source_lacks_another_completes(internet: Internet, odd: str) -> None:
    internet.page(autoconfig_url(odd), client_config("imap.odd.test"))
    internet.records(f"_imaps._tcp.{odd}", SRV(0, 1, 993, "imap.odd.test"))
    internet.records(f"_submissions._tcp.{odd}", SRV(0, 1, 465, "out.odd.test"))
    discovery = ask(internet, odd)
    assert [s.host for s in discovery.account.servers] == ["imap.odd.test", "out.odd.test"]
    assert ("completed", ConfigSource.SRV) in [(remark.kind, remark.source) for remark in discovery.warnings]


# --- Autodiscover ------------------------------------------------------------------------------------


def test_autodiscover_is_asked_about_nobody(internet: Internet, odd: str) -> None:
    internet.page(pox_url(odd), pox("imap.odd.test", "smtp.odd.test", login=f"settings@{odd}"))
    finding = found(ask(internet, odd, address=Address("anna", odd)), ConfigSource.AUTODISCOVER)
    assert {server.username for server in finding.servers} == {UsernameForm.ADDRESS}
    request = next(r for r in internet.asked if r.method == "POST" and r.host == f"autodiscover.{odd}")
    assert b"settings@odd.test" in request.body
    assert not any(b"anna" in r.body + r.target.encode() for r in internet.asked if "autodiscover" in r.host)
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("login", "form"), [("", UsernameForm.ADDRESS), ("settings", UsernameForm.LOCAL_PART), ("u123", UsernameForm.OTHER)]
)
def test_autodiscover_user_names(internet: Internet, odd: str, login: str, form: UsernameForm) -> None:
    internet.page(pox_url(odd), pox("imap.odd.test", "smtp.odd.test", login=login))
    assert found(ask(internet, odd), ConfigSource.AUTODISCOVER).servers[0].username is form


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (Page(status=401, headers=(("WWW-Authenticate", "Basic realm=x"),)), "wants_password"),
        (Page(status=404), "not_there"),
        (redirect("https://away.test/missing"), "not_there"),
        (redirect("https://router.lan/"), "fetch.forbidden"),
        (redirect("https://imap.private.test/"), "fetch.forbidden"),
        (redirect("http://away.test/"), "fetch.forbidden"),
        (Page(b"<Autodiscover/>"), "no_server"),
        (Page(b"<!DOCTYPE a><Autodiscover/>"), "xml_dtd"),
        (Page(pox("10.0.0.1", "smtp.odd.test")), "no_server"),
        (Page(pox("imap.odd.test", "smtp.odd.test", encryption="None")), "no_server"),
    ],
)
def test_autodiscover_that_does_not_help(internet: Internet, odd: str, page: Page, error: str) -> None:
    internet.page(pox_url(odd), page)
    assert found(ask(internet, odd), ConfigSource.AUTODISCOVER).error == error


def test_autodiscover_is_found_at_the_domain_itself_by_srv_and_where_answers_lead(internet: Internet, odd: str) -> None:
    path = "/autodiscover/autodiscover.xml"
    settings = pox("imap.odd.test", "smtp.odd.test")
    sent = b"<Autodiscover><Response><Account><Action>x</Action>%s</Account></Response></Autodiscover>"
    ways: list[tuple[str, dict[str, bytes | Page]]] = [
        ("root", {f"https://odd.test{path}": settings}),
        (
            "url",
            {
                pox_url("odd.test"): sent % b"<RedirectUrl>https://away.test/x.xml</RedirectUrl>",
                "https://away.test/x.xml": settings,
            },
        ),
        (
            "address",
            {pox_url("odd.test"): sent % b"<RedirectAddr>a@away.test</RedirectAddr>", pox_url("away.test"): settings},
        ),
        ("302", {pox_url("odd.test"): redirect("https://away.test/x.xml"), "https://away.test/x.xml": settings}),
    ]
    for way, pages in ways:
        internet.pages.clear()
        for url, body in pages.items():
            internet.page(url, body)
        finding = found(ask(internet, odd), ConfigSource.AUTODISCOVER)
        assert finding.found, (way, finding.error)
        if way == "302":
            sent_on = next(asked for asked in internet.asked if asked.host == "away.test" and asked.target == "/x.xml")
            assert sent_on.method == "POST"
            assert b"settings@odd.test" in sent_on.body  # the made-up address, never the visitor's
        internet.asked.clear()
    internet.pages.clear()
    internet.page(f"https://away.test{path}", settings)
    assert not found(ask(internet, odd), ConfigSource.AUTODISCOVER).found
    internet.records("_autodiscover._tcp.odd.test", SRV(0, 1, 443, "away.test"))
    finding = found(ask(internet, odd), ConfigSource.AUTODISCOVER)
    assert finding.found
    assert finding.by_dns_alone


def test_autodiscover_that_sends_in_circles_or_to_private_places_ends(internet: Internet, odd: str) -> None:
    sent = b"<Autodiscover><Response><Account><RedirectUrl>%s</RedirectUrl></Account></Response></Autodiscover>"
    for url, error in (
        (pox_url(odd), "fetch.redirects"),
        ("https://router.lan/x", "fetch.forbidden"),
        ("http://away.test/", "fetch.forbidden"),
    ):
        internet.page(pox_url(odd), sent % url.encode())
        assert found(ask(internet, odd), ConfigSource.AUTODISCOVER).error == error


def test_exchange_is_told_by_version_two(internet: Internet, odd: str) -> None:
    url = f"https://autodiscover.{odd}/autodiscover/autodiscover.json?Email=settings%40{odd}&Protocol=AutodiscoverV1"
    internet.page(url, Page(b'{"Protocol": "AutodiscoverV1", "Url": "https://outlook.example/x"}'))
    assert found(ask(internet, odd), ConfigSource.AUTODISCOVER).error == "exchange"


# --- guessing ----------------------------------------------------------------------------------------


def test_a_guess_wants_a_valid_certificate(internet: Internet) -> None:
    assert found(ask(internet, "nocert.test"), ConfigSource.GUESS).error == "no_server"
    assert hosts(found(ask(internet, "second.test"), ConfigSource.GUESS).servers) == [
        ("imap", "mail.second.test", 993, "tls"),
        ("smtp", "mail.second.test", 465, "tls"),
    ]


def test_nothing_private_is_reached(internet: Internet) -> None:
    """The tests' guard of the network breaks a source that tries: then its error is none of these."""
    discovery = ask(internet, "private.test")
    assert not discovery.found
    assert {finding.error for finding in discovery.findings} <= {
        "fetch.forbidden",
        "own_host",
        "no_record",
        "no_server",
        "dns.no_address",
        "tls.cert_hostname",
    }


@pytest.mark.parametrize("domain", [("a" * 63 + ".") * 3 + "a" * 50 + ".test", "x" * 63 + ".test"])
def test_long_names_are_not_found(internet: Internet, domain: str) -> None:
    assert not ask(internet, domain).found
