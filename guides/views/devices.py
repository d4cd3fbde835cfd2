"""The device that a page is shown on, as far as the request tells: one of a few, so that pages can be cached by it.

Chromium sends the hint `Sec-CH-UA-Platform` with each request (https://wicg.github.io/ua-client-hints/); other browsers
name their system in `User-Agent`. An iPad calls itself a Mac there, as far as we know since iPadOS 13, and cannot be
told from one on the server.
"""

from __future__ import annotations

from enum import StrEnum

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

HEADERS = ("Sec-CH-UA-Platform", "User-Agent")


class Device(StrEnum):
    """What a visitor holds or sits at."""

    IPHONE = "iphone"
    IPAD = "ipad"
    ANDROID = "android"
    MAC = "mac"
    WINDOWS = "windows"
    LINUX = "linux"
    UNKNOWN = "unknown"


_PLATFORMS = {"android": Device.ANDROID, "macos": Device.MAC, "windows": Device.WINDOWS, "linux": Device.LINUX}

# In this order: an Android browser also names Linux, an iPhone "like Mac OS X".
_IN_USER_AGENT = (
    ("iPhone", Device.IPHONE),
    ("iPod", Device.IPHONE),
    ("iPad", Device.IPAD),
    ("Android", Device.ANDROID),
    ("Windows NT", Device.WINDOWS),
    ("Macintosh", Device.MAC),
    ("X11; Linux", Device.LINUX),
)

# The client that most people read mail with there, by the slug of its guide.
GUIDES = {
    Device.IPHONE: "ios-mail",
    Device.IPAD: "ios-mail",
    Device.ANDROID: "android",
    Device.MAC: "apple-mail",
    Device.WINDOWS: "outlook",
    Device.LINUX: "thunderbird",
}

# The mailbox to be set up, by the name of its provider or its domain.
TITLES: dict[Device, str | Promise] = {
    Device.IPHONE: _("%(provider)s on your iPhone"),
    Device.IPAD: _("%(provider)s on your iPad"),
    Device.ANDROID: _("%(provider)s on your Android phone"),
    Device.MAC: _("%(provider)s on your Mac"),
    Device.WINDOWS: _("%(provider)s on your Windows computer"),
    Device.LINUX: _("%(provider)s on your Linux computer"),
}


def device_of(request: HttpRequest) -> Device:
    """The device by the hint, else by the name of the browser; never raises."""
    hint = request.headers.get("Sec-CH-UA-Platform", "").strip('" ').lower()
    if hint in _PLATFORMS:
        return _PLATFORMS[hint]
    agent = request.headers.get("User-Agent", "")
    return next((device for words, device in _IN_USER_AGENT if words in agent), Device.UNKNOWN)
