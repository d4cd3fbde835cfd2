"""Parsing untrusted XML: no DTD, no entities, bounded depth, number of elements and length of texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError  # only the error class; defusedxml parses

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

MOST_LEVELS = 12
MOST_ELEMENTS = 4000
LONGEST_TEXT = 1000


class XmlFault(ValueError):  # noqa: N818
    """A text is rejected. `cause`: xml (malformed, or a wrong encoding), xml_dtd, xml_size."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(slots=True)
class Element:
    """An element: its name without a namespace, its attributes, its own text, trimmed and cut, its children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """The children with a name, in any case."""
        return [child for child in self.children if child.name.lower() == name.lower()]

    def get(self, name: str) -> str:
        """The text of the first such child, or ""."""
        return next((child.text for child in self.all(name)), "")


class _Builder:
    """The parser's target."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) >= MOST_LEVELS:
            raise XmlFault("xml_size")
        plain = {name.rpartition("}")[2]: value[:LONGEST_TEXT] for name, value in attributes.items()}
        element = Element(tag.rpartition("}")[2], plain)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, tag: str) -> None:  # noqa: ARG002
        self._open.pop()

    def data(self, text: str) -> None:
        if self._open and len(self._open[-1].text) < LONGEST_TEXT:
            self._open[-1].text += text[:LONGEST_TEXT]

    def close(self) -> Element | None:
        return self.root


def read_xml(data: bytes) -> Element:
    """The root element. Raises XmlFault."""
    parser: Any = DefusedXMLParser(target=_Builder(), forbid_dtd=True)
    try:
        parser.feed(data.lstrip())
        root: Element | None = parser.close()
    except DefusedXmlException:
        raise XmlFault("xml_dtd") from None
    except (ParseError, LookupError, ValueError) as fault:
        raise XmlFault(fault.cause if isinstance(fault, XmlFault) else "xml") from None
    assert root is not None  # noqa: S101  # expat refuses a document without an element
    _trim(root)
    return root


def _trim(element: Element) -> None:
    element.text = element.text.strip()
    for child in element.children:
        _trim(child)
