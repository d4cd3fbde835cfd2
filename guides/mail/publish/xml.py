"""Writing XML: text that XML 1.0 cannot hold is taken out, everything else is escaped by the serializer."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

# What is left out of XML 1.0's `Char` (section 2.2).
_NO_CHAR = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add(parent: Element, tag: str, text: str | int | None = None, **attributes: str) -> Element:
    """Append an element with text and attributes, and return it."""
    element = SubElement(parent, tag, {name: _clean(value) for name, value in attributes.items()})
    if text is not None:
        element.text = _clean(str(text))
    return element


def written(root: Element) -> bytes:
    """A whole document in UTF-8, with its declaration."""
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _clean(text: str) -> str:
    return _NO_CHAR.sub("", text)
