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
    """Django's application. A Content-Type keeps its boundary and no other parameter; one that cannot be read is none.

    Django reads it, and decodes the query in its charset, before its own handling of errors and all middleware:
    `charset*=none''x` or `charset=punycode` would be a server error. Browsers send UTF-8, as the pages are.
    """
    try:
        kind, parameters = parse_header_parameters(environ.get("CONTENT_TYPE", ""))
    except ValueError:
        kind, parameters = "", {}
    boundary = parameters.get("boundary")
    environ["CONTENT_TYPE"] = kind if boundary is None else f'{kind}; boundary="{boundary}"'
    return _django(environ, start_response)
