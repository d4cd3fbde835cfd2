"""Host names of the operator's own domains: accepted without being listed, and for mail clients only.

Clients ask `autoconfig.<domain>` and the like by their real names. The names are looked up in the provider table, so a
domain that is marked as own works at once, without a restart and without an open ALLOWED_HOSTS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.http.request import split_domain_port, validate_host

from guides.services import publishing

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# What is served on these names; pages of the portal are not, they have one address.
_FOR_CLIENTS = re.compile(
    r"/mail/config-v1\.1\.xml"
    r"|/\.well-known/autoconfig/mail/config-v1\.1\.xml"
    r"|/\.well-known/user-agent-configuration\.json"
    r"|(?i:/autodiscover/autodiscover\.xml)"
    r"|(?i:/autodiscover/autodiscover\.json)(?:/v1\.0/[^/]+)?/?"
    r"|/v1\.1/[^/]+"
)

_POX = re.compile(r"(?i:/autodiscover/autodiscover\.xml)")


def client_hosts(get_response: GetResponse) -> GetResponse:
    """Note on the request which own domain its host stands for, and answer to that host as to the portal's own.

    `request.client_domain` is that domain or ""; `request.is_client_host` is true there and on any other host with
    such a prefix, where nothing but own domains may be served.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        host = split_domain_port(request.META.get("HTTP_HOST", ""))[0]
        prefix, _domain = publishing.split_client_host(host)
        listed = not host or validate_host(host, settings.ALLOWED_HOSTS)
        domain = publishing.own_client_domain(host) if prefix or not listed else ""
        request.client_domain = domain  # type: ignore[attr-defined]
        request.is_client_host = bool(prefix or domain)  # type: ignore[attr-defined]
        if not domain:
            if request.path_info == "/tls-names":  # a proxy asks by whatever name it has for us
                request.META["HTTP_HOST"] = main_host()
            return get_response(request)
        if not _FOR_CLIENTS.fullmatch(request.path_info):
            return HttpResponse("Nothing but settings for mail programs is here.\n", "text/plain; charset=utf-8", 404)
        if request.method in ("GET", "HEAD") and _POX.fullmatch(request.path_info) and _is_elsewhere(host):
            # [MS-OXDISCO] 3.1.5.4: clients ask this by http where https fails, and take the place that a 302 names.
            return HttpResponseRedirect(f"{settings.BASE_URL}/autodiscover/autodiscover.xml")
        if not listed:
            request.META["HTTP_HOST"] = main_host()
        response = get_response(request)
        # The domain's own web server decides about https for it and everything below it.
        response.headers.pop("Strict-Transport-Security", None)
        return response

    return middleware


def main_host() -> str:
    """The portal's own name, which is always allowed."""
    return urlsplit(settings.BASE_URL).netloc or settings.ALLOWED_HOSTS[0].lstrip(".*") or "localhost"


def _is_elsewhere(host: str) -> bool:
    """Whether the portal has an https address of its own that is not `host`."""
    base = urlsplit(settings.BASE_URL)
    return base.scheme == "https" and base.hostname != host.lower().removesuffix(".")
