"""Patterns that stand in one another's way: which of them finds the example of another before that one does.

A pattern's example is judged where the pattern holds: at its provider, in its protocol, at its stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.patterns import Pattern, PatternFault, PatternSet, check_pattern
from guides.mail.outcomes import Owner, Stage
from guides.models import ErrorPattern


@dataclass(frozen=True, slots=True)
class Shadows:
    """What stands in the way of a pattern, and in whose way it stands."""

    shadowed_by: ErrorPattern | None = None
    shadows: tuple[ErrorPattern, ...] = ()


def shadows_of(row: ErrorPattern) -> Shadows:
    """Judge one stored pattern against all others, in one query; time grows with their number, not its square."""
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
    # Where both find the example, the order of the two decides.
    in_way = [each for pattern, each in caught if _first(PatternSet([own, pattern]), pattern, each.example) == own]
    return Shadows(usable[first] if first not in (None, own) else None, tuple(in_way))


def as_pattern(row: ErrorPattern) -> Pattern:
    """A row as the diagnosis takes it."""
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
    """What a pattern finds in its example; "" when it finds nothing, or cannot be used."""
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
