"""The provider table that the portal brings along, held to what the field's facts say (tests/provider_table.txt)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import re2

from guides.library import loading
from guides.library.checks import check_library, known_rows
from guides.library.entries import Library, NoticeEntry, ProviderEntry
from guides.library.reading import SHIPPED, read_library
from guides.mail.accounts import (
    BRIDGE_HOST,
    Account,
    Address,
    AuthMethod,
    PasswordKind,
    Protocol,
    Security,
    UsernameForm,
)
from guides.mail.discovery.findings import ConfigSource
from guides.mail.discovery.mx import by_suffix
from guides.mail.discovery.names import is_public_suffix
from guides.markup import Situation, fill
from guides.markup.words import WORDS
from guides.models import Provider
from guides.models.texts import Language
from guides.services import discovering
from tests.tables import each_row

pytestmark = pytest.mark.long

# The portal has an entry for softbank.ne.jp beyond the facts' list: their notes ask to say so instead of guessing.
BEYOND_THE_FACTS = {"softbank-smail"}

FIRST_TWELVE = [
    "fastmail", "gmail", "gmx-net", "icloud", "mail-ru", "outlook-com", "qq", "rambler", "web-de", "yahoo",
    "yahoo-japan", "yandex",
]  # fmt: skip

SHAPES = {
    "gmail": (["abcdefghijklmnop", "abcd efgh ijkl mnop"], ["Summer2026!", "abcdefghijklmno", "abcd-efgh-ijkl-mnop"]),
    "icloud": (["abcd-efgh-ijkl-mnop"], ["abcdefghijklmnop", "Summer2026!"]),
    "docomo": (["aB3dE6gH9k"], ["aB3dE6gH9", "aB3dE6gH9k1", "ｐａｓｓｗｏｒｄ１２"]),
}


@dataclass
class Fact:
    """What the facts say of one provider."""

    slug: str
    password: str
    must_enable: bool
    confidence: str
    servers: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    mx: list[str] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)


def read_facts() -> Iterator[Fact]:
    fact: Fact | None = None
    for line in (Path(__file__).parent / "provider_table.txt").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if fact:
                yield fact
            slug, password, switch, confidence = words
            fact = Fact(slug, password, switch == "on", confidence)
            continue
        assert fact
        match words[0]:
            case "imap" | "pop3" | "smtp":
                fact.servers.append(" ".join(words))
            case "below":
                fact.below += words[1:]
            case "mx":
                fact.mx += words[1:]
            case "domains":
                fact.domains += words[1:]
            case _:
                fact.domains += words  # the line before goes on
    assert fact
    yield fact


FACTS = {fact.slug: fact for fact in read_facts()}
SLUGS = sorted(FACTS)


@pytest.fixture(scope="module")
def library() -> Library:
    library, faults = read_library(SHIPPED)
    assert not faults
    return library


@pytest.fixture(scope="module")
def entries(library: Library) -> dict[str, ProviderEntry]:
    return {entry.slug: entry for entry in library.providers}


@pytest.fixture
def table(db: None, entries: dict[str, ProviderEntry]) -> None:
    loading.load(Library(providers=tuple(entries.values())), {}, source=loading.Origin.SHIPPED)


def settings_of(domain: str) -> Account:
    return Provider.objects.for_domain(domain).with_settings().get().account(domain)


def usual(slug: str) -> str:
    """A domain of a provider; one found by mail exchangers alone has its customers' domains."""
    return FACTS[slug].domains[0] if FACTS[slug].domains else "example.com"


class TestFacts:
    def test_nothing_is_lost(self, entries: dict[str, ProviderEntry]) -> None:
        assert (len(FACTS), sum(len(fact.domains) for fact in FACTS.values())) == (52, 503)
        assert set(entries) > set(FACTS) | BEYOND_THE_FACTS
        assert len(entries) >= 200

    @each_row("slug", SLUGS)
    def test_each_entry_says_what_the_facts_say(self, entries: dict[str, ProviderEntry], slug: str) -> None:
        fact, entry = FACTS[slug], entries[slug]

        assert (entry.password, entry.must_enable, entry.confidence) == (
            fact.password,
            fact.must_enable,
            fact.confidence,
        )
        assert sorted(entry.domains) == sorted(fact.domains)
        assert sorted(entry.domain_suffixes) == sorted(fact.below)
        assert sorted(entry.mx_suffixes) == sorted(fact.mx)
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
    def test_mail_exchangers_lead_to_who_runs_them(
        self, entries: dict[str, ProviderEntry], exchanger: str, slug: str | None
    ) -> None:
        rules = {suffix: entry.slug for entry in entries.values() for suffix in entry.mx_suffixes}
        assert by_suffix(exchanger, rules) == slug

    def test_no_exchanger_of_another_country_code_or_public_suffix(self, entries: dict[str, ProviderEntry]) -> None:
        for entry in entries.values():
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
    def test_shapes_of_passwords(self, entries: dict[str, ProviderEntry], slug: str) -> None:
        right, wrong = SHAPES[slug]

        assert all(re2.fullmatch(entries[slug].password_pattern, password) for password in right)
        assert not any(re2.fullmatch(entries[slug].password_pattern, password) for password in wrong)


