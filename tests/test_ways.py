"""The one way that a page tells, for each kind of sign-in, mail app and protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from guides.library.reading import read_library
from guides.mail.accounts import Account, PasswordKind, Protocol, Security, Server
from guides.mail.ways import ABILITIES, Ability, Choice, Obstacle, Way, ability_of, able, choose

IMAP = Server(Protocol.IMAP, "imap.example.net", 993, Security.TLS)
POP3 = Server(Protocol.POP3, "pop.example.net", 995, Security.TLS)
BOTH = (IMAP, POP3)
NEW_OUTLOOK = ability_of("outlook", "new")
CLASSIC = ability_of("outlook", "classic")
IPHONE = ability_of("ios-mail", "current")
OLD_EMAIL = ability_of("android", "email")


def account(kind: str, slug: str = "example", servers: tuple[Server, ...] = BOTH) -> Account:
    return Account("example.net", provider=slug, password=PasswordKind(kind), servers=servers)


@pytest.mark.parametrize(
    ("kind", "slug", "ability", "wanted", "way", "protocol"),
    [
        ("password", "example", CLASSIC, "imap", Way.PASSWORD, "imap"),
        ("password", "example", CLASSIC, "pop3", Way.PASSWORD, "pop3"),
        ("app_password", "mail-ru", IPHONE, "imap", Way.APP_PASSWORD, "imap"),
        ("auth_code", "qq", IPHONE, "imap", Way.APP_PASSWORD, "imap"),
        ("mail_password", "docomo", IPHONE, "imap", Way.MAIL_PASSWORD, "imap"),
        ("app_password", "gmail", IPHONE, "imap", Way.OAUTH, "imap"),
        ("app_password", "gmail", IPHONE, "pop3", Way.OAUTH, "imap"),  # its window gives IMAP only
        ("app_password", "gmail", CLASSIC, "pop3", Way.APP_PASSWORD, "pop3"),
        ("app_password", "gmail", ability_of("thunderbird", "desktop"), "pop3", Way.OAUTH, "pop3"),
        ("app_password", "icloud", IPHONE, "imap", Way.DEVICE, "imap"),
        ("app_password", "icloud", CLASSIC, "imap", Way.APP_PASSWORD, "imap"),
        ("oauth2", "outlook-com", IPHONE, "pop3", Way.OAUTH, "imap"),
        ("bridge", "proton", CLASSIC, "imap", Way.BRIDGE, "imap"),
        ("password", "example", ability_of("outlook", "android"), "pop3", Way.PASSWORD, "pop3"),
    ],
)
def test_the_way(kind: str, slug: str, ability: Ability, wanted: str, way: Way, protocol: str) -> None:
    choice = choose(account(kind, slug), ability, Protocol(wanted))
    assert (choice.way, choice.protocol) == (way, protocol)


@pytest.mark.parametrize(
    ("kind", "servers", "ability", "obstacle"),
    [
        ("none", (), CLASSIC, Obstacle.CLOSED),
        ("bridge", BOTH, NEW_OUTLOOK, Obstacle.BRIDGE),
        ("oauth2", BOTH, OLD_EMAIL, Obstacle.WINDOW),
        ("oauth2", (POP3,), IPHONE, Obstacle.PROTOCOL),
        ("password", (POP3,), ability_of("outlook", "ios"), Obstacle.PROTOCOL),
    ],
)
def test_what_is_in_the_way(kind: str, servers: tuple[Server, ...], ability: Ability, obstacle: Obstacle) -> None:
    choice = choose(account(kind, servers=servers), ability)
    assert (choice.way, choice.obstacle, choice.protocols) == (Way.IMPOSSIBLE, obstacle, ())


def test_which_mail_apps_can() -> None:
    versions = [(each.client, each.version) for each in able(account("bridge"), ABILITIES)]
    assert ("outlook", "classic") in versions
    assert ("outlook", "new") not in versions
    assert not able(account("none"), ABILITIES)


def test_an_unknown_domain_has_both_protocols_and_its_own_password() -> None:
    choice = choose(Account("example.net"), CLASSIC, Protocol.POP3)
    assert choice == Choice(Way.PASSWORD, Protocol.POP3, protocols=(Protocol.IMAP, Protocol.POP3))


def test_texts_see_the_password_of_the_way() -> None:
    gmail = account("app_password", "gmail")
    assert choose(gmail, IPHONE).told(gmail).password is PasswordKind.OAUTH2
    assert choose(gmail, CLASSIC, Protocol.POP3).told(gmail) == gmail
    assert choose(account("bridge"), IPHONE).told(gmail).password is PasswordKind.NONE


def test_every_version_of_the_library_has_its_row_and_speaks_what_the_row_says() -> None:
    library, faults = read_library(Path(__file__).parent.parent / "guides" / "library")
    assert not faults
    versions = {(client.slug, version.slug) for client in library.clients for version in client.versions}
    assert versions == {(ability.client, ability.version) for ability in ABILITIES}
    assert len(ABILITIES) == len(versions)
    slugs = {provider.slug for provider in library.providers}
    assert all(ability.windows | ability.device <= slugs for ability in ABILITIES)
