"""The headline of a failed test: what to do first, in agreement with who is said to do it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.diagnosis.classes import OWNERS, Context, owner_of
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import Alternative, Evidence, Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.services.articles import Articles
from guides.views import labels, provider_message, remedies
from guides.views.verdicts import ArticleLinks, judged

TYPED = Server(Protocol.IMAP, "imap.example.net", 143, Security.TLS)
FOUND = replace(TYPED, port=993)
ARTICLES, LINKS = Articles(PatternSet(), {}), ArticleLinks({}, "", "/")


def failed(cause: str, owner: Owner) -> Verdict:
    return Verdict(Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, cause=cause, owner=owner, leg=Leg.IMAP)


@pytest.mark.parametrize("cause", OWNERS)
def test_whoever_else_can_fix_it_is_asked_to(cause: str) -> None:
    """Only what visitors can do is told to them as theirs to do."""
    owner = owner_of(cause, Context.OWN)
    told = str(remedies.headline(failed(cause, owner), "About it"))
    if owner is Owner.VISITOR:
        assert told in {*map(str, remedies.OF_CAUSES.values()), "About it"}
    else:
        assert told == str(remedies.OF_OWNERS[owner])


def test_every_remedy_is_for_a_cause_that_there_is() -> None:
    assert set(remedies.OF_CAUSES) <= set(OWNERS)
    assert set(remedies.TRY_AGAIN) <= set(OWNERS)
    assert {owner_of(cause, Context.OWN) for cause in remedies.TRY_AGAIN} == {Owner.VISITOR}
    assert set(remedies.OF_OWNERS) == set(Owner) - {Owner.VISITOR}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (FOUND, "Change the port to 993."),
        (replace(TYPED, security=Security.STARTTLS), "Change the encryption to STARTTLS."),
        (replace(FOUND, security=Security.STARTTLS), "Change the port to 993 and the encryption to STARTTLS."),
        (
            replace(FOUND, host="mail.example.net"),
            "Change the server to mail.example.net, the port to 993 and the encryption to SSL/TLS.",
        ),
    ],
)
def test_a_proven_change_is_the_headline_and_the_visitors_to_make(found: Server, words: str) -> None:
    """Whoever else could mend the cause: here a certificate of the provider's that has expired."""
    verdict = failed("tls.cert_expired", Owner.PROVIDER)
    changed = replace(verdict, alternatives=(Alternative(Leg.IMAP, TYPED, found),))
    for given, headline, owner in (
        (changed, words, Owner.VISITOR),
        (verdict, remedies.OF_OWNERS[Owner.PROVIDER], Owner.PROVIDER),
    ):
        part = judged(given, [], ARTICLES, LINKS, is_listed=False, is_hidden=False)
        assert str(part.headline) == str(headline)
        assert part.owner == labels.OWNERS[owner]


def test_a_change_of_another_leg_is_no_headline() -> None:
    verdict = replace(
        failed("auth.rejected", Owner.VISITOR), leg=Leg.SMTP, alternatives=(Alternative(Leg.IMAP, TYPED, FOUND),)
    )
    assert "993" not in str(remedies.headline(verdict, ""))


def test_a_message_for_the_provider_says_what_fails_where_and_in_whose_words() -> None:
    stage = StageResult(
        Leg.IMAP,
        Stage.LOGIN,
        Outcome.FAIL,
        host="imap.example.net",
        port=993,
        security=Security.TLS,
        evidence=(Evidence("NO suspended"),),
    )
    for owner, is_theirs in (
        (Owner.PROVIDER, True),
        (Owner.ADMIN, True),
        (Owner.VISITOR, False),
        (Owner.NOBODY, False),
    ):
        text = provider_message.message("anna@example.net", failed("auth.policy", owner), [stage], "The title")
        assert bool(text) is is_theirs
        for part in ("anna@example.net", "The title", "imap.example.net:993, SSL/TLS", "Signing in", "NO suspended"):
            assert (part in text) is is_theirs
