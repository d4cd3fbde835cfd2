"""What every template knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from guides.views.portal_urls import base_url


@dataclass(frozen=True, slots=True)
class LanguageLink:
    """The same page in one of the portal's languages."""

    code: str
    name: str
    url: str
    current: bool


def portal(request: HttpRequest) -> dict[str, Any]:
    """The portal's name, its support, and the languages a page exists in.

    A page that answers a POST sets `request.page_path`; one that exists in fewer languages `request.page_languages`.
    """
    path = getattr(request, "page_path", None) or request.get_full_path()
    existing = getattr(request, "page_languages", None) or dict(settings.LANGUAGES)
    current = get_language()
    htmx = getattr(request, "htmx", None)  # absent where a middleware refuses before HtmxMiddleware
    fragment = bool(htmx) and request.headers.get("HX-Request-Type") == "partial"
    return {
        "base": lambda: base_url(request),  # asked by pages that may be indexed: the host is known to be allowed there
        "canonical_path": path.partition("?")[0],
        "layout": "_partial.html" if fragment else "_base.html",
        "portal_name": settings.PORTAL_NAME,
        "accent": settings.ACCENT.removeprefix("#"),
        "support_url": settings.SUPPORT_URL,
        "language_links": [
            LanguageLink(code, name, _in_language(path, code), code == current)
            for code, name in settings.LANGUAGES
            if code in existing
        ],
    }


def _in_language(path: str, code: str) -> str:
    """The same path under another language: routes differ in nothing else (`i18n_patterns` in helpdesk/urls.py)."""
    first, slash, rest = path.removeprefix("/").partition("/")
    return f"/{code}/{rest}" if slash and first in dict(settings.LANGUAGES) else path
