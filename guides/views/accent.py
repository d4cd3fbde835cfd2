"""The operator's own colour (`ACCENT`), made dark or light enough to be read on every ground that it stands on.

Contrast and luminance: WCAG 2.2, success criterion 1.4.3 and "relative luminance" (https://www.w3.org/TR/WCAG22/).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

Colour = tuple[int, int, int]

TEXT = 4.5  # the least contrast of text
_VISIBLE = 2.0  # of a button's ground with a dark card
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)

# The grounds that links stand on, as static/css/site.css has them: page, card, value, warning, failure, good, tint.
LIGHT = ("#f6f8fa", "#ffffff", "#e8f0f9", "#fff4dc", "#fdecec", "#e6f4ec", "#e3eefb")
DARK = ("#12171d", "#1a2129", "#22303f", "#2d2413", "#321a1c", "#14291f", "#1d2f42")
_DARK_CARD = DARK[1]


def parsed(text: str) -> Colour:
    """`#rrggbb` as three numbers of 0 to 255. Raises ValueError."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    shares = [value / 255 for value in colour]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _readable(colour: Colour, aim: Colour, grounds: Iterable[Colour], least: float = TEXT) -> Colour:
    """`colour`, mixed with as little of `aim` as makes it contrast with all `grounds`."""
    grounds = list(grounds)
    for percent in range(101):
        red, green, blue = (round(own + (end - own) * percent / 100) for own, end in zip(colour, aim, strict=True))
        if all(contrast((red, green, blue), ground) >= least for ground in grounds):
            break
    return red, green, blue


@cache
def tokens(accent: str) -> dict[str, tuple[str, str]]:
    """The style sheet's colours that follow from the accent: each for the light and for the dark theme."""
    colour = parsed(accent)
    dark_act = _readable(_readable(colour, _WHITE, [parsed(_DARK_CARD)], _VISIBLE), _BLACK, [_WHITE])
    pairs = {
        "--link": (_readable(colour, _BLACK, map(parsed, LIGHT)), _readable(colour, _WHITE, map(parsed, DARK))),
        "--act": (_readable(colour, _BLACK, [_WHITE]), dark_act),
    }
    return {name: (_hex(light), _hex(dark)) for name, (light, dark) in pairs.items()}


def _hex(colour: Colour) -> str:
    return "#" + bytes(colour).hex()


@require_safe
@cache_control(public=True, max_age=86400)
def style_sheet(request: HttpRequest) -> HttpResponse:
    """The colours as a style sheet; the page asks for it under an address that names the accent."""
    if not settings.ACCENT:
        raise Http404
    rules = "".join(f"{name}:light-dark({light},{dark});" for name, (light, dark) in tokens(settings.ACCENT).items())
    return HttpResponse(f"@layer tokens{{:root{{{rules}}}}}\n", content_type="text/css; charset=utf-8")
