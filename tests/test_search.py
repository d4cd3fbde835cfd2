"""The search over the real library, on SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from guides.library.loading import load_folder
from guides.library.reading import SHIPPED
from guides.search.query import MOST_HITS, Results, search
from tests.search_list import EXPECTED, MENDED, NONSENSE
from tests.tables import each_row


@pytest.fixture(scope="module")
def library(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The library, loaded once for this module and taken back after it."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        load_folder(SHIPPED)
        yield
        transaction.set_rollback(True)


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library"), pytest.mark.long]


def names(results: Results) -> list[tuple[str, str]]:
    return [(hit.kind, hit.slug) for hit in results.hits]


@each_row(("language", "query"), EXPECTED)
def test_what_visitors_look_for_is_among_the_first(language: str, query: str) -> None:
    results = search(query, language)
    assert EXPECTED[language, query] in names(results)[:3], names(results)[:5]


def test_what_was_found_is_marked() -> None:
    (hit, *_others) = search("настроить thunderbird", "ru").hits
    assert [piece.text for piece in hit.title if piece.is_match] == ["Настройка", "Thunderbird"]
    assert any(piece.is_match and piece.text.startswith("Thunderbird") for piece in hit.snippet)


@pytest.mark.parametrize(("language", "query"), MENDED)
def test_typing_errors_are_mended(language: str, query: str) -> None:
    results = search(query, language)
    assert results.suggestions[0] == MENDED[language, query]
    assert search(results.suggestions[0], language).hits


@each_row("query", NONSENSE)
def test_nonsense_is_harmless(query: str) -> None:
    results = search(query, "en")
    assert len(results.hits) <= MOST_HITS


def test_nothing_is_nothing() -> None:
    assert search("", "en") == search("...", "en") == Results()
    assert search("qwertzuiop", "en") == Results()


OPERATORS = st.sampled_from(
    ['"', "*", "NEAR", "NEAR/2", "-", "AND", "OR", "NOT", "(", ")", "^", ":", "+", "'", "\\", "!", "&", "|"]
)


@given(st.lists(OPERATORS | st.text(max_size=12) | st.sampled_from(["mail", "受信", "почта"]), max_size=12))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_fails(parts: list[str]) -> None:
    assert len(search(" ".join(parts), "ja").hits) <= MOST_HITS


class TestLanguages:
    def test_the_readers_language_comes_first(self) -> None:
        for language in ("ja", "en", "ru"):
            hits = search("thunderbird", language).hits
            assert not hits[0].is_foreign
            assert hits[0].language == language
            foreign = [hit.is_foreign for hit in hits]
            assert foreign == sorted(foreign)

    def test_each_guide_and_article_comes_once(self) -> None:
        found = names(search("password", "ja"))
        assert len(found) == len(set(found)) > 5

    def test_what_stands_in_another_language_alone_is_found_and_labelled(self) -> None:
        foreign = [hit for hit in search("パスワード", "en").hits if hit.is_foreign]
        assert len(foreign) > 5
        assert {hit.language for hit in foreign} == {"ja"}


def test_the_more_words_the_fewer_hits() -> None:
    assert search("password", "en").more
    assert 0 < len(search("password expired renew", "en").hits) < MOST_HITS


def test_part_of_the_words_is_better_than_nothing() -> None:
    results = search("thunderbird password qwertzuiop", "en")
    assert results.is_loose
    assert ("guide", "thunderbird") in names(results)[:3]
