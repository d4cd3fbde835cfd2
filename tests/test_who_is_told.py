"""Who is told to act and which article, for each class in each context: the table of owners, the articles and patterns agree."""

from collections import Counter

import pytest

from guides.library.reading import SHIPPED, read_library
from guides.mail.diagnosis.classes import ARTICLES, OWNERS, Context, owner_of
from guides.mail.outcomes import Owner

LIBRARY, _ = read_library(SHIPPED)
OWNER_OF_ARTICLE = {article.slug: article.owner for article in LIBRARY.articles}
USUAL = {name: article.slug for article in LIBRARY.articles for name in article.classes}
# Named with another owner than the article: the article's text says when it is whose.
ARTICLE_SAYS_BOTH = {
    ("input.host_forbidden", "forbidden-address"),  # a typed address; a name that leads to one is the administrator's
    ("greet.refused", "connection-cut"),  # the provider refuses, and the visitor's network may be why
    ("smtp.helo_invalid", "program-refused"),  # between servers, a server is the program
    ("smtp.ip_not_allowed", "dynamic-ip"),  # the gateway's administrator may let a known network in
    ("deliver.slow", "test-message-missing"),
}


def told(name: str, context: Context) -> tuple[Owner, str]:
    """Who is told to act about a class, and the article."""
    return owner_of(name, context), ARTICLES.get((name, context), USUAL.get(name, ""))


@pytest.mark.parametrize("context", list(Context))
def test_each_class_names_an_owner_and_an_article_that_agree(context: Context) -> None:
    for name in OWNERS:
        owner, article = told(name, context)
        assert article in OWNER_OF_ARTICLE, name
        if (name, article) not in ARTICLE_SAYS_BOTH:
            assert owner is OWNER_OF_ARTICLE[article], (name, article)


def test_the_counts_of_who_is_told() -> None:
    """A change of these numbers changes what people are told: read docs/classes.md before you write new ones here."""
    counts = {context: Counter(told(name, context)[0].value for name in OWNERS) for context in Context}
    assert counts[Context.DIALOG] == DIALOG
    assert counts[Context.OWN] == OWN
    assert counts[Context.FOREIGN] == FOREIGN
    assert len({told(name, context)[1] for name in OWNERS for context in Context}) == ARTICLES_TOLD


def test_between_servers_a_connection_is_not_the_visitors_to_mend() -> None:
    for name in OWNERS:
        if name.startswith(("tcp.", "net.", "greet.", "route.", "system.")):
            assert owner_of(name, Context.FOREIGN) is not Owner.VISITOR or name in MISCONFIGURED, name


def test_a_pattern_never_contradicts_what_its_article_says_about_waiting() -> None:
    """Told "you can fix this" above "it passes by itself", a person does the wrong one."""
    for pattern in LIBRARY.patterns:
        owner = pattern.owner or owner_of(pattern.cause)
        waits = OWNER_OF_ARTICLE[pattern.article] is Owner.NOBODY
        if owner is Owner.SENDER_NETWORK and pattern.cause == "smtp.rate_limit":
            continue  # a live test tells this as the portal's own; the article says what else to do than wait
        assert (owner is Owner.NOBODY) == waits, pattern.name
        assert owner is not Owner.PORTAL or pattern.article == "portal-refused", pattern.name


DIALOG = {
    "admin": 17,
    "nobody": 21,
    "portal": 1,
    "program": 5,
    "provider": 28,
    "recipient": 8,
    "sender_network": 5,
    "visitor": 94,
}
OWN = {
    "admin": 17,
    "nobody": 21,
    "portal": 1,
    "program": 5,
    "provider": 29,
    "recipient": 8,
    "sender_network": 5,
    "visitor": 93,
}
FOREIGN = {
    "admin": 19,
    "nobody": 33,
    "portal": 1,
    "program": 4,
    "provider": 30,
    "recipient": 14,
    "sender_network": 6,
    "visitor": 72,
}
ARTICLES_TOLD = 94
MISCONFIGURED = {"greet.wrong_protocol", "greet.preauth_in_clear"}
