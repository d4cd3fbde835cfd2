"""The account that is published to mail clients, with links to the portal's pages about it."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from guides.mail.accounts import PasswordKind
from guides.mail.publish.offer import Offer, Page
from guides.models import GuideText, Provider


def offer_of(provider: Provider, domain: str, base: str = "") -> Offer:
    """The offer for a mail domain; without links when `base` is empty."""
    account = provider.account(domain)
    needs_more = provider.must_enable or provider.password not in (PasswordKind.PASSWORD, PasswordKind.OAUTH2)
    return Offer(
        account=account,
        domains=tuple(row.domain for row in provider.domains.all()),
        guides=_guides(domain, base) if base else (),
        to_do=_to_do(domain, base) if base and needs_more else (),
        webmail=provider.webmail_url,
    )


def documentation_url(domain: str) -> str:
    """The documentation URL in a PACC file. It depends on settings only: a DNS record holds the file's digest."""
    if not settings.BASE_URL:
        return ""
    with translation.override(settings.LANGUAGE_CODE):
        return f"{settings.BASE_URL}{reverse('settings-domain', args=[domain])}"


def _guides(domain: str, base: str) -> tuple[Page, ...]:
    """The guides of clients that read autoconfig, in each of the languages that they are published in."""
    texts = cast("QuerySet[GuideText]", GuideText.objects.filter(guide__client__reads_autoconfig=True).published())
    rows = texts.order_by("guide__position", "guide__slug", "language").values_list("language", "title", "guide__slug")
    pages = []
    for language, title, slug in rows:
        with translation.override(language):
            url = f"{base}{reverse('guide', args=[slug])}?{urlencode({'at': domain})}"
        pages.append(Page(language, url, title))
    return tuple(pages)


def _to_do(domain: str, base: str) -> tuple[Page, ...]:
    """The settings page in each language; it begins with what must be done at the provider."""
    pages = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            url = f"{base}{reverse('settings-domain', args=[domain])}"
            pages.append(Page(language, url, _("Read what must be done first at the provider.")))
    return tuple(pages)
