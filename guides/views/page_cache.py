"""Readers' pages, cached whole: a GET carries no cookie and nothing personal, so all readers of a URL get one page.

A page is kept in each process under its URL, its language and the headers that choose between page, fragment and
compressed page, together with the library version (`guides.library_cache`) that it shows. A change of the library shows
with the next request. While the database does not answer, the last copy is served, whatever its version, with a notice.
Browsers keep pages, too, and ask each time whether theirs still holds (ETag, 304).

The key is made here and not by Django's `learn_cache_key`: that needs two entries and two reads for each page, keeps a
page for each spelling of Accept-Encoding, and joins the values of several headers without saying where one ends.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.core.cache import caches
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import re_accepts_gzip
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers, set_response_etag
from django.views.decorators.gzip import gzip_page

from guides import database_outage, metrics
from guides.library_cache import SECONDS, pinned_version
from guides.views import devices
from guides.views.devices import Device, device_of
from guides.views.visitor import language

P = ParamSpec("P")
LAST_COPY_SECONDS = 7 * 86400  # how long a page may be shown while the database is away
_BEGINNING = re.compile(rb"<main\b[^>]*>")

View = Callable[Concatenate[HttpRequest, P], HttpResponse]

FRAGMENT_HEADERS = ("HX-Request", "HX-Request-Type")  # htmx asks for a part of a page under the page's URL
_IN_THE_KEY = {"accept-encoding", "accept-language", *(name.lower() for name in (*FRAGMENT_HEADERS, *devices.HEADERS))}


@dataclass(frozen=True, slots=True)
class _Kept:
    """A page, the state that it shows, and when it was made (seconds since 1970)."""

    version: str
    made_at: float
    response: HttpResponse


def cached_page(state: Callable[[], str] | None = None, *, by_device: bool = False) -> Callable[[View[P]], View[P]]:
    """For a view whose GET depends on the library, the URL and the language alone.

    `state` says what else the page shows, in a few letters: a page is served only while it stays the same. A view that
    answers from anything else calls `keep_out`. `by_device`: it shows what suits the visitor's device, so there is one
    page for each of a few devices. Other methods than GET and HEAD go to the view as they are.
    """

    def decorate(view: View[P]) -> View[P]:
        @gzip_page
        def make(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            response = _prepared(view(request, *args, **kwargs))
            if by_device:
                patch_vary_headers(response, devices.HEADERS)
            return response

        @wraps(view)
        def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in ("GET", "HEAD"):
                return view(request, *args, **kwargs)
            key = _key(request, device_of(request) if by_device else None)
            kept = cast("_Kept | None", caches["pages"].get(key))
            try:
                with pinned_version() as version:
                    current = version + (state() if state else "")
                    if kept is not None and kept.version == current and time.time() - kept.made_at < SECONDS:
                        response = kept.response
                        metrics.PAGE_CACHE.labels("kept").inc()
                    else:
                        metrics.PAGE_CACHE.labels("made").inc()
                        response = make(request, *args, **kwargs)
                        if request.method == "GET" and _is_for_all(response):
                            caches["pages"].set(key, _Kept(current, time.time(), response), LAST_COPY_SECONDS)
            except DatabaseError as error:
                if kept is None or not database_outage.is_outage(error):
                    raise
                database_outage.log(error)
                return _last_copy(kept.response)
            etag = response.get("ETag")
            return cast("HttpResponse", get_conditional_response(request, etag=etag, response=response))

        return wrapper

    return decorate


def keep_out(response: HttpResponse) -> HttpResponse:
    """Say of a page that it is not to be kept: it shows what is not in the library, or something of the visitor."""
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _last_copy(kept: HttpResponse) -> HttpResponse:
    """A page that was read before, with a notice that says so. It is kept by nobody, and has no ETag of the page's."""
    body = gzip.decompress(kept.content) if kept.get("Content-Encoding") == "gzip" else kept.content
    notice = render_to_string("parts/_stored_copy.html").encode()
    copy = HttpResponse(_BEGINNING.sub(lambda found: found[0] + notice, body, count=1), kept["Content-Type"])
    copy.headers["Cache-Control"] = "no-store"
    return copy


def _prepared(response: HttpResponse) -> HttpResponse:
    if response.status_code == 200:
        patch_vary_headers(response, FRAGMENT_HEADERS)
        response.headers.setdefault("Cache-Control", "no-cache")  # kept by browsers, and asked about each time
        set_response_etag(response)  # before it is compressed: with gzip no two bodies are the same
    return response


def _key(request: HttpRequest, device: Device | None) -> str:
    """Everything that the page depends on. The URL is stored as a digest: it may be long, or hold a visitor's words."""
    is_compressed = bool(re_accepts_gzip.search(request.headers.get("Accept-Encoding", "")))
    part = [request.headers.get(name) for name in FRAGMENT_HEADERS]
    asked = repr((request.build_absolute_uri(), language(), is_compressed, part, device))
    return f"page:{hashlib.sha256(asked.encode()).hexdigest()}"


def _is_for_all(response: HttpResponse) -> bool:
    """Whether other visitors may get it: status 200, no cookie, and dependent on nothing but what the key holds."""
    if response.status_code != 200 or response.cookies:
        return False
    directives = response.get("Cache-Control", "")
    varies = {name.strip().lower() for name in response.get("Vary", "").split(",") if name}
    return "private" not in directives and "no-store" not in directives and varies <= _IN_THE_KEY
