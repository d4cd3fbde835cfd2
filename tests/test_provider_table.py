"""The provider table that the portal brings along: the facts' servers, and which domains and exchangers lead to them."""

from __future__ import annotations

import pytest
import re2

from guides.mail.accounts import BRIDGE_HOST, Account, Address, AuthMethod, PasswordKind, Protocol, Security
from guides.mail.discovery.findings import ConfigSource
from guides.mail.discovery.mx import by_suffix
from guides.mail.discovery.names import is_public_suffix
from guides.models import Provider
from guides.services import discovering
from guides.views.similar_domains import similar_domains
from tests.provider_facts import (
    BEYOND_THE_FACTS,
    FACTS,
    LATER_DOMAINS,
    LATER_EXCHANGERS,
    SLUGS,
    entries,
    load_providers,
    usual,
)
from tests.tables import each_row

pytestmark = pytest.mark.long

SHAPES = {
    "gmail": (["abcdefghijklmnop", "abcd efgh ijkl mnop"], ["Summer2026!", "abcdefghijklmno", "abcd-efgh-ijkl-mnop"]),
    "icloud": (["abcd-efgh-ijkl-mnop"], ["abcdefghijklmnop", "Summer2026!"]),
    "docomo": (["aB3dE6gH9k"], ["aB3dE6gH9", "aB3dE6gH9k1", "ｐａｓｓｗｏｒｄ１２"]),
}


@pytest.fixture
def table(db: None) -> None:
    load_providers()


def settings_of(domain: str) -> Account:
    return Provider.objects.for_domain(domain).with_settings().get().account(domain)


class TestFacts:
    def test_nothing_is_lost(self) -> None:
        assert (len(FACTS), sum(len(fact.domains) for fact in FACTS.values())) == (52, 503)
        assert set(entries()) > set(FACTS) | BEYOND_THE_FACTS
        assert len(entries()) >= 200

    @each_row("slug", SLUGS)
    def test_each_entry_says_what_the_facts_say(self, slug: str) -> None:
        fact, entry = FACTS[slug], entries()[slug]

        assert (entry.password, entry.must_enable, entry.confidence) == (
            fact.password,
            fact.must_enable,
            fact.confidence,
        )
        assert sorted(entry.domains) == sorted([*fact.domains, *LATER_DOMAINS.get(slug, [])])
        assert sorted(entry.domain_suffixes) == sorted(fact.below)
        assert sorted(entry.mx_suffixes) == sorted([*fact.mx, *LATER_EXCHANGERS.get(slug, [])])
        assert [
            f"{s.protocol} {s.host}:{s.port}:{s.security} {s.username} {'+'.join(sorted(s.auth))}"
            for s in entry.servers
        ] == fact.servers

    def test_each_domain_leads_to_its_provider(self, table: None) -> None:
        for fact in FACTS.values():
            for domain in fact.domains:
                provider = Provider.objects.for_domain(domain).get()
                assert provider.slug == fact.slug, domain

    def test_discovery_gives_the_tables_values_without_the_network(self, table: None) -> None:
        for fact in FACTS.values():
            for domain in fact.domains:
                discovery = discovering.at_hand(domain)
                assert discovery
                assert discovery.winner
                assert discovery.winner.source is ConfigSource.TABLE
                account = discovery.account
                assert (account.provider, account.password, account.must_enable) == (
                    fact.slug,
                    fact.password,
                    fact.must_enable,
                ), domain
                assert [f"{s.protocol} {s.host}:{s.port}:{s.security} {s.username}" for s in account.servers] == [
                    " ".join(line.split()[:3]) for line in fact.servers
                ]

    @pytest.mark.parametrize(
        ("domain", "slug"),
        [
            ("juno.ocn.ne.jp", "ocn"),
            ("aa2.so-net.ne.jp", "so-net"),
            ("contoso.onmicrosoft.com", "microsoft-365"),
            ("softbank.ne.jp", "softbank-smail"),
            ("i.softbank.jp", "softbank"),
        ],
    )
    def test_domains_below_a_suffix_and_neighbours(self, table: None, domain: str, slug: str) -> None:
        assert settings_of(domain).provider == slug

    def test_two_letters_that_changed_places_lead_back_to_each_provider(self, table: None) -> None:
        known = {domain for entry in entries().values() for domain in entry.domains}
        for entry in entries().values():
            for domain in entry.domains[:1]:
                typed = f"{domain[0]}{domain[2]}{domain[1]}{domain[3:]}"
                assert typed in known or "." in domain[:3] or domain in similar_domains(typed), typed

    def test_a_domain_that_only_ends_alike_is_nobodys(self, table: None) -> None:
        for domain in ("example.com", "notgmail.com", "mail.gmail.com", "x.softbank.ne.jp"):
            assert not Provider.objects.for_domain(domain).exists()

    @pytest.mark.parametrize(
        ("exchanger", "slug"),
        [
            ("gmail-smtp-in.l.google.com", "gmail"),
            ("aspmx.l.google.com", "google-workspace"),
            ("alt1.aspmx.l.google.com", "google-workspace"),
            ("aspmx2.googlemail.com", "google-workspace"),
            ("smtp.google.com", "google-workspace"),
            ("example-com.mail.protection.outlook.com", "microsoft-365"),
            ("example-com.k-v1.mx.microsoft", "microsoft-365"),
            ("outlook-com.olc.protection.outlook.com", "outlook-com"),
            ("mx-aol.mail.gm0.yahoodns.net", "aol"),
            ("mta5.am0.yahoodns.net", "yahoo"),
            ("in1-smtp.messagingengine.com", "fastmail"),
            ("mail.protonmail.ch", "proton"),
            ("aspmx1.migadu.com", "migadu"),
            ("mx.zoho.com", "zoho-us-business"),
            ("mx2.zoho.eu", "zoho-eu-business"),
            ("mxbiz1.qq.com", "tencent-exmail"),
            ("mx3.qq.com", None),
            ("mxdomain.qq.com", None),
            ("hzmx01.mxmail.netease.com", "netease-qiye"),
            ("mx.ym.163.com", None),
            ("mx01.mail.icloud.com", "icloud-custom"),
            ("mx00.ionos.de", "ionos-de"),
            ("mx01.kundenserver.de", "ionos-de"),
            ("smtpin.rzone.de", "strato"),
            ("spool.mail.gandi.net", "gandi"),
            ("mx1.mail.ovh.net", "ovh"),
            ("mta-gw.infomaniak.ch", "infomaniak"),
            ("smtp.secureserver.net", "godaddy"),
            ("mx1.hostinger.com", "hostinger"),
            ("mail.tutanota.de", "tuta"),
            ("work-mx.app.hey.com", "hey"),
            ("mx02.posteo.de", "posteo"),
            ("mx01.lolipop.jp", "lolipop"),
            ("mx1.beget.com", "beget"),
            ("mx2.timeweb.ru", "timeweb"),
            ("mx1.hosting.reg.ru", "reg-ru"),
            ("mx01.nicmail.ru", "nic-ru"),
            ("mx1.jino.ru", "jino"),
            ("mx.yandex.net", "yandex"),
            ("emx.mail.ru", "mail-ru"),
            ("mx.notgoogle.com", None),
        ],
    )
    def test_mail_exchangers_lead_to_who_runs_them(self, exchanger: str, slug: str | None) -> None:
        rules = {suffix: entry.slug for entry in entries().values() for suffix in entry.mx_suffixes}
        assert by_suffix(exchanger, rules) == slug

    def test_no_exchanger_of_another_country_code_or_public_suffix(self) -> None:
        for entry in entries().values():
            assert not [suffix for suffix in entry.mx_suffixes if is_public_suffix(suffix)], entry.slug


