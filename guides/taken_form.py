"""The form of a connection test, taken out of its request before anything else runs that could fail.

Error reports show a request's fields and, with DEBUG, the variables of each frame. So the middleware below stands
first: from then on the request is empty, and the password is in a Secret alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from guides.mail.secret import Secret, SecretFault

LONGEST_PASSWORD = 1024
LONGEST_TOKEN = 6000  # Microsoft's are two to four thousand characters


class FormNotTakenError(Exception):
    """Something broke while a password was in plain hands. Says what kind of fault it was, and no more."""


@dataclass(frozen=True, slots=True, repr=False)
class TakenForm:
    """The fields of a connection test without the password; the password, or the words that say why there is none."""

    fields: QueryDict
    secret: Secret | None = None
    password_fault: str | Promise = ""


def take_test_form(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The middleware that stands before all others.

    A test is known by the end of its path, not by its route: other hosts, other languages and a path without the last
    slash are refused later, and some of them with an error report.

    On the way out, a test whose streamed answer was lost or replaced, because a middleware failed, is ended at once.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and request.path_info.rstrip("/").endswith("/test"):
            request.taken_form = _take(request)  # type: ignore[attr-defined]
        response = get_response(request)
        stream = getattr(request, "test_stream", response)
        if stream is not response:
            stream.close()
        return response

    return middleware


def taken_form(request: HttpRequest) -> TakenForm:
    """What was taken. Raises what Django raises for a form that is too large or damaged, or FormNotTakenError."""
    taken: TakenForm | Exception = request.taken_form  # type: ignore[attr-defined]
    if isinstance(taken, Exception):
        raise taken
    return taken


def _take(request: HttpRequest) -> TakenForm | Exception:
    """The form, or why there is none. Afterwards the request's POST, FILES and body are empty.

    Of a fault only the kind is kept: its message, its frames and its chain could show the password. The view raises it,
    so that the answer is in the visitor's language and has all headers.
    """
    taken: TakenForm | Exception
    try:
        taken = _read(request)
    except (SuspiciousOperation, BadRequest, MultiPartParserError) as fault:
        taken = type(fault)()
    except Exception as fault:
        taken = FormNotTakenError(type(fault).__name__)
    request._body = b""
    request._mark_post_parse_error()  # type: ignore[attr-defined]  # Django's own: nothing is parsed again
    return taken


def _read(request: HttpRequest) -> TakenForm:
    fields = request.POST.copy()
    request._stream = BytesIO()
    passwords = fields.pop("password", [])
    password = str(passwords[-1]) if passwords else ""
    if "is_token" in fields:
        return _wrapped(fields, password.strip(), LONGEST_TOKEN)
    return _wrapped(fields, password, LONGEST_PASSWORD)


def _wrapped(fields: QueryDict, password: str, longest: int) -> TakenForm:
    if not password:
        words = _("Enter the password. It is used for this one test and not stored.")
    elif len(password) > longest:
        words = _("This is too long for a password.")
    else:
        try:
            return TakenForm(fields, Secret(password))
        except SecretFault:
            words = _("There is a line end or an invisible character in it. Type the password by hand.")
    return TakenForm(fields, password_fault=words)
