"""The first card after the address: the guide for the mailbox on the very device that the page is read on."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from guides.library_cache import library_cached
from guides.mail.ways import TYPED, Way, ability_of
from guides.models import Guide, GuideText
from guides.models.texts import Text
from guides.services.guide_page import NoticePlace, compose
from guides.views import devices
from guides.views.devices import Device
from guides.views.portal_urls import has_profile
from guides.views.visitor import VisitorContext, language

_STEP = '<li class="step"'


@dataclass(frozen=True, slots=True)
class FirstGuide:
    """A guide with its first step."""

    title: str
    steps: int
    step: SafeString  # the first one, as an item of a list
    url: str
    is_preceded: bool  # by what the provider's notice says must be done before
    has_profile: bool  # whether a profile does all of it


def first_guide(request: HttpRequest, visitor: VisitorContext) -> FirstGuide | None:
    """For a mailbox whose settings are known. None where the device is unknown or its usual app cannot open it."""
    device = devices.device_of(request)
    if device is Device.UNKNOWN or not visitor.known or visitor.needs_confirmation:
        return None
    slug = devices.GUIDES[device]
    found = library_cached(f"first guide:{slug}:{language()}", lambda: _read(slug))
    if found is None or (client := found[0].client) is None:
        return None
    guide, text = found
    version = next((one.slug for one in client.versions.all() if one.is_default), "")
    notice = None if visitor.by_hand else visitor.notice
    ability = ability_of(client.slug, version, protocols=client.protocols)
    page = compose(text, notice, visitor.situation(version=version), ability)
    steps = str(page.body).partition('<ol class="steps"')[2].partition('<ol class="steps"')[0].split(_STEP)[1:]
    if page.way is Way.IMPOSSIBLE or len(steps) < 2:
        return None
    name = visitor.account.provider_name or visitor.shown_domain
    return FirstGuide(
        title=str(devices.TITLES[device]) % {"provider": name},
        steps=len(steps),
        step=mark_safe(_STEP + steps[0]),  # noqa: S308  # a whole item of a safe list
        url=reverse("guide", args=[guide.slug]) + (f"?{visitor.query}" if visitor.query else ""),
        is_preceded=page.place is NoticePlace.FIRST and page.way in TYPED,
        has_profile=client.reads_profile and has_profile(visitor),
    )


def _read(slug: str) -> tuple[Guide, Text] | None:
    """The published guide with its text for the visitor."""
    guide = Guide.objects.published().for_page().filter(slug=slug).first()
    texts = GuideText.objects.filter(guide=guide).published().in_reading_order(language()).defer("body")
    text = texts.first() if guide else None
    return (guide, text) if guide and text else None