class TestHonesty:
    def test_every_entry_says_where_it_is_from(self, entries: dict[str, ProviderEntry]) -> None:
        for slug, entry in entries.items():
            assert entry.sources, slug
            assert entry.checked_on, slug
            if entry.confidence == "low":
                assert entry.doubts, slug
        for slug in FIRST_TWELVE:
            assert entries[slug].links.help.startswith("https://")
            assert entries[slug].links.webmail.startswith("https://")
            assert entries[slug].confidence != "low"

    def test_what_is_only_remembered_is_of_low_confidence(self, entries: dict[str, ProviderEntry]) -> None:
        """Names that no source holds; an entry without servers gives none to get wrong."""
        for slug, entry in entries.items():
            if entry.servers and all("recalled" in source for source in entry.sources):
                assert entry.confidence == "low", slug

    def test_what_the_sources_doubt_is_kept(self, entries: dict[str, ProviderEntry]) -> None:
        for slug, words in {
            "icloud": "user name",
            "qq": "POP3 host is not in ISPDB",
            "gmail": "Google Workspace",
            "google-workspace": "l.google.com stays with Gmail",
            "au": "Public tables disagree",
            "nifty": "clear text",
        }.items():
            assert any(words in doubt for doubt in entries[slug].doubts), slug

    def test_every_provider_has_its_notice_in_every_language(self, library: Library) -> None:
        """Of the facts' providers, and of those that a page without a notice could not explain."""
        notices = {(text.parent, text.language) for text in library.texts if isinstance(text, NoticeEntry)}
        told = {entry.slug for entry in library.providers if not entry.servers or wants_a_name(entry)}
        told |= {*SLUGS, *BEYOND_THE_FACTS}
        assert notices == {(slug, language) for slug in told for language in Language}

    @pytest.mark.parametrize(
        ("slug", "words"),
        [
            ("docomo", ["dアカウント", "IMAP専用パスワード"]),
            ("au", ["ユーザー ID", "確認できていません"]),
            ("icloud", ["@ より前"]),
            ("qq", ["授权码"]),
            ("netease-163", ["授权码"]),
            ("t-online", ["Passwort für E-Mail-Programme"]),
            ("softbank", ["@i.softbank.jp", "@softbank.ne.jp"]),
            ("outlook-com", ["Microsoft のログイン画面"]),
            ("microsoft-365", ["Microsoft のログイン画面", "550 5.7.30"]),
            ("proton", ["Proton Mail Bridge", "127.0.0.1", "テストできません"]),
            ("tuta", ["設定できるものはありません"]),
            ("hey", ["設定できるものはありません"]),
        ],
    )
    def test_unusual_logins_are_told_before_anything_else(self, library: Library, slug: str, words: list[str]) -> None:
        notice = next(
            text
            for text in library.texts
            if isinstance(text, NoticeEntry) and text.parent == slug and text.language == "ja"
        )
        assert all(word in notice.title + notice.body for word in words)

    def test_a_name_for_the_user_name_stands_where_it_is_no_part_of_the_address(self, library: Library) -> None:
        other = {entry.slug for entry in library.providers if wants_a_name(entry)}
        notices = [text for text in library.texts if isinstance(text, NoticeEntry)]
        assert {text.parent for text in notices if text.username_name} == other
        assert other == {"docomo", "au", "icloud-custom", "plusnet"}


def wants_a_name(entry: ProviderEntry) -> bool:
    """Whether the user name does not follow from the address."""
    return any(server.username is UsernameForm.OTHER and not server.username_template for server in entry.servers)


# Providers after those of the facts whose guides differ from all of theirs.
UNUSUAL = ["icloud-custom", "plusnet"]

# Words that may stand in the place of a value although the provider is known.
MAY_BE_UNKNOWN = {WORDS["unknown.app"]}
UNKNOWN = re.compile(r'<span class="value-unknown">(.*?)</span>')
EMPTY = re.compile(r'<code class="value[^>]*></code>|\{\{|<(strong|h3|td|li|span class="row-value")></')


class TestGuides:
    def test_every_guide_fills_for_every_provider(self, table: None, library: Library) -> None:
        """In each version, protocol and language: no value is missing, no field is empty, no placeholder is left."""
        checked = check_library(library, known_rows())
        assert not checked.faults
        versions = {client.slug: [each.slug for each in client.versions] or [""] for client in library.clients}
        version_of = {guide.slug: versions.get(guide.client, [""]) for guide in library.guides}
        notices = {(text.parent, text.language): text for text in library.texts if isinstance(text, NoticeEntry)}
        providers = list(Provider.objects.with_settings().filter(slug__in=[*SLUGS, *BEYOND_THE_FACTS, *UNUSUAL]))
        guides = [text for text in library.texts if text.parent_key.startswith("guides/")]
        assert len(providers) == 55
        assert len(guides) >= 27
        wrong = []
        for provider in providers:
            account = provider.account(usual(provider.slug) if provider.slug in FACTS else "example.com")
            protocols = [each for each in (Protocol.IMAP, Protocol.POP3) if account.best(each)] or [Protocol.IMAP]
            for text in [*guides, *(notices[provider.slug, language] for language in Language)]:
                notice = notices[provider.slug, text.language]
                for protocol in protocols:
                    for version in version_of.get(text.parent, [""]) if text in guides else [""]:
                        situation = Situation(
                            account,
                            protocol,
                            version,
                            password_name=notice.password_name,
                            username_name=notice.username_name,
                            app_name=provider.app_name,
                        )
                        html = fill(checked.compiled[text.key], situation, WORDS)
                        unknown = (
                            {unescape(each) for each in UNKNOWN.findall(html)} - MAY_BE_UNKNOWN - {notice.username_name}
                        )
                        if unknown or EMPTY.search(html) or not html.strip():
                            wrong.append((text.key, provider.slug, protocol, version, unknown or EMPTY.search(html)))
        assert not wrong, describe(wrong)


def describe(wrong: list[tuple[Any, ...]]) -> str:
    return "\n".join(" ".join(map(str, each)) for each in wrong[:40]) + f"\n{len(wrong)} in all"
