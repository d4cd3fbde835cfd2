"""The provider table that the portal brings along: twelve providers, checked against their known values."""

from __future__ import annotations

import pytest
import re2

from guides.content.library import Library, ProviderEntry
from guides.content.library_loading import Source, load
from guides.content.library_reading import SHIPPED, read_library
from guides.mail.accounts import Account, Address, AuthMethod, PasswordKind, Protocol, Security
from guides.models import Provider

SLUGS = [
    "fastmail",
    "gmail",
    "gmx-net",
    "icloud",
    "mail-ru",
    "outlook-com",
    "qq",
    "rambler",
    "web-de",
    "yahoo",
    "yahoo-japan",
    "yandex",
]

# domain, provider, password, "on" when it must be switched on, IMAP, POP3, SMTP, user names of IMAP and of SMTP
# (security is TLS where it is not named)
EXPECTED = """
mail.ru mail-ru app_password - imap.mail.ru:993 pop.mail.ru:995 smtp.mail.ru:465 full full
inbox.ru mail-ru app_password - imap.mail.ru:993 pop.mail.ru:995 smtp.mail.ru:465 full full
gmail.com gmail app_password - imap.gmail.com:993 pop.gmail.com:995 smtp.gmail.com:465 full full
outlook.com outlook-com oauth2 - outlook.office365.com:993 outlook.office365.com:995 smtp-mail.outlook.com:587:starttls full full
hotmail.com outlook-com oauth2 - outlook.office365.com:993 outlook.office365.com:995 smtp-mail.outlook.com:587:starttls full full
icloud.com icloud app_password - imap.mail.me.com:993 - smtp.mail.me.com:587:starttls local full
yahoo.com yahoo app_password - imap.mail.yahoo.com:993 pop.mail.yahoo.com:995 smtp.mail.yahoo.com:465 full full
yahoo.co.jp yahoo-japan password on imap.mail.yahoo.co.jp:993 pop.mail.yahoo.co.jp:995 smtp.mail.yahoo.co.jp:465 local local
yandex.ru yandex app_password on imap.yandex.com:993 pop.yandex.com:995 smtp.yandex.com:465 full full
gmx.net gmx-net password on imap.gmx.net:993 pop.gmx.net:995 mail.gmx.net:465 full full
web.de web-de password on imap.web.de:993 pop3.web.de:995 smtp.web.de:465 local local
rambler.ru rambler password on imap.rambler.ru:993 pop.rambler.ru:995 smtp.rambler.ru:465 full full
qq.com qq auth_code on imap.qq.com:993 pop.qq.com:995 smtp.qq.com:465 full full
fastmail.com fastmail app_password - imap.fastmail.com:993 pop.fastmail.com:995 smtp.fastmail.com:465 full full
"""
ROWS = [line.split() for line in EXPECTED.strip().splitlines()]

DOMAINS = {
    "fastmail": 118,
    "gmail": 5,
    "gmx-net": 11,
    "icloud": 3,
    "mail-ru": 7,
    "outlook-com": 103,
    "qq": 3,
    "rambler": 7,
    "web-de": 27,
    "yahoo": 20,
    "yahoo-japan": 2,
    "yandex": 9,
}

SHAPES = {
    "gmail": (["abcdefghijklmnop", "abcd efgh ijkl mnop"], ["Summer2026!", "abcdefghijklmno", "abcd-efgh-ijkl-mnop"]),
    "icloud": (["abcd-efgh-ijkl-mnop"], ["abcdefghijklmnop", "Summer2026!"]),
}


@pytest.fixture(scope="module")
def entries() -> dict[str, ProviderEntry]:
    library, faults = read_library(SHIPPED)
    assert not [fault for fault in faults if fault.file.endswith(".yaml")]
    return {entry.slug: entry for entry in library.providers}


@pytest.fixture
def table(db: None, entries: dict[str, ProviderEntry]) -> None:
    load(Library(providers=tuple(entries.values())), {}, source=Source.SHIPPED)


