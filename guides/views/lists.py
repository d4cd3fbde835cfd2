"""The lists of guides and error articles that pages show: read once per version of the library, never whole texts."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page, Paginator

from guides.library_cache import library_cached
from guides.mail.outcomes import Owner
from guides.models import ErrorArticle, ErrorText, Guide, GuideText
from guides.models.texts import ListedText

MOST_TILES = 60  # guides on the home page and below settings
MOST_ON_A_SHELF = 60  # error articles of one owner on the page that shows all owners
PAGE_SIZE = 100  # rows of a list that has pages


@dataclass(frozen=True, slots=True)
class Shelf:
    """Error articles that the same people can fix; `has_more` when not all of them are here."""

    owner: Owner
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
    """The first error articles of every owner who has some."""
    return library_cached(f"shelves:{language}", lambda: _shelves(language))


def _shelves(language: str) -> list[Shelf]:
    made = []
    for owner in Owner:
        articles = ErrorArticle.objects.published().filter(owner=owner)
        texts = ErrorText.objects.for_list(language, articles[: MOST_ON_A_SHELF + 1])
        if texts:
            made.append(Shelf(owner, texts[:MOST_ON_A_SHELF], len(texts) > MOST_ON_A_SHELF))
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


def error_page(language: str, owner: Owner, asked: str) -> tuple[list[ListedText], Page[int]]:
    """The same of one owner's error articles."""
    articles = ErrorArticle.objects.published().filter(owner=owner)
    total = library_cached(f"errors:{owner}", articles.count)
    page = Paginator(range(total), PAGE_SIZE).get_page(asked)
    texts = library_cached(
        f"errors:{owner}:{page.number}:{language}", lambda: ErrorText.objects.for_list(language, articles[_rows(page)])
    )
    return texts, page


def _rows(page: Page[int]) -> slice:
    start = (page.number - 1) * PAGE_SIZE
    return slice(start, start + PAGE_SIZE)
