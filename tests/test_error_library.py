"""The shipped error articles: each class that a test can end in is explained, in three languages, and found by its words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.outcomes import Owner, Stage

ERRORS = Path(__file__).parent.parent / "guides" / "library" / "errors"
ARTICLES: dict[str, dict[str, Any]] = {
    folder.name: yaml.safe_load((folder / "article.yaml").read_text(encoding="utf-8"))
    for folder in sorted(ERRORS.iterdir())
}
FOUNDING = {
    "account-send-disabled": "550 Message was not accepted: message sending for this account is disabled",
    "mailbox-full": "550 Mailbox full",
    "user-not-found": "550 Local mailbox x@mail.ru is unavailable: user not found",
    "pop3-1000-messages": "-ERR No such message, only 1000 messages in maildrop",
    "dynamic-ip": "550 We do not accept mail from dynamic IPs",
    "spam-rejected": "550 spam message discarded",
    "account-access-disabled": "NO [AUTHENTICATIONFAILED] Access to this account is disabled",
}
# Families that belong to bounces and pasted texts only, and classes of stages that the test does not have yet.
NOT_OF_THE_TEST = ("route.", "auto.", "deliver.")


def patterns() -> list[tuple[Pattern, str]]:
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


def test_every_class_of_the_test_has_one_article() -> None:
    named = [name for article in ARTICLES.values() for name in article["classes"]]
    assert len(named) == len(set(named))
    assert {name for name in CLASSES if not name.startswith(NOT_OF_THE_TEST)} - set(named) == set()


@pytest.mark.parametrize("slug", ARTICLES)
def test_three_languages_with_the_same_steps(slug: str) -> None:
    steps = {}
    for language in ("ja", "en", "ru"):
        text = (ERRORS / slug / f"{language}.md").read_text(encoding="utf-8")
        head = yaml.safe_load(text.split("---\n")[1])
        assert head["status"] == "published"
        assert head["title"]
        assert head["summary"]
        assert head["sources"]
        steps[language] = re.findall(r"^::: step \{#([\w-]+)\}", text, re.MULTILINE)
    assert steps["ja"] == steps["en"] == steps["ru"] != []


def test_texts_are_in_their_language() -> None:
    for slug in ARTICLES:
        body = {
            language: (ERRORS / slug / f"{language}.md").read_text(encoding="utf-8").split("---\n", 2)[2]
            for language in ("ja", "en", "ru")
        }
        assert len(re.findall(r"[ぁ-んァ-ヶ一-龠]", body["ja"])) > 100, slug
        assert len(re.findall(r"[А-Яа-яЁё]", body["ru"])) > 100, slug
        assert not re.search(r"[ぁ-んА-Яа-я]", re.sub(r"«[^»]*»|\([^)]*\)", "", body["en"])), slug


@pytest.mark.parametrize(("slug", "words"), FOUNDING.items())
def test_the_founding_errors_are_found_by_their_words(slug: str, words: str) -> None:
    found = PatternSet(pattern for pattern, _example in patterns()).match(
        words, protocol=Protocol.SMTP, stage=Stage.ENVELOPE, provider="mail-ru"
    )
    if slug in ("pop3-1000-messages", "account-access-disabled"):
        found = PatternSet(pattern for pattern, _example in patterns()).match(
            words, protocol=Protocol.POP3, stage=Stage.LOGIN, provider="mail-ru"
        )
    assert found is not None
    assert found.pattern.article == slug


@pytest.mark.parametrize(("pattern", "example"), patterns(), ids=lambda value: getattr(value, "name", ""))
def test_each_pattern_finds_its_example_before_any_other(pattern: Pattern, example: str) -> None:
    found = PatternSet(other for other, _example in patterns()).match(
        example,
        protocol=pattern.protocol or Protocol.SMTP,
        stage=pattern.stage or Stage.LOGIN,
        provider=pattern.provider or "gmail",
    )
    assert found is not None
    assert found.pattern.article == pattern.article, f"shadowed by {found.pattern.name}"
    assert found.pattern.cause == pattern.cause
