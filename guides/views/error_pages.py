"""Pages for what is not there and for what went wrong."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from django.template.loader import render_to_string

from guides import database_outage

# Octets of a body that is too large which are read before the answer: as much as a person sends by mistake.
_MOST_READ = 30_000_000


def read_past(request: HttpRequest) -> None:
    """Read a body that is not used: a browser that is still sending shows a broken connection in the answer's place."""
    left = _MOST_READ
    try:
        while left > 0 and (piece := request.read(65_536)):
            left -= len(piece)
    except UnreadablePostError:
        return  # the visitor has left


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that cannot be read: 413 for a body that is too large, else 400.

    Rendered without the request: reading its fields would raise the same exception again.
    """
    too_large = isinstance(exception, RequestDataTooBig)
    if too_large:
        read_past(request)
    is_part = request.headers.get("HX-Request-Type") == "partial"
    context = {
        "layout": "_partial.html" if is_part else "_base.html",
        "portal_name": settings.PORTAL_NAME,
        "too_large": too_large,
    }
    response = HttpResponse(render_to_string("400.html", context), status=413 if too_large else 400)
    response["HX-Retarget"] = "#main"
    response["HX-Reswap"] = "innerHTML show:top"
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such page, with ways on."""
    return render(request, "404.html", status=404)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The database is away: 503 in the look of the portal, or in plain text for mail clients. None of it needs data."""
    first = request.path_info.split("/")[1]
    if first in dict(settings.LANGUAGES) or request.path_info.startswith(f"/{settings.ADMIN_PATH}/"):
        response = render(request, "503.html", status=503)
    else:
        response = HttpResponse("The portal cannot reach its data.\n", "text/plain; charset=utf-8", 503)
    response.headers["Retry-After"] = str(database_outage.RETRY_SECONDS)
    response.headers["Cache-Control"] = "no-store"
    response._has_been_logged = True  # type: ignore[attr-defined]  # an outage has a line of its own, not one a request
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Something broke. Rendered without a request, so that nothing else can break: no database is asked."""
    if database_outage.is_outage(sys.exc_info()[1]):  # before or after the view
        return unavailable(request)
    return HttpResponse(render_to_string("500.html", {"number": getattr(request, "request_number", "")}), status=500)
