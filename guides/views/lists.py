"""The lists of guides and error articles that pages show: read once per version of the library, never whole texts."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page, Paginator

from guides.library_cache import library_cached
from guides.mail.outcomes import Symptom
from guides.models import ErrorArticle, ErrorText, Guide, GuideText
from guides.models.texts import ListedText

MOST_TILES = 60  # guides on the home page and below settings
MOST_ON_A_SHELF = 60  # error articles of one symptom on the page that shows all symptoms
PAGE_SIZE = 100  # rows of a list that has pages


@dataclass(frozen=True, slots=True)
class Shelf:
    """Error articles about what looks the same to a person; `has_more` when not all of them are here."""

    symptom: Symptom
    texts: list[ListedText]
    has_more: bool


def guide_tiles(language: str) -> list[ListedText]:
    """The first guides."""
    return library_cached(
        f"guide tiles:{language}", lambda: GuideText.objects.for_list(language, Guide.objects.published()[:MOST_TILES])
    )


def first_errors(language: str) -> list[ListedText]:
    """The eight error articles that the home page shows."""
    return library_cached(
        f"first errors:{language}", lambda: ErrorText.objects.for_list(language, ErrorArticle.objects.published()[:8])
    )


def shelves(language: str) -> list[Shelf]:
    """The first error articles of every symptom that has some."""
    return library_cached(f"error groups:{language}", lambda: _shelves(language))


def _shelves(language: str) -> list[Shelf]:
    made = []
    for symptom in Symptom:
        articles = ErrorArticle.objects.published().filter(symptom=symptom)
        texts = ErrorText.objects.for_list(language, articles[: MOST_ON_A_SHELF + 1])
        if texts:
            made.append(Shelf(symptom, texts[:MOST_ON_A_SHELF], len(texts) > MOST_ON_A_SHELF))
    return made


def guide_page(language: str, asked: str) -> tuple[list[ListedText], Page[int]]:
    """One page of all guides; `asked` is its number as it stands in the URL, and any nonsense is the nearest page."""
    total = library_cached("guides", lambda: Guide.objects.published().count())
    page = Paginator(range(total), PAGE_SIZE).get_page(asked)
    texts = library_cached(
        f"guides:{page.number}:{language}",
        lambda: GuideText.objects.for_list(language, Guide.objects.published()[_rows(page)]),
    )
    return texts, page


def error_page(language: str, symptom: Symptom, asked: str) -> tuple[list[ListedText], Page[int]]:
    """The same of the error articles of one symptom."""
    articles = ErrorArticle.objects.published().filter(symptom=symptom)
    total = library_cached(f"errors:{symptom}", articles.count)
    page = Paginator(range(total), PAGE_SIZE).get_page(asked)
    texts = library_cached(
        f"errors:{symptom}:{page.number}:{language}",
        lambda: ErrorText.objects.for_list(language, articles[_rows(page)]),
    )
    return texts, page


def _rows(page: Page[int]) -> slice:
    start = (page.number - 1) * PAGE_SIZE
    return slice(start, start + PAGE_SIZE)
