"""Fragments of the test's page without the template engine's work: a template is rendered once for each shape.

Two hundred tests that end well show the same twenty fragments, which differ in host, milliseconds and the like. Where
these stand, the template is given a mark; later the pieces between the marks are joined with the values, escaped as
the engine does it. The templates stay the only source of the HTML.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING

from django.template.loader import render_to_string
from django.utils.html import escape

if TYPE_CHECKING:
    from guides.views.running import LegPart, StageRow, TestPage
    from guides.views.verdicts import ArticleLink, CauseLink, VerdictPart

MOST_SHAPES = 1000

_MARK = re.compile("\ue000([0-9]+)\ue001")  # private characters, which no template has


class _Shape:
    """What a template gets, with marks for values; the rest of what it shows is in the key."""

    def __init__(self, kind: str, language: str) -> None:
        self._language = language
        self.key: list[Hashable] = [kind, language]
        self.values: list[str] = []

    def gap(self, value: object) -> str:
        """A mark for a value; nothing for nothing, since templates ask whether there is a value."""
        text = str(value) if value else ""
        self.key.append(bool(text))
        if not text:
            return ""
        self.values.append(text)
        return f"\ue000{len(self.values) - 1}\ue001"

    def fixed(self, value: Hashable) -> Hashable:
        """A value that the template may look into; there are few of it."""
        self.key.append(value)
        return value

    def words(self, value: object) -> str:
        """Words of the portal's own, in the language that is active."""
        text = value if isinstance(value, str) else _said(value, self._language)
        self.key.append(text)
        return text

    def article(self, link: ArticleLink | None) -> SimpleNamespace | None:
        """A link to an article."""
        if self.fixed(link is None):
            return None
        assert link is not None  # noqa: S101
        return SimpleNamespace(title=self.gap(link.title), summary=self.gap(link.summary), url=self.gap(link.url))

    def causes(self, causes: Iterable[CauseLink]) -> list[SimpleNamespace]:
        """Several possible causes."""
        return [
            SimpleNamespace(name=self.gap(one.name), owner=self.words(one.owner), article=self.article(one.article))
            for one in causes
        ]

    def row(self, row: StageRow) -> SimpleNamespace:
        """A stage, waiting or ended."""
        result = row.result
        shown = None
        if result is not None:
            shown = SimpleNamespace(
                milliseconds=self.gap(result.milliseconds),
                evidence=[
                    SimpleNamespace(before_encryption=self.fixed(one.before_encryption), text=self.gap(one.text))
                    for one in result.evidence
                ],
            )
        return SimpleNamespace(
            ident=self.fixed(row.ident),
            state=self.fixed(row.state),
            mark=row.mark,
            name=self.words(row.name),
            words=self.words(row.words),
            result=shown,
            article=self.article(row.article),
            causes=self.causes(row.causes),
            is_unsure=self.fixed(row.is_unsure),
            facts=[(self.words(name), self.gap(value)) for name, value in row.facts],
        )

    def leg(self, part: LegPart) -> SimpleNamespace:
        """A leg with its stages."""
        return SimpleNamespace(
            leg=self.fixed(part.leg),
            name=self.words(part.name),
            host=self.gap(part.host),
            port=self.gap(part.port),
            security=self.words(part.security),
            rows=[self.row(row) for row in part.rows],
        )

    def verdict(self, part: VerdictPart) -> SimpleNamespace:
        """The end of the page."""
        return SimpleNamespace(
            works=self.fixed(part.works),
            clears_visitor=self.fixed(part.clears_visitor),
            causes=self.causes(part.causes),
            is_unsure=self.fixed(part.is_unsure),
            is_hidden=self.fixed(part.is_hidden),
            depends_on_the_way=self.fixed(part.depends_on_the_way),
            silent_since=self.fixed(part.silent_since),
            seen_at=self.fixed(part.seen_at),
            verdict=SimpleNamespace(outcome=self.fixed(part.verdict.outcome)),
            owner=self.words(part.owner),
            article=self.article(part.article),
            in_between=self.article(part.in_between),
            evidence=[
                SimpleNamespace(before_encryption=self.fixed(one.before_encryption), text=self.gap(one.text))
                for one in part.evidence
            ],
            seconds=self.gap(part.seconds),
        )

    def page(self, page: TestPage) -> SimpleNamespace:
        """What the end and the whole of a page are made of."""
        report = page.report
        return SimpleNamespace(
            verdict=None if page.verdict is None else self.verdict(page.verdict),
            report=None
            if report is None
            else SimpleNamespace(
                text=self.gap(report.text), masked_text=self.gap(report.masked_text), json=self.gap(report.json)
            ),
        )


def stage_html(row: StageRow, language: str) -> str:
    """The fragment of a stage that has ended. `language` is the one that is active, as everywhere here."""
    shape = _Shape("stage", language)
    return _render(shape, "test/_stage.html", {"row": shape.row(row), "oob": True})


def verdict_html(page: TestPage, language: str) -> str:
    """The fragment with the end of the page."""
    if _is_personal(page):
        return render_to_string("test/_verdict.html", {"part": page.verdict, "page": page, "oob": True})
    shape = _Shape("verdict", language)
    shown = shape.page(page)
    return _render(shape, "test/_verdict.html", {"part": shown.verdict, "page": shown, "oob": True})


def result_html(page: TestPage, language: str) -> str:
    """The whole result, finished or not."""
    if _is_personal(page):
        return render_to_string("test/_result.html", {"page": page})
    shape = _Shape("result", language)
    shown = shape.page(page)
    shown.legs = [shape.leg(part) for part in page.legs]
    return _render(shape, "test/_result.html", {"page": shown})


def _is_personal(page: TestPage) -> bool:
    """Whether there are forms for another test: they are rare, and full of what the visitor typed."""
    return page.verdict is not None and bool(page.verdict.retries)


_pieces: dict[Hashable, list[str]] = {}
_words: dict[tuple[int, str], tuple[object, str]] = {}


def _said(value: object, language: str) -> str:
    """A label in the language that is active. There are some hundred of them, and to look one up takes a while."""
    known = _words.get((id(value), language))
    if known is None:
        known = (value, str(value))  # the value is kept, so that its identity stays its own
        if len(_words) < MOST_SHAPES:
            _words[id(value), language] = known
    return known[1]


def _render(shape: _Shape, template: str, context: dict[str, object]) -> str:
    key = tuple(shape.key)
    pieces = _pieces.get(key)
    if pieces is None:
        pieces = _MARK.split(render_to_string(template, context))
        if len(_pieces) >= MOST_SHAPES:
            _pieces.clear()
        _pieces[key] = pieces
    values = [escape(value) for value in shape.values]
    return "".join(values[int(piece)] if number % 2 else piece for number, piece in enumerate(pieces))
