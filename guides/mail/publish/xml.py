"""Writing XML: characters that XML 1.0 does not allow are removed, the serializer escapes the rest."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

# The characters outside XML 1.0's `Char` (section 2.2).
_NO_CHAR = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add(parent: Element, tag: str, text: str | int | None = None, **attributes: str) -> Element:
    """Append an element with text and attributes, and return it."""
    element = SubElement(parent, tag, {name: _clean(value) for name, value in attributes.items()})
    if text is not None:
        element.text = _clean(str(text))
    return element


def written(root: Element) -> bytes:
    """The document in UTF-8, with its XML declaration."""
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _clean(text: str) -> str:
    return _NO_CHAR.sub("", text)
