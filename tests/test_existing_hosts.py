"""Hosts that a file or an SRV record names are looked up before they are shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dnslib import SRV

from guides.mail.discovery.findings import ConfigSource, Discovery, Finding, Trust
from guides.mail.discovery.servers import SkipReason
from tests.discovery_world import ask, autoconfig_url, client_config, pox, pox_url
from tests.internet import Internet
from tests.lab.dns import Name


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    made = Internet()
    made.page(autoconfig_url("old.test"), client_config("gone.old.test", "smtp.old.test"))
    made.page(autoconfig_url("half.test"), client_config("imap.half.test", "gone.half.test"))
    made.records("_imaps._tcp.dead.test", SRV(0, 1, 993, "gone.dead.test"))
    made.records("_imaps._tcp.two.test", SRV(0, 1, 993, "gone.two.test"), SRV(1, 1, 993, "imap.two.test"))
    made.page(pox_url("office.test"), pox("gone.office.test", "gone2.office.test"))
    made.page(autoconfig_url("shaky.test"), client_config("gone.shaky.test", "smtp.shaky.test"))
    made.zone["gone.shaky.test"] = Name(broken=True)
    with made:
        yield made


def finding(discovery: Discovery, source: ConfigSource) -> Finding:
    return next(each for each in discovery.findings if each.source is source)


@pytest.mark.parametrize(
    ("domain", "source"),
    [
        ("old.test", ConfigSource.AUTOCONFIG),
        ("dead.test", ConfigSource.SRV),
        ("office.test", ConfigSource.AUTODISCOVER),
    ],
)
def test_a_receiving_host_that_does_not_exist_is_no_setting(
    internet: Internet, domain: str, source: ConfigSource
) -> None:
    discovery = ask(internet, domain)
    assert not discovery.found
    found = finding(discovery, source)
    assert found.error == "no_server"
    assert (SkipReason.NO_SUCH_HOST, f"gone.{domain}") in {(each.why, each.detail) for each in found.skipped}


def test_what_exists_stays(internet: Internet) -> None:
    found = finding(ask(internet, "half.test"), ConfigSource.AUTOCONFIG)
    assert [server.host for server in found.servers] == ["imap.half.test"]
    assert found.trust is Trust.HIGH
    assert [server.host for server in finding(ask(internet, "two.test"), ConfigSource.SRV).servers] == ["imap.two.test"]


def test_a_name_server_that_fails_takes_nothing_away(internet: Internet) -> None:
    found = finding(ask(internet, "shaky.test"), ConfigSource.AUTOCONFIG)
    assert [server.host for server in found.servers] == ["gone.shaky.test", "smtp.shaky.test"]
