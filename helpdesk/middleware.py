"""What stands between the web server and the views: security headers, the origin of POSTs, staff's sessions."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

from guides import database_outage
from guides.views.error_pages import unavailable

GetResponse = Callable[[HttpRequest], HttpResponseBase]

POLICY = "; ".join(f"{name} {value}" for name, value in settings.SECURE_CSP.items())
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)


_STAFF = f"/{settings.ADMIN_PATH}/"


def security_headers(get_response: GetResponse) -> GetResponse:
    """Put the whole Content-Security-Policy and the isolation headers on every answer, errors included."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Permissions-Policy"] = PERMISSIONS
        response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["HX-Request", "HX-Request-Type"])  # a fragment is no page
        return response

    return middleware


def _is_cross_site(request: HttpRequest) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return False  # not a browser: nothing that a foreign page could make somebody send
    host = request.get_host()
    return origin not in (f"http://{host}", f"https://{host}")


def same_origin_posts(get_response: GetResponse) -> GetResponse:
    """Refuse a POST that another site made a visitor's browser send.

    The public forms carry no CSRF token, because a token needs a cookie and readers get none; the browser's own
    word on where a request comes from takes its place (docs/decisions/0002-public-forms-without-cookies.md).
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and _is_cross_site(request):
            return render(request, "403.html", status=403)
        return get_response(request)

    return middleware


class _ForStaff(MiddlewareMixin):
    """A middleware of Django's that only staff's pages need: readers have no session, no account and no messages."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(_STAFF):
            return self.get_response(request)  # type: ignore[return-value]
        return super().__call__(request)  # type: ignore[return-value]


class StaffSessions(_ForStaff, SessionMiddleware):
    """`request.session`."""


class StaffAccounts(_ForStaff, AuthenticationMiddleware):
    """`request.user`."""


class StaffMessages(_ForStaff, MessageMiddleware):
    """What an action of theirs has come to, said on the next page."""


class DatabaseOutage(MiddlewareMixin):
    """Answer 503 for what a view could not read or write: one line in the log for all of them, and no traceback."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Django calls it with what the view raised."""
        if not database_outage.is_outage(exception):
            return None
        database_outage.log(exception)
        return unavailable(request)
