"""Where the portal stands, as mail clients and phones are told, and who can be offered a profile."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from guides.mail.ways import ability_of
from guides.services.guide_page import profile_is_the_way
from guides.views.visitor import VisitorContext


def base_url(request: HttpRequest) -> str:
    """The portal's public address without a final slash, or "" where only a client's host name is known."""
    if settings.BASE_URL or getattr(request, "client_domain", ""):
        return settings.BASE_URL
    return f"{request.scheme}://{request.get_host()}"


def portal_name_in_net(request: HttpRequest) -> str:
    """The portal's host name: what makes its profiles different from another portal's."""
    return urlsplit(base_url(request)).netloc or request.get_host()


def has_profile(visitor: VisitorContext) -> bool:
    """Whether an Apple profile is the way into the visitor's mailbox: not where the device signs in by itself."""
    provider = visitor.provider
    if provider is None or not provider.is_published:
        return False
    return profile_is_the_way(provider.account(visitor.domain), ability_of("ios-mail", "current"))
