"""The shipped error articles: every class is explained by one of them, in three languages, and found by its words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.classes import ARTICLES as ELSEWHERE
from guides.mail.diagnosis.classes import CLASSES, Context, owner_of
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.outcomes import Owner, Stage, Symptom
from guides.markup import compile_text
from tests.bounces import all_cases
from tests.bounces.measure import measured
from tests.tables import each_row

pytestmark = pytest.mark.long

LIBRARY = Path(__file__).parent.parent / "guides" / "library"
ERRORS = LIBRARY / "errors"
LANGUAGES = ("ja", "en", "ru")
ARTICLES: dict[str, dict[str, Any]] = {
    folder.name: yaml.safe_load((folder / "article.yaml").read_text(encoding="utf-8"))
    for folder in sorted(ERRORS.iterdir())
}
PROVIDERS = sorted(file.stem for file in (LIBRARY / "providers").glob("*.yaml"))
FOUNDING = {
    "account-send-disabled": "550 Message was not accepted: message sending for this account is disabled",
    "mailbox-full": "550 Mailbox full",
    "user-not-found": "550 Local mailbox x@mail.ru is unavailable: user not found",
    "pop3-1000-messages": "-ERR No such message, only 1000 messages in maildrop",
    "dynamic-ip": "550 We do not accept mail from dynamic IPs",
    "spam-rejected": "550 spam message discarded",
    "account-access-disabled": "NO [AUTHENTICATIONFAILED] Access to this account is disabled",
}
# Hosts that an article may name: examples, and what facts/error-strings.json names as the place to go.
HOSTS = frozenset(
    {
        "example.net",
        "imap.example.com",
        "1-2-3-4.dyn.example.net",
        "mail.ru",  # as an example of a domain
        "example.co.jp",
        "gmial.com",  # as a misspelling
        "sender.office.com",
        "aka.ms",
        "postmaster.gmx.net",
        "postmaster.orange.fr",
        "www.spamhaus.org",
        "support.apple.com",
        "mail.zoho.com",
        "rambler-co.ru",
        "me.com",
        "rx.t-online.de",
        "mail.com",
        "hey.com",
        "163.com",
        "188.com",
    }
)


def library_patterns() -> list[tuple[Pattern, str]]:
    """Every shipped pattern with its example."""
    return [
        (
            Pattern(
                name=row["name"],
                expression=row["pattern"],
                cause=row["cause"],
                article=slug,
                owner=Owner(row["owner"]) if "owner" in row else None,
                provider=row.get("provider"),
                protocol=Protocol(row["protocol"]) if "protocol" in row else None,
                stage=Stage(row["stage"]) if "stage" in row else None,
                priority=row["priority"],
            ),
            row["example"],
        )
        for slug, article in ARTICLES.items()
        for row in article.get("patterns", [])
    ]


PATTERNS = library_patterns()
EVERYTHING = PatternSet(pattern for pattern, _example in PATTERNS)


def head_and_body(slug: str, language: str) -> tuple[dict[str, Any], str]:
    _, head, body = (ERRORS / slug / f"{language}.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), body


def test_every_class_has_one_article() -> None:
    named = [name for article in ARTICLES.values() for name in article["classes"]]
    assert len(named) == len(set(named))
    assert set(named) == CLASSES


# Families of classes whose articles may stand under one symptom alone.
SYMPTOM_OF_FAMILY = {
    "dns": {Symptom.CONNECT},
    "tcp": {Symptom.CONNECT},
    "greet": {Symptom.CONNECT, Symptom.SEND},
    "tls": {Symptom.CONNECT, Symptom.CERTIFICATE},
    "auth": {Symptom.SIGN_IN, Symptom.CONNECT, Symptom.SEND},
    "mbox": {Symptom.RECEIVE, Symptom.SIGN_IN, Symptom.CONNECT, Symptom.SEND},
    "smtp": {Symptom.SEND, Symptom.BOUNCE, Symptom.SIGN_IN, Symptom.CONNECT},
    "sender_auth": {Symptom.BOUNCE},
    "rcpt": {Symptom.BOUNCE, Symptom.SEND},
    "route": {Symptom.BOUNCE},
    "auto": {Symptom.BOUNCE, Symptom.OTHER},
}


def test_every_article_stands_under_one_symptom() -> None:
    assert [slug for slug, article in ARTICLES.items() if "symptom" not in article] == []
    assert {article["symptom"] for article in ARTICLES.values()} == set(Symptom)
    astray = {
        (slug, name)
        for slug, article in ARTICLES.items()
        for name in article["classes"]
        if article["symptom"] not in SYMPTOM_OF_FAMILY.get(name.partition(".")[0], set(Symptom))
    }
    assert astray == set()


def test_certificates_stand_under_the_warning_about_certificates() -> None:
    cert = {slug for slug, article in ARTICLES.items() if any(".cert_" in name for name in article["classes"])}
    assert cert
    assert {ARTICLES[slug]["symptom"] for slug in cert} == {Symptom.CERTIFICATE}


def test_the_owner_of_an_article_is_told_for_something_that_it_explains() -> None:
    """`docs/classes.md` holds the whole table, class by context; a test compares it (test_classes_document.py)."""
    told: dict[str, set[Owner]] = {}
    usual = {name: slug for slug, article in ARTICLES.items() for name in article["classes"]}
    for name, slug in usual.items():
        for context in Context:
            told.setdefault(ELSEWHERE.get((name, context), slug), set()).add(owner_of(name, context))
    for pattern, _example in PATTERNS:
        if pattern.owner is not None:
            told[pattern.article].add(pattern.owner)
    assert set(told) <= set(ARTICLES)
    assert {slug for slug, owners in told.items() if ARTICLES[slug]["owner"] not in owners} == set()


def test_waiting_is_a_step_of_every_article_that_says_to_wait() -> None:
    harmless = {"delivery-confirmed", "vacation-reply"}
    waiting = {slug for slug, article in ARTICLES.items() if article["owner"] == Owner.NOBODY} - harmless
    steps = {slug: re.findall(r"::: step \{#([\w-]+)\}", head_and_body(slug, "en")[1]) for slug in waiting}
    assert {slug for slug, names in steps.items() if not {"wait", "again", "nothing"} & set(names)} == set()


def test_a_pattern_stands_in_the_article_of_its_class() -> None:
    astray = [
        pattern.name for pattern, _example in PATTERNS if pattern.cause not in ARTICLES[pattern.article]["classes"]
    ]
    assert astray == []


def test_a_patterns_owner_is_named_where_it_is_not_the_usual_one() -> None:
    idle = [pattern.name for pattern, _example in PATTERNS if pattern.owner is owner_of(pattern.cause)]
    assert idle == []


@each_row("slug", ARTICLES)
def test_three_languages_with_the_same_steps(slug: str) -> None:
    steps = {}
    for language in LANGUAGES:
        head, body = head_and_body(slug, language)
        assert head["status"] == "published"
        assert head["title"]
        assert head["summary"]
        assert head["sources"]
        assert str(head["checked_on"]) >= "2026-11-24"
        assert compile_text(body, versions=(), providers=PROVIDERS, require_steps=True)
        assert "\n::: warning " in body, "an article says what not to do"
        assert "\n::: details " in body, "an article has a word for administrators"
        steps[language] = re.findall(r"^::: step \{#([\w-]+)\}", body, re.MULTILINE)
    assert steps["ja"] == steps["en"] == steps["ru"] != []


def test_titles_and_summaries_are_unique() -> None:
    for language in LANGUAGES:
        for key in ("title", "summary"):
            texts = [head_and_body(slug, language)[0][key] for slug in ARTICLES]
            assert sorted(set(texts)) == sorted(texts)


def test_texts_are_in_their_language() -> None:
    for slug in ARTICLES:
        body = {language: head_and_body(slug, language)[1] for language in LANGUAGES}
        assert len(re.findall(r"[ぁ-んァ-ヶ一-龠]", body["ja"])) > 100, slug
        assert len(re.findall(r"[А-Яа-яЁё]", body["ru"])) > 100, slug
        assert not re.search(r"[ぁ-んА-Яа-я]", re.sub(r"«[^»]*»|\([^)]*\)", "", body["en"])), slug


def test_links_lead_to_articles_in_the_same_language() -> None:
    found = 0
    for slug in ARTICLES:
        for language in LANGUAGES:
            for target in re.findall(r"\]\(([^)]*)\)", head_and_body(slug, language)[1]):
                path = re.fullmatch(rf"/{language}/errors/([a-z0-9-]+)/", target)
                assert path is not None, f"{slug}/{language}: {target}"
                assert path[1] in ARTICLES, f"{slug}/{language}: {target}"
                assert path[1] != slug
                found += 1
    assert found


def test_no_article_sends_anybody_to_a_place_that_the_facts_do_not_name() -> None:
    host = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|de|ru|cn|fr|ms|co\.jp)\b")
    named = {
        name for slug in ARTICLES for language in LANGUAGES for name in host.findall(head_and_body(slug, language)[1])
    }
    assert named == HOSTS


@pytest.mark.parametrize(("slug", "words"), FOUNDING.items())
def test_the_founding_errors_are_found_by_their_words(slug: str, words: str) -> None:
    login = slug in ("pop3-1000-messages", "account-access-disabled")
    found = EVERYTHING.match(
        words,
        protocol=Protocol.POP3 if login else Protocol.SMTP,
        stage=Stage.LOGIN if login else Stage.ENVELOPE,
        provider="mail-ru",
    )
    assert found is not None
    assert found.pattern.article == slug


@each_row(("pattern", "example"), PATTERNS)
def test_each_pattern_finds_its_example_before_any_other(pattern: Pattern, example: str) -> None:
    found = EVERYTHING.match(
        example,
        protocol=pattern.protocol or Protocol.SMTP,
        stage=pattern.stage or Stage.LOGIN,
        provider=pattern.provider or "gmail",
    )
    assert found is not None
    assert found.pattern.article == pattern.article, f"shadowed by {found.pattern.name}"
    assert found.pattern.cause == pattern.cause
    assert found.pattern.owner == pattern.owner


@each_row(
    "words",
    [
        "Please unblock me: my spam folder is full of offers.",
        "Received: from mx.example.net (mx.example.net [91.5.7.124]) by mx2.example.net",
        "I cannot sign in since yesterday. What shall I do?",
        "250 2.1.5 Ok",
        "* OK [CAPABILITY IMAP4rev1 SASL-IR] Dovecot ready.",
        "The mailbox of your neighbour is moving house.",
        "This message was created automatically by mail delivery software.",
        "A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.",
        "Reporting-MTA: dns; mx.example.org",
        "Action: failed",
        "Status: 5.1.1",
        "X-Spam-Status: No, score=-1.0 required=5.0 tests=[RCVD_IN_DNSWL_MED,SPF_PASS]",
        "Authentication-Results: mx.example.org; spf=pass; dkim=pass; dmarc=fail",
        "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=mail",
        "Subject: Re: policy of the house about spam and full moons",
        "Ваше письмо не было доставлено.",
        "メールを配信できませんでした。",
        "Ihre Nachricht konnte nicht zugestellt werden.",
    ],
)
def test_broad_words_and_addresses_find_nothing(words: str) -> None:
    found = EVERYTHING.match(words, protocol=None, stage=None, provider=None)
    assert found is None, found and found.pattern.name


def test_the_corpus_of_bounces_is_explained_right_with_these_patterns_too() -> None:
    figures = measured(all_cases(), EVERYTHING)
    assert figures.right >= 0.99 * figures.cases, figures.wrong
    assert figures.sure_and_right >= 0.99 * figures.sure, figures.wrong
