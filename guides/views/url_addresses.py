"""No mail address stays in the URL of a page: URLs are kept in histories, bookmarks and logs."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from guides.mail.accounts import as_meant

_PAGES = re.compile(rf"/(?:{'|'.join(code for code, _name in settings.LANGUAGES)})/")
# Begins where a word begins: from each letter of a long word, the search would take the square of the word's length.
_LOCAL_PART = re.compile(r"""(?<![^\s@＠<>"'()])(?:"[^"@]*"|[^\s@＠<>"'()]+)[@＠](?=[^\s@＠])""")


def addresses_out_of_urls(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The middleware: send a URL with an address in any parameter on to the same URL with the domain alone.

    Not for what htmx asks for as a part of a page: no browser shows or keeps that URL.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_part = request.headers.get("HX-Request-Type") == "partial"
        if request.method in ("GET", "HEAD") and not is_part and _PAGES.match(request.path_info):
            kept = {name: _kept(name, str(value)) for name, value in request.GET.items() if "@" not in name}
            if kept != request.GET.dict():
                path = request.get_full_path().partition("?")[0]
                return redirect(f"{path}?{urlencode(kept)}" if kept else path)
        return get_response(request)

    return middleware


def without_local_parts(text: str) -> str:
    """A text with the domains alone of all addresses in it."""
    return _LOCAL_PART.sub("", text)


def _kept(name: str, value: str) -> str:
    if name == "q":  # words to search for
        return without_local_parts(value)
    local_part, _at, domain = as_meant(value).rpartition("@")
    if not local_part:
        return value
    # With the @ a server's field says that this is no server's name, in the place of taking the domain for one.
    return f"@{domain}" if name.endswith("_host") else domain
