"""A server that repeats what the visitor typed: those words do not decide what its refusal means."""

from __future__ import annotations

import pytest

from guides.mail.accounts import Address
from guides.mail.diagnosis.patterns import Pattern
from guides.mail.outcomes import Leg
from tests.scripted import Imap, Pop3, Scripted, Smtp, run_against

POISON = "blocked-by-spamhaus"
SENTENCE = "your IP 192.0.2.7 is blocked using dnsbl"
BLOCKED = Pattern("blocked", "blocked (by|using) ", "cross.portal_blocked", article="portal-refused")


def at_login(kind: type[Scripted], words: str) -> Scripted:
    said = words.encode()
    if kind is Imap:
        return Imap(login=b"NO " + said)
    return Pop3(login=b"-ERR " + said) if kind is Pop3 else Smtp(login=(b"535 5.7.8 " + said,))


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"username": POISON}, f"authentication failed for {POISON}"),
        ({"username": SENTENCE}, f"authentication failed: {SENTENCE}"),
        ({"password": SENTENCE}, f"authentication failed: {SENTENCE}"),
        ({"password": "blocked using dnsbl"}, "authentication failed: <blocked%20using%20dnsbl>"),
        ({"address": Address(POISON, "example.test")}, f"authentication failed for {POISON}@example.test"),
        ({"address": Address(POISON, "example.test")}, f"authentication failed for {POISON}"),
    ],
)
def test_what_the_visitor_typed_decides_nothing(kind: type[Scripted], typed: dict[str, object], words: str) -> None:
    last = run_against(at_login(kind, words), patterns=(BLOCKED,), **typed).last(Leg(kind().protocol))  # type: ignore[arg-type]
    assert (last.stage, last.cause, last.outcome, last.owner) == ("login", "auth.rejected", "fail", "visitor")


LISTED = Pattern("listed", "spamhaus", "cross.portal_blocked")


@pytest.mark.parametrize(
    ("server", "cause"),
    [
        (Imap(login=b"NO [UNAVAILABLE] spamhaus, later"), "auth.temp_unavailable"),
        (Imap(login=b"NO no spamhaus here"), "auth.rejected"),
        (Pop3(login=b"-ERR spamhaus refused"), "auth.rejected"),
        (Smtp(login=(b"550 spamhaus refused",)), "unknown.unknown"),
        (Smtp(rcpt=b"550 5.1.1 spamhaus: no such user"), "rcpt.unknown"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize("patterns", [(), (LISTED,)], ids=["words", "pattern"])
def test_a_plain_word_blocks_no_portal(server: Scripted, cause: str, patterns: tuple[Pattern, ...]) -> None:
    address = Address("spamhaus", "example.test")
    last = run_against(server, patterns=patterns, address=address).last(Leg(server.protocol))
    assert (last.cause, last.owner) != ("cross.portal_blocked", "portal")
    assert last.cause == cause
    assert run_against(server, patterns=(LISTED,)).last(Leg(server.protocol)).outcome == "ours"


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
def test_the_servers_own_words_still_do(kind: type[Scripted]) -> None:
    server = at_login(kind, f"{SENTENCE}, {POISON}")
    last = run_against(server, patterns=(BLOCKED,), username=POISON).last(Leg(server.protocol))
    assert (last.cause, last.outcome) == ("cross.portal_blocked", "ours")


@pytest.mark.parametrize(
    ("server", "cause"),
    [
        (Smtp(login=(b"454 4.7.0 temporary failure for " + POISON.encode(),)), "auth.temp_unavailable"),
        (Imap(login_notice=b"* NO " + POISON.encode(), login=b"NO no"), "auth.rejected"),
        (Imap(examine=b"NO [NONEXISTENT] no INBOX of " + POISON.encode()), "mbox.nonexistent"),
        (Pop3(stat=b"-ERR [SYS/TEMP] " + POISON.encode()), "mbox.temp"),
        (Smtp(mail=b"451 4.3.0 <" + POISON.encode() + b"@example.test> later"), "smtp.temp"),
        (Smtp(rcpt=b"550 5.1.1 <" + POISON.encode() + b"@example.test> unknown"), "rcpt.unknown"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else type(value).__name__,
)
def test_at_every_refusal(server: Scripted, cause: str) -> None:
    address = Address(POISON, "example.test")
    assert run_against(server, patterns=(BLOCKED,), address=address).last(Leg(server.protocol)).cause == cause


@pytest.mark.parametrize(
    ("words", "typed", "cause"),
    [
        ("no such user: user", {"username": "user"}, "auth.username_unknown"),
        ("Incorrect password", {"password": "password"}, "auth.rejected"),
        ("ask the admin: account disabled", {"username": "account"}, "auth.account_disabled"),
        ("IMAP is disabled for your domain", {"username": "imap"}, "auth.protocol_disabled_by_admin"),
        ("user anna@example.org is disabled", {"username": "anna@example.org"}, "auth.account_disabled"),
    ],
)
def test_what_a_server_calls_them_itself_is_still_read(words: str, typed: dict[str, str], cause: str) -> None:
    assert run_against(at_login(Imap, words), **typed).last(Leg.IMAP).cause == cause  # type: ignore[arg-type]
