"""What staff are told of a pattern: what it finds in its test text, and which patterns stand in one another's way."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from guides.library.pattern_conflicts import Shadows, matched_words, shadows_of
from guides.models import ErrorPattern


def tell(request: HttpRequest, row: ErrorPattern) -> None:
    """Say it at the top of the next page, after a pattern was saved."""
    words = gettext("“%(name)s” finds this in its test text:") % {"name": row.name}
    messages.info(request, format_html("{} <mark>{}</mark>", words, matched_words(row)))
    for note in in_way(row, shadows_of(row)):
        messages.warning(request, note)


def in_way(row: ErrorPattern, shadows: Shadows) -> list[SafeString]:
    """A sentence, with links, for each way in which a pattern and others collide."""
    notes = []
    if shadows.shadowed_by is not None:
        words = gettext("“%(name)s” never gets to its own test text, because this pattern comes first and finds it:")
        notes.append(_with_links(words % {"name": row.name}, row, (shadows.shadowed_by,)))
    if shadows.shadows:
        words = gettext("“%(name)s” comes first and finds the test texts of these patterns:")
        notes.append(_with_links(words % {"name": row.name}, row, shadows.shadows))
    if notes:
        how = gettext("Make one of them more exact, bind it to a provider or a stage, or change their order.")
        notes[-1] = format_html("{} {}", notes[-1], how)
    return notes


def _with_links(words: str, row: ErrorPattern, others: tuple[ErrorPattern, ...]) -> SafeString:
    links = format_html_join(
        ", ", '<a href="{}">{}</a>{}', ((_page(other), other.name, _same(row, other)) for other in others)
    )
    return format_html("{} {}.", words, links)


def _same(row: ErrorPattern, other: ErrorPattern) -> str:
    """Where both lead to the same place, nobody is misled."""
    same = (row.cause, row.article_id, row.owner) == (other.cause, other.article_id, other.owner)
    return " " + gettext("(leads to the same article)") if same else ""


def _page(row: ErrorPattern) -> str:
    return reverse("admin:guides_errorpattern_change", args=[row.pk])
