"""The WSGI entry point."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from helpdesk.client_sockets import with_whole_bodies

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")

_django = with_whole_bodies(get_wsgi_application())


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Django's application. A Content-Type that cannot be read counts as none.

    Django reads it before its own handling of errors begins, so that `charset*=none''x` would be a server error.
    """
    try:
        parse_header_parameters(environ.get("CONTENT_TYPE", ""))
    except ValueError:
        environ["CONTENT_TYPE"] = ""
    return _django(environ, start_response)