class TestAccounts:
    @each_row("slug", sorted(set(SLUGS) - {"tuta", "hey"}))
    def test_every_entry_makes_an_account_that_can_be_used(self, table: None, slug: str) -> None:
        account = Provider.objects.with_settings().get(slug=slug).account(usual(slug))

        assert account.best(Protocol.IMAP)
        assert account.best(Protocol.SMTP)
        for server in account.servers:
            assert server.security is not Security.NONE
            assert server.port not in (25, 80)
            assert (server.host == BRIDGE_HOST) == (slug == "proton")
        # Implicit TLS before STARTTLS (RFC 8314 section 3), submission on 465 before 587.
        for protocol in Protocol:
            order = [server.security for server in account.servers if server.protocol == protocol]
            assert order == sorted(order, key=[Security.TLS, Security.STARTTLS].index)

    @pytest.mark.parametrize("domain", ["tuta.com", "hey.com", "softbank.ne.jp"])
    def test_what_no_mail_client_can_use_has_no_servers(self, table: None, domain: str) -> None:
        account = settings_of(domain)
        assert (account.password, account.servers) == (PasswordKind.NONE, ())

    @pytest.mark.parametrize(
        ("domain", "imap", "smtp"),
        [
            ("mail.ru", "anna@mail.ru", "anna@mail.ru"),
            ("icloud.com", "anna", "anna@icloud.com"),
            ("yahoo.co.jp", "anna", "anna"),
            ("docomo.ne.jp", None, None),
            ("au.com", None, None),
            ("i.softbank.jp", "anna", "anna"),
        ],
    )
    def test_unusual_user_names(self, table: None, domain: str, imap: str | None, smtp: str | None) -> None:
        account, anna = settings_of(domain), Address("anna", domain)
        names = [account.best(protocol).username_for(anna) for protocol in (Protocol.IMAP, Protocol.SMTP)]  # type: ignore[union-attr]
        assert names == [imap, smtp]

    @pytest.mark.parametrize("domain", ["hotmail.co.uk", "contoso.onmicrosoft.com"])
    def test_microsoft_takes_no_password_at_all(self, table: None, domain: str) -> None:
        account = settings_of(domain)

        assert account.password is PasswordKind.OAUTH2
        assert {server.auth for server in account.servers} == {(AuthMethod.OAUTH2,)}

    @pytest.mark.parametrize("domain", ["googlemail.com", "aol.com", "cox.net", "verizon.net"])
    def test_some_take_both(self, table: None, domain: str) -> None:
        account = settings_of(domain)

        assert account.offers_oauth2
        assert {server.auth for server in account.servers} == {(AuthMethod.OAUTH2, AuthMethod.APP_PASSWORD)}

    @pytest.mark.parametrize("slug", SHAPES)
    def test_shapes_of_passwords(self, slug: str) -> None:
        right, wrong = SHAPES[slug]

        assert all(re2.fullmatch(entries()[slug].password_pattern, password) for password in right)
        assert not any(re2.fullmatch(entries()[slug].password_pattern, password) for password in wrong)
