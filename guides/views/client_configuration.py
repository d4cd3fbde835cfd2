"""What mail clients fetch by themselves: autoconfig, Autodiscover, PACC; and what a proxy asks about certificates.

No answer depends on whether a mailbox exists, only on its domain; nothing here takes a password or sets a cookie.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from guides.library_cache import library_cached, pinned_version
from guides.mail.publish import autoconfig, autodiscover, pacc
from guides.mail.publish.autodiscover import PoxFault, V2Fault
from guides.services import publishing
from guides.services.offers import documentation_url, offer_of
from guides.views.portal_urls import base_url

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

CACHEABLE = "public, max-age=300"
TEXT = "text/plain; charset=utf-8"


def machine(*methods: str) -> Callable[[View[P]], View[P]]:
    """A view for programs: other methods are refused in plain text, and any site may embed the answer."""

    def decorate(view: View[P]) -> View[P]:
        @csrf_exempt  # no cookie, and nothing changes
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method in methods:
                response = view(request, *args, **kwargs)
            else:
                response = plain(f"Ask with {methods[0]}.", 405)
                response["Allow"] = ", ".join(methods)
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            return response

        return guarded

    return decorate


def plain(words: str, status: int) -> HttpResponse:
    """A short answer in plain text, for people who look at what their program got."""
    return HttpResponse(f"{words}\n", content_type=TEXT, status=status)


def not_served() -> HttpResponse:
    """Nothing is known, or nothing is given away here, about a domain."""
    return plain("No settings for this domain here.", 404)


@machine("GET", "HEAD")
def config(request: HttpRequest) -> HttpResponse:
    """Autoconfig, at the places where clients look for it."""
    domain = _domain_asked(request, request.GET.get("emailaddress", ""))
    return _autoconfig(request, domain) if domain else not_served()


@machine("GET", "HEAD")
def config_of_domain(request: HttpRequest, domain: str) -> HttpResponse:
    """Autoconfig by domain, in the shape of an ISPDB (Thunderbird's `mailnews.auto_config_url`)."""
    ascii_domain = publishing.domain_or_none(domain)
    return _autoconfig(request, ascii_domain) if ascii_domain else not_served()


def _autoconfig(request: HttpRequest, domain: str) -> HttpResponse:
    own_only, base = _own_only(request), base_url(request)
    with pinned_version():
        # By domain and not by URL: an office asks with as many addresses as it has people.
        body = library_cached(f"autoconfig:{domain}:{own_only}:{base}", lambda: _file(domain, own_only, base))
    if not body:
        return not_served()
    response = HttpResponse(body, content_type=autoconfig.CONTENT_TYPE)
    response["Cache-Control"] = CACHEABLE
    return response


def _file(domain: str, own_only: bool, base: str) -> bytes:
    """The autoconfig file of a domain; empty where there is none to give."""
    provider = publishing.provider_to_publish(domain, own_only=own_only)
    offer = offer_of(provider, domain, base) if provider else None
    return autoconfig.write(offer) if offer is not None and offer.is_complete else b""


@machine("POST")
def pox(request: HttpRequest) -> HttpResponse:
    """Autodiscover. Errors have status 200, as clients expect."""
    try:
        body = _pox(request)
    except PoxFault as fault:
        body = autodiscover.write_error(fault.code)
    response = HttpResponse(body, content_type=autodiscover.CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def _pox(request: HttpRequest) -> bytes:
    asked = autodiscover.read_request(request.read(autodiscover.LONGEST_REQUEST + 1))
    provider = publishing.provider_to_publish(asked.address.domain, own_only=_own_only(request))
    if provider is None:
        raise PoxFault(601)
    return autodiscover.write(offer_of(provider, asked.address.domain), asked.address)


@machine("GET", "HEAD")
def v2(request: HttpRequest, email: str = "") -> HttpResponse:
    """Autodiscover version 2: where the POX answer is."""
    parameters = {name.casefold(): str(value) for name, value in request.GET.items()}
    try:
        autodiscover.read_v2_protocol(parameters.get("protocol", ""))
        domain = _domain_asked(request, email or parameters.get("email", ""))
        if not domain or publishing.provider_to_publish(domain, own_only=_own_only(request)) is None:
            raise V2Fault("NotFound", "No settings for this domain here", 404)
    except V2Fault as fault:
        response = HttpResponse(fault.write(), content_type="application/json", status=fault.status)
        response["Cache-Control"] = "no-store"
        return response
    base = base_url(request) or f"https://autodiscover.{domain}"
    response = HttpResponse(autodiscover.write_v2(base + reverse("pox")), content_type="application/json")
    response["Cache-Control"] = CACHEABLE
    return response


@machine("GET", "HEAD")
def user_agent_configuration(request: HttpRequest) -> HttpResponse:
    """PACC, for own domains: its digest must stand in their DNS."""
    domain = _domain_asked(request, "")
    provider = publishing.provider_to_publish(domain, own_only=True) if domain else None
    if provider is None:
        return not_served()
    try:
        body = pacc.write(offer_of(provider, domain), documentation_url(domain))
    except pacc.NoPacc:
        return plain("The settings of this domain cannot be said in this format.", 404)
    response = HttpResponse(body, content_type=pacc.CONTENT_TYPE)
    response["Cache-Control"] = CACHEABLE
    return response


@machine("GET", "HEAD")
def tls_names(request: HttpRequest) -> HttpResponse:
    """Whether a proxy may obtain a certificate for a host name (the question of Caddy's on-demand TLS)."""
    allowed = publishing.may_have_certificate(request.GET.get("domain", ""))
    response = plain("yes", 200) if allowed else plain("no", 403)
    response["Cache-Control"] = "no-store"
    return response


def _own_only(request: HttpRequest) -> bool:
    return cast("bool", getattr(request, "is_client_host", False)) or not settings.SERVE_KNOWN_DOMAINS


def _domain_asked(request: HttpRequest, address: str) -> str:
    """The domain of the address, whatever stands before the @; without an address, what the host stands for."""
    if "@" in address:
        return publishing.domain_or_none(address.rpartition("@")[2]) or ""
    client_domain: str = getattr(request, "client_domain", "")
    return client_domain or publishing.own_domain_around(request.get_host().partition(":")[0])
