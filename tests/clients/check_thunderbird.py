"""Thunderbird's own look-up takes the portal's settings (`make test-clients`; not part of `make test`).

As root: names lead to port 443 of a loopback address. Nothing leaves the machine but Thunderbird's question for MX records.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guides.library.reading import SHIPPED, read_library
from guides.mail.accounts import Address, AuthMethod, Protocol, Security, UsernameForm
from tests.clients.proxy import TlsProxy
from tests.clients.thunderbird import PROGRAM, Thunderbird
from tests.portal import LivePortal

OWN = "ours.test"
SSL, STARTTLS = 3, 2  # nsMsgSocketType
CLEARTEXT, OAUTH2 = 3, 10  # nsMsgAuthMethod
SOURCE_OWN, SOURCE_DB = "xml-from-isp-https", "xml-from-db"


@pytest.fixture(scope="module")
def thunderbird(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Thunderbird]:
    """A portal with an own domain, a proxy with a certificate in front of it, and Thunderbird, which asks it."""
    assert PROGRAM.exists(), "apt-get install thunderbird"
    folder: Path = tmp_path_factory.mktemp("clients")
    with LivePortal(folder / "portal", {"ALLOWED_SUFFIXES": "test"}) as portal:
        portal.manage(
            "own_domain",
            OWN,
            "--imap=imap.ours.test:993:tls",
            "--pop3=pop.ours.test:995:tls",
            "--smtp=smtp.ours.test:587:starttls",
            "--username=local_part",
            "--name=Our <mail> & more",
        )
        with TlsProxy(folder, [f"autoconfig.{OWN}"], portal.port) as proxy:
            preferences: dict[str, str | int | bool] = {"mailnews.auto_config_url": f"{portal.url}/v1.1/"}
            with Thunderbird(folder / "thunderbird", proxy.address, preferences) as program:
                program.trust(proxy.root)
                yield program


def test_an_own_domain_at_autoconfig(thunderbird: Thunderbird) -> None:
    found = thunderbird.look_up(f"anna@{OWN}")
    assert found["source"] == SOURCE_OWN
    assert (found["id"], found["displayName"], found["domains"]) == (OWN, "Our <mail> & more", [OWN])
    common = {"auth": CLEARTEXT, "username": "anna"}
    assert found["incoming"] == [
        {"type": "imap", "hostname": "imap.ours.test", "port": 993, "socketType": SSL, **common},
        {"type": "pop3", "hostname": "pop.ours.test", "port": 995, "socketType": SSL, **common},
    ]
    assert found["outgoing"] == [
        {"type": "smtp", "hostname": "smtp.ours.test", "port": 587, "socketType": STARTTLS, **common}
    ]


# Of each kind something: OAuth 2, app passwords, local parts, POP3 alone, STARTTLS, Japan, Russia and its neighbours.
# Not outlook.com: there Thunderbird also waits for Microsoft's own Autodiscover, which cannot be reached here.
SLUGS = (
    "gmail", "yahoo", "aol", "icloud", "fastmail", "comcast", "bt", "gmx-net", "web-de", "t-online", "posteo",
    "mailbox-org", "orange-fr", "laposte", "libero", "seznam", "o2-pl", "mail-ru", "yandex", "rambler", "ukr-net",
    "yahoo-japan", "nifty", "ocn", "biglobe", "so-net", "naver", "qq", "netease-163",
)  # fmt: skip
PROVIDERS = {provider.slug: provider for provider in read_library(SHIPPED)[0].providers}
TYPES = {Protocol.IMAP: "imap", Protocol.POP3: "pop3", Protocol.SMTP: "smtp"}
SOCKETS = {Security.TLS: SSL, Security.STARTTLS: STARTTLS}


@pytest.mark.parametrize("slug", SLUGS)
def test_known_providers_by_the_portal_as_a_private_ispdb(thunderbird: Thunderbird, slug: str) -> None:
    provider = PROVIDERS[slug]
    address = Address("anna", provider.domains[0])
    found = thunderbird.look_up(str(address))
    assert found["source"] == SOURCE_DB
    for direction, is_sending in (("incoming", False), ("outgoing", True)):
        wanted = [server for server in provider.servers if (server.protocol is Protocol.SMTP) is is_sending]
        assert [(each["type"], each["hostname"], each["port"], each["socketType"]) for each in found[direction]] == [
            (TYPES[server.protocol], server.host, server.port, SOCKETS[server.security]) for server in wanted
        ]
        best, chosen = (
            wanted[0],
            found[direction][0],
        )  # of the others Thunderbird fills nothing in before they are chosen
        local_part = best.username is UsernameForm.LOCAL_PART
        assert chosen["username"] == (address.local_part if local_part else str(address))
        assert (chosen["auth"] == OAUTH2) is (AuthMethod.OAUTH2 in best.auth)


def test_an_unknown_domain_gets_nothing(thunderbird: Thunderbird) -> None:
    assert thunderbird.look_up(f"anna@{OWN}")
    with pytest.raises(AssertionError, match="found nothing"):
        thunderbird.look_up("anna@nobody.test")
