"""Which domains belong together, and what a mail exchanger's name leads to."""

from __future__ import annotations

import pytest

from guides.mail.discovery.mx import by_suffix, domains_of
from guides.mail.discovery.names import have_one_owner, is_forwarder, is_gateway, is_within, registrable_domain


@pytest.mark.parametrize(
    ("host", "registered"),
    [
        ("imap.example.com", "example.com"),
        ("a.b.example.co.jp", "example.co.jp"),
        ("mail.anna.github.io", "anna.github.io"),
        ("mail.xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
        ("mx.example.unheard-of", "example.unheard-of"),
        ("co.jp", "co.jp"),
    ],
)
def test_registrable_domains(host: str, registered: str) -> None:
    assert registrable_domain(host) == registered


def test_what_belongs_together() -> None:
    assert is_within("imap.example.com", "mail.example.com")
    assert not is_within("imap.example.com", "example.net")
    assert not is_within("anna.co.jp", "otto.co.jp")
    assert not is_within("anna.github.io", "otto.github.io")


@pytest.mark.parametrize(
    ("host", "domain", "expected"),
    [
        ("imap.example.com", "example.com", True),
        ("imap.example.com", "mx.example.com", True),
        ("imap.anna.co.jp", "anna.co.jp", True),
        ("ssl0.ovh.net", "mx1.mail.ovh.net", True),
        ("vps-1.vps.ovh.net", "mx1.mail.ovh.net", False),
        ("imap.example.co.uk", "co.uk", False),
        ("anna.github.io", "github.io", False),
        ("ec2-8-8-8-8.compute-1.amazonaws.com", "compute-1.amazonaws.com", False),
        ("ec2-8-8-8-8.compute-1.amazonaws.com", "amazonaws.com", False),
        ("08080808.nip.io", "nip.io", False),
        ("x.8-8-8-8.example.com", "example.com", False),
    ],
)
def test_a_host_belongs_to_a_domains_owner_below_a_registrable_domain_only(
    host: str, domain: str, expected: bool
) -> None:
    assert have_one_owner(host, domain) is expected


def test_filtering_gateways_are_known_by_what_was_registered() -> None:
    assert is_gateway("eu-smtp-inbound-1.mimecast.com")
    assert is_gateway("cluster5.eu.messagelabs.com")
    assert not is_gateway("mimecast.com.example.org")
    assert not is_gateway("aspmx.l.google.com")


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("mx1.eu.hosting.com", ("eu.hosting.com", "hosting.com")),
        ("mx.hosting.com", ("hosting.com",)),
        ("hosting.com", ("hosting.com",)),
        ("mx.hosting.co.jp", ("hosting.co.jp",)),
        ("co.jp", ()),
        ("anna.github.io", ("anna.github.io",)),
    ],
)
def test_an_exchanger_leads_to_its_own_domains_and_never_to_a_public_suffix(host: str, names: tuple[str, ...]) -> None:
    assert domains_of(host) == names


def test_the_longest_suffix_wins() -> None:
    rules = {"google.com": "a", "l.google.com": "b", "oogle.com": "c"}
    assert by_suffix("aspmx.l.google.com", rules) == "b"
    assert by_suffix("google.com", rules) == "a"
    assert by_suffix("notgoogle.com", rules) is None


def test_forwarding_services_keep_no_mailbox() -> None:
    for host in (
        "route1.mx.cloudflare.net",
        "mx1.improvmx.com",
        "mx1.forwardemail.net",
        "mx2.simplelogin.co",
        "mail.anonaddy.me",
    ):
        assert is_forwarder(host)
        assert not is_gateway(host)
    assert not is_forwarder("cloudflare.net")  # a public suffix: names below it have different owners
    assert not is_forwarder("example.cloudflare.net")
