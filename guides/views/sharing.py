"""Pages that many read at the same moment are made once for all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse

from guides.crowd.moments import Moments
from guides.views.readers import language

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

_pages = Moments(most=200)  # some 20 KB each


def shared_in_a_crowd(view: View[P]) -> View[P]:
    """For a view whose pages depend on the URL and the language alone: readers have no cookie.

    After an outage everybody reads the same guide and the same article. In the calm each page is made anew, so that
    what staff write is seen at once.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method != "GET":
            return view(request, *args, **kwargs)

        part = request.headers.get("HX-Request"), request.headers.get("HX-Request-Type")
        key = request.scheme, request.get_host(), request.get_full_path(), language(), part
        page = _pages.get(key, lambda: view(request, *args, **kwargs), lambda made: made.status_code == 200)
        # What stands between the views and the web server adds to it, each time.
        return HttpResponse(page.content, status=page.status_code, headers=dict(page.items()))

    return wrapper
