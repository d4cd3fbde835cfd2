"""The texts of facts/error-strings.json: each is found by the shipped patterns, as its class and for who can fix it.

`facts_examples.json` is a copy in our own shape: example, class, owner, and where known protocol, stage and
provider. `facts_owner` is what the facts say where we tell another: the owner must agree with the article's remedy, so
nobody is called where the article says to wait, and the visitor where the visitor can act. `"pattern": false` marks the eight descriptions that are no server's words.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.classes import owner_of
from guides.mail.diagnosis.patterns import Match
from guides.mail.outcomes import Stage
from tests.tables import each_row
from tests.test_error_library import EVERYTHING

FACTS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "facts_examples.json").read_text(encoding="utf-8"))
FOUND = [fact for fact in FACTS if fact.get("pattern", True)]


def verdict(match: Match | None) -> tuple[str, str] | None:
    if match is None:
        return None
    owner = match.pattern.owner or owner_of(match.pattern.cause)
    return match.pattern.cause, owner.value


def test_all_facts_are_there() -> None:
    assert len(FACTS) == 322
    assert len(FOUND) == 314


@each_row("fact", FOUND)
def test_a_fact_is_found_where_it_belongs(fact: dict[str, Any]) -> None:
    match = EVERYTHING.match(
        fact["example"],
        protocol=Protocol(fact["protocol"]) if "protocol" in fact else None,
        stage=Stage(fact["stage"]) if "stage" in fact else None,
        provider=fact.get("provider"),
    )
    assert verdict(match) == (fact["class"], fact["owner"]), match and match.pattern.name


@each_row("fact", FOUND)
def test_a_pasted_fact_is_found_without_its_place(fact: dict[str, Any]) -> None:
    match = EVERYTHING.match(fact["example"], protocol=None, stage=None, provider=None)
    assert verdict(match) == (fact["class"], fact["owner"]), match and match.pattern.name


def test_a_description_is_nobody_elses_fault() -> None:
    """Texts without a pattern may find nothing, or a cause that the same person can fix."""
    for fact in FACTS:
        if fact in FOUND:
            continue
        found = verdict(EVERYTHING.match(fact["example"], protocol=None, stage=None, provider=None))
        assert found is None or found[1] == fact["owner"], fact["example"]


# Real texts that differ from a fact's example by little and mean something else: the facts' own classes do not
# cover them, or the one example is filed under a class that its words do not bear out.
NEAR = {
    "a recipient that test programs made up is the portal's fault, a real one is not": (
        "550 5.1.1 <bob@example.org>: Recipient address rejected: undeliverable address: host mx.example.org said: 550",
        ("smtp.recipient_verify", "visitor"),
    ),
    "Orange's other hosts say what they mean: too many connections": (
        "421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down.",
        ("route.too_many_connections", "nobody"),
    ),
    "the founding document's wording has the provider's support as owner": (
        "550 spam message discarded",
        ("smtp.spam", "provider"),
    ),
    "the founding document's wording has the sender's network as owner": (
        "550 We do not accept mail from dynamic IPs",
        ("smtp.ip_dynamic", "sender_network"),
    ),
    "Coremail's unknown user alone is a typing error": ("550 User not found", ("rcpt.unknown", "visitor")),
    "Dovecot writes a full stop where iCloud writes none": (
        "NO [AUTHENTICATIONFAILED] Authentication failed.",
        ("auth.rejected", "visitor"),
    ),
    "a mailbox over its quota is not over its bandwidth": (
        "NO [OVERQUOTA] Quota exceeded (mailbox for user is full)",
        ("mbox.overquota", "visitor"),
    ),
    "a wrapper gives way to the server's own words": (
        "0x800CCC79 The server rejected one of the recipients: 550 5.1.1 <b@x>: Recipient address rejected: User unknown",
        ("rcpt.unknown", "visitor"),
    ),
}


@each_row("reason", NEAR)
def test_near_misses_are_told_apart(reason: str) -> None:
    words, expected = NEAR[reason]
    assert verdict(EVERYTHING.match(words, protocol=None, stage=None, provider=None)) == expected
