"""What a fresh clone without a network answers about 239 much-used mail domains (tests/much_used_domains.txt)."""

from __future__ import annotations

from pathlib import Path

import pytest

from guides.library.entries import NoticeEntry
from guides.library.public_settings import load_public_settings
from guides.mail.accounts import PasswordKind
from guides.mail.discovery.findings import Finding
from guides.services import discovering
from tests.provider_facts import load_providers, shipped

pytestmark = pytest.mark.long

# Domains about which nothing could be found out, and why.
UNANSWERED = {
    "bbiq.jp": "the provider's page names IMAP and POP3, not the servers; the notice leads to it",
    "dti.ne.jp": "the provider's pages name port 587, not the servers; the notice leads to them",
    "infoseek.jp": "neither servers nor an end of the service were found",
    "mail.kz": "no source names servers but as an example",
    "rakuten.jp": "neither servers nor an end of the service were found",
    "sannet.ne.jp": "the provider's page tells of forwarding, not of servers",
    "sibmail.com": "no source names servers",
    "wakwak.com": "no source names servers",
}


def domains() -> list[str]:
    lines = (Path(__file__).parent / "much_used_domains.txt").read_text(encoding="utf-8").splitlines()
    return [domain for line in lines if not line.startswith("#") for domain in line.split()]


def is_told(finding: Finding | None) -> bool:
    """Whether a public table has servers, or the clear-text servers that the page warns of."""
    return finding is not None and (finding.account is not None or bool(finding.skipped))


def test_at_least_230_are_answered_without_a_network(db: None) -> None:
    load_providers()
    load_public_settings()
    notices = {text.parent for text in shipped().texts if isinstance(text, NoticeEntry)}
    silent = set()
    for domain in domains():
        found = discovering.from_table(domain)
        if found is None:
            if not is_told(discovering.from_snapshot(domain, domain)):
                silent.add(domain)
            continue
        account = found.account
        assert account.provider is not None, domain
        if not account.servers:
            # A page that can show no servers says why, and what to do.
            assert account.provider in notices, domain
            if domain in UNANSWERED:
                assert account.password is not PasswordKind.NONE
                silent.add(domain)
    assert silent == set(UNANSWERED)
    assert len(domains()) == len(set(domains())) == 239
    assert len(domains()) - len(silent) >= 230


def test_services_that_ended_or_let_no_program_in_have_no_servers(db: None) -> None:
    load_providers()
    for domain in ("excite.co.jp", "goo.jp", "uqmobile.jp", "ymobile.ne.jp", "rakumail.jp"):
        found = discovering.from_table(domain)
        assert found is not None
        assert (found.account.servers, found.account.password) == ((), PasswordKind.NONE), domain


def test_yahoo_japan_is_not_taken_for_yahoo(db: None) -> None:
    """A public table has the servers of yahoo.com for yahoo.ne.jp: the password would go to another company."""
    load_providers()
    for domain in ("yahoo.co.jp", "yahoo.ne.jp", "ybb.ne.jp"):
        found = discovering.from_table(domain)
        assert found is not None
        assert found.account.servers
        assert all(server.host.endswith(".yahoo.co.jp") for server in found.account.servers), domain
