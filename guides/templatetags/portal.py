"""Tags of the portal's own pages."""

from __future__ import annotations

import base64
import hashlib
from functools import cache, lru_cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from guides.models.texts import Text

register = template.Library()


@cache
def _integrity(path: str) -> str:
    found = finders.find(path)
    if not isinstance(found, str):
        raise FileNotFoundError(f"no static file {path}")
    return "sha384-" + base64.b64encode(hashlib.sha384(Path(found).read_bytes()).digest()).decode("ascii")


@register.simple_tag
@cache
def script(path: str) -> SafeString:
    """A script of our own, with the hash that its content must have. Read once in each process."""
    return format_html('<script src="{}" integrity="{}" defer></script>', static(path), _integrity(path))


@register.simple_tag
def copy_button(what: object) -> SafeString:
    """A button that copies the value before it; `what` names it for screen readers. The page's script shows it."""
    return format_html(
        '<button type="button" class="copy" data-copy hidden>{}<span class="visually-hidden"> {}</span></button>',
        gettext("Copy"),
        what,
    )


@register.simple_tag
def linked_sources(text: Text) -> SafeString:
    """A text's sources with their addresses as links; found once for each wording, as looking for them takes long."""
    return _linked(text.sources)


@lru_cache(maxsize=500)
def _linked(sources: str) -> SafeString:
    return mark_safe(linebreaks(urlize(sources, nofollow=True, autoescape=True)))  # noqa: S308  # urlize escapes
