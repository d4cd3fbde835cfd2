"""Patterns that shadow each other: a pattern that is tried earlier finds the example of a later one.

A pattern's example is tried with the provider, protocol and stage of that pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.patterns import Pattern, PatternFault, PatternSet, check_pattern
from guides.mail.outcomes import Owner, Stage
from guides.models import ErrorPattern


@dataclass(frozen=True, slots=True)
class Shadows:
    """The pattern that shadows a given one, and those that it shadows."""

    shadowed_by: ErrorPattern | None = None
    shadows: tuple[ErrorPattern, ...] = ()


def shadows_of(row: ErrorPattern) -> Shadows:
    """Compare one stored pattern with all others: one query, time linear in their number."""
    own = as_pattern(row)
    rows = {each.pk: each for each in ErrorPattern.objects.select_related("article", "provider")}
    rows[row.pk] = row
    usable = {as_pattern(each): each for each in rows.values() if _is_usable(each)}
    if own not in usable:
        return Shadows()
    first = _first(PatternSet(usable), own, row.example)
    caught = [
        (pattern, each)
        for pattern, each in usable.items()
        if pattern != own and _first(PatternSet([own]), pattern, each.example) == own
    ]
    # Where both find the example, the one that is tried first shadows the other.
    in_way = [each for pattern, each in caught if _first(PatternSet([own, pattern]), pattern, each.example) == own]
    return Shadows(usable[first] if first not in (None, own) else None, tuple(in_way))


def as_pattern(row: ErrorPattern) -> Pattern:
    """A row as a value of the diagnosis."""
    return Pattern(
        name=row.name,
        expression=row.pattern,
        cause=row.cause,
        article=row.article.slug,
        owner=Owner(row.owner) if row.owner else None,
        provider=row.provider.slug if row.provider else None,
        protocol=Protocol(row.protocol) if row.protocol else None,
        stage=Stage(row.stage) if row.stage else None,
        priority=row.priority,
    )


def matched_words(row: ErrorPattern) -> str:
    """The part of its example that a pattern finds; "" when it finds nothing or is invalid."""
    if not _is_usable(row):
        return ""
    pattern = as_pattern(row)
    match = PatternSet([pattern]).match(
        row.example, protocol=pattern.protocol, stage=pattern.stage, provider=pattern.provider
    )
    return match.text if match else ""


def _is_usable(row: ErrorPattern) -> bool:
    try:
        check_pattern(row.pattern)
    except PatternFault:
        return False
    return True


def _first(patterns: PatternSet, where: Pattern, example: str) -> Pattern | None:
    match = patterns.match(example, protocol=where.protocol, stage=where.stage, provider=where.provider)
    return match.pattern if match else None
