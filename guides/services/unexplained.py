"""Counts the shapes of pasted texts that nothing explained. A shape holds nothing about the visitor.

A shape comes from `guides.mail.diagnosis.normalise.shape_of`: the text without addresses, hosts, ids and numbers. It is
stored for 90 days after it was last seen. Their number is limited: a new one replaces the one with the lowest count,
and among those the one that was seen longest ago.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import date, timedelta

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from guides.mail.diagnosis.messages import decoded, looks_like_message
from guides.mail.diagnosis.normalise import shape_of
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.models import UnexplainedText

KEPT_DAYS = 90
MOST_KEPT = 5000
LONGEST = 2000  # characters

logger = logging.getLogger(__name__)


def note_pasted(source: bytes) -> None:
    """Count the shape of what was pasted. A whole message is not counted: its first lines are private text."""
    if not looks_like_message(source):
        note(shape_of(decoded(source)))


def note(shape: str) -> None:
    """Count a shape. A fault of the database is logged, not raised: the page does not depend on it."""
    shape = shape.replace("\0", "").encode("utf-8", "replace").decode().strip()[:LONGEST].strip()
    if not shape:
        return
    try:
        with transaction.atomic():
            _count(shape, timezone.now().date())
    except DatabaseError as error:  # the error's type holds nothing of the text
        logger.warning("a text that found nothing could not be counted: %s", type(error).__name__)


def _count(shape: str, today: date) -> None:
    digest = hashlib.sha256(shape.encode()).hexdigest()
    row = UnexplainedText.objects.filter(digest=digest)
    seen_again = {"count": F("count") + 1, "last_seen": today}
    if row.update(**seen_again):
        return
    forget(today)
    _make_room()
    _new, is_new = UnexplainedText.objects.get_or_create(
        digest=digest, defaults={"shape": shape, "first_seen": today, "last_seen": today}
    )
    if not is_new:  # another request counted it in the meantime
        row.update(**seen_again)


def _make_room() -> None:
    surplus = UnexplainedText.objects.count() - MOST_KEPT + 1
    if surplus > 0:
        least = UnexplainedText.objects.order_by("count", "last_seen", "pk").values_list("pk", flat=True)[:surplus]
        UnexplainedText.objects.filter(pk__in=list(least)).delete()


def forget(today: date | None = None) -> int:
    """Remove what was not seen for 90 days; returns how many. Called by `note`, `tidy` and the admin's list."""
    since = (today or timezone.now().date()) - timedelta(days=KEPT_DAYS)
    removed, _each = UnexplainedText.objects.filter(last_seen__lt=since).delete()
    return removed


def forget_found(expression: str) -> int:
    """Delete the shapes that a new pattern finds, because it explains them; returns how many."""
    pattern = PatternSet([Pattern("new", expression, "")])
    rows = UnexplainedText.objects.values_list("pk", "shape")
    found = [pk for pk, shape in rows if pattern.match(shape, protocol=None, stage=None, provider=None)]
    UnexplainedText.objects.filter(pk__in=found).delete()
    return len(found)
