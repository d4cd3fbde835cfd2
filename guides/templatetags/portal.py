"""Tags of the portal's own pages."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

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
