"""The portal's own icons, written into the page: no request of their own, and the colour of the text around them.

Drawn on a grid of 24 units with strokes of 1.8 (docs/design.md). They only repeat what words beside them say, so
assistive technology does not read them.
"""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_SHAPES = {
    "setup": '<path d="M3.5 6.5h17v11h-17z"/><path d="m4 7 8 6.5L20 7"/>',
    "test": '<path d="M3 12h4l2.5-6 4.5 12 2.5-6h4.5"/>',
    "error": '<path d="M4.5 4.5h15v11h-8l-4 4v-4h-3z"/><path d="M12 7.5v3.2m0 2.1v.2"/>',
    "device": '<rect x="7" y="2.5" width="10" height="19" rx="2.2"/><path d="M11 18.5h2"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6"/><path d="m15 15 5.5 5.5"/>',
    "next": '<path d="M5 12h14m-6-6 6 6-6 6"/>',
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon as SVG. Raises KeyError for a name that there is no icon of."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        mark_safe(_SHAPES[name]),  # noqa: S308  # a constant above
    )


@register.simple_tag
def mark() -> SafeString:
    """The portal's mark: an envelope whose flap is a check mark. The same drawing as static/img/icon.svg."""
    return mark_safe(  # a constant
        '<svg class="site-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">'
        '<rect width="32" height="32" rx="8"/><path class="sheet" d="M23.5 13v10.5h-17V11H17"/>'
        '<path class="check" d="m7 11.5 7.5 6.8L26 7"/></svg>'
    )