def settings_of(domain: str) -> Account:
    return Provider.objects.for_domain(domain).with_settings().get().account(domain)


def written(account: Account, protocol: Protocol) -> str:
    server = account.best(protocol)
    if server is None:
        return "-"
    security = "" if server.security is Security.TLS else f":{server.security}"
    return f"{server.host}:{server.port}{security}"


def test_all_twelve_are_there(entries: dict[str, ProviderEntry]) -> None:
    assert set(SLUGS) <= set(entries)
    assert {slug: len(entries[slug].domains) for slug in SLUGS} == DOMAINS


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_known_values(table: None, row: list[str]) -> None:
    domain, slug, password, switch, imap, pop3, smtp, imap_user, smtp_user = row
    account = settings_of(domain)

    assert (account.provider, account.password, account.must_enable) == (slug, password, switch == "on")
    assert [written(account, protocol) for protocol in Protocol] == [imap, pop3, smtp]
    for protocol, form in ((Protocol.IMAP, imap_user), (Protocol.SMTP, smtp_user)):
        server = account.best(protocol)
        assert server is not None
        expected = f"anna@{domain}" if form == "full" else "anna"
        assert server.username_for(Address("anna", domain)) == expected


@pytest.mark.parametrize("slug", SLUGS)
def test_every_entry_makes_an_account_that_can_be_used(table: None, slug: str) -> None:
    provider = Provider.objects.with_settings().get(slug=slug)
    account = provider.account(provider.domains.all()[0].domain)

    assert account.best(Protocol.IMAP)
    assert account.best(Protocol.SMTP)
    for server in account.servers:
        assert server.security is not Security.NONE
        assert server.port not in (25, 80)
    # Implicit TLS before STARTTLS (RFC 8314 section 3), submission on 465 before 587.
    for protocol in Protocol:
        order = [server.security for server in account.servers if server.protocol == protocol]
        assert order == sorted(order, key=[Security.TLS, Security.STARTTLS].index)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_entry_says_where_it_is_from(entries: dict[str, ProviderEntry], slug: str) -> None:
    entry = entries[slug]

    assert entry.sources
    assert entry.checked_on
    assert entry.links.help.startswith("https://")
    assert entry.links.webmail.startswith("https://")
    assert entry.confidence != "low"
    if entry.password == PasswordKind.APP_PASSWORD:
        assert entry.links.password_page


def test_outlook_takes_no_password_at_all(table: None) -> None:
    account = settings_of("hotmail.co.uk")

    assert account.password is PasswordKind.OAUTH2
    assert {server.auth for server in account.servers} == {(AuthMethod.OAUTH2,)}


def test_gmail_takes_both(table: None) -> None:
    assert settings_of("googlemail.com").offers_oauth2
    assert {server.auth for server in settings_of("googlemail.com").servers} == {
        (AuthMethod.OAUTH2, AuthMethod.APP_PASSWORD)
    }


@pytest.mark.parametrize("slug", SHAPES)
def test_shapes_of_app_passwords(entries: dict[str, ProviderEntry], slug: str) -> None:
    right, wrong = SHAPES[slug]

    assert all(re2.fullmatch(entries[slug].password_pattern, password) for password in right)
    assert not any(re2.fullmatch(entries[slug].password_pattern, password) for password in wrong)


def test_what_the_sources_doubt_is_kept(entries: dict[str, ProviderEntry]) -> None:
    assert any("user name" in doubt for doubt in entries["icloud"].doubts)
    assert any("POP3 host is not in ISPDB" in doubt for doubt in entries["qq"].doubts)


def test_mail_exchangers_of_custom_domains(entries: dict[str, ProviderEntry]) -> None:
    assert "messagingengine.com" in entries["fastmail"].mx_suffixes
    assert "l.google.com" in entries["gmail"].mx_suffixes
