"""Thunderbird's own look-up takes the portal's settings (`make test-clients`; not part of `make test`).

As root: names lead to port 443 of a loopback address. Nothing leaves the machine but Thunderbird's question for MX records.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("address", "incoming", "outgoing", "auth", "username"),
    [
        ("anna@mail.ru", "imap.mail.ru", "smtp.mail.ru", {CLEARTEXT, OAUTH2}, "anna@mail.ru"),
        ("anna@yahoo.co.jp", "imap.mail.yahoo.co.jp", "smtp.mail.yahoo.co.jp", {CLEARTEXT}, "anna"),
        # Not outlook.com: there Thunderbird also waits for Microsoft's own Autodiscover, which cannot be reached here.
        ("anna@gmail.com", "imap.gmail.com", "smtp.gmail.com", {OAUTH2}, "anna@gmail.com"),
    ],
)
def test_known_providers_by_the_portal_as_a_private_ispdb(
    thunderbird: Thunderbird, address: str, incoming: str, outgoing: str, auth: set[int], username: str
) -> None:
    found = thunderbird.look_up(address)
    assert found["source"] == SOURCE_DB
    best = found["incoming"][0]
    assert (best["type"], best["hostname"], best["port"], best["socketType"]) == ("imap", incoming, 993, SSL)
    assert best["auth"] in auth
    assert best["username"] == username
    assert found["outgoing"][0]["hostname"] == outgoing


def test_an_unknown_domain_gets_nothing(thunderbird: Thunderbird) -> None:
    assert thunderbird.look_up(f"anna@{OWN}")
    with pytest.raises(AssertionError, match="found nothing"):
        thunderbird.look_up("anna@nobody.test")
