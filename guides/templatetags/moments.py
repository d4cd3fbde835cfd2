"""A moment on a page: in UTC, and where there is JavaScript, in the reader's own time."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def moment(when: datetime) -> SafeString:
    """The time of day; with its date when that is another day than today."""
    when = when.astimezone(UTC)
    time_of_day = when.strftime("%H:%M UTC")
    shown = time_of_day if when.date() == timezone.now().date() else f"{date_format(when, 'DATE_FORMAT')} {time_of_day}"
    return format_html('<time datetime="{}" data-local>{}</time>', when.isoformat(timespec="seconds"), shown)
