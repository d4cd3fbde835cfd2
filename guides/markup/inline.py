"""Rendering Markdown with placeholders as safe HTML, split at the placeholders.

Two barriers: python-markdown runs without raw HTML, reference definitions and pictures, and nh3 allows only a few
elements in its output. Placeholders pass both as single private-use characters. The compiler refuses these in sources,
and each must be in the output exactly once, so a lost one is noticed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

import markdown
import nh3
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor

from guides.markup.faults import FaultLog
from guides.markup.vocabulary import PLACEHOLDERS, TECHNICAL, PlaceholderKind

FIRST_TOKEN = 0xF0000

_PLACEHOLDER = re.compile(r"\\\{\{|\{\{([^{}\n]*)\}\}|\{\{")
_LIST_ITEM = re.compile(r"(?:[-*+]|\d{1,9}\.)[ \t]")
_LIST_START = re.compile(r"(?:[-*+]|1\.)[ \t]")  # a list that ends a paragraph; a wrapped line with "1998. " does not
_RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}\Z")
_CJK = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_CJK_BREAK = re.compile(f"(?<=[{_CJK}])\n(?=[{_CJK}])")
# nh3 writes every attribute in double quotes and escapes quotes in it; `<` and `>` may occur in a value.
_TAG_OR_TOKEN = re.compile(r'<(/?)([a-z0-9]+)((?:[^<>"]|"[^"]*")*)>|[\U000F0000-\U000FFFFD]')
_TOKEN = re.compile("[\U000f0000-\U000ffffd]")
_TARGET = re.compile(r"(?:https?://[^\s/\\]|mailto:[^\s\\]|[#?]|\.{0,2}/(?!/))[^\s\\]*\Z", re.IGNORECASE)

_INLINE_TAGS = {"em", "strong", "code"}
_TAGS = _INLINE_TAGS | {
    *("p", "ul", "ol", "li", "a", "br", "hr", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto"},
    link_rel=None,  # only on links to other sites, see `_split`
)
_TITLE_CLEANER = nh3.Cleaner(tags=_INLINE_TAGS, attributes={}, link_rel=None)


class _Link(InlineProcessor):
    """`[words](target)`. python-markdown's own pattern takes minutes for 100 KB of opening brackets; this one is
    linear, as neither words nor target can contain what would make it backtrack."""

    PATTERN = r"\[([^\[\]]*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)"

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        link = Element("a", href=self.unescape(m[2]))
        link.text = m[1]
        return link, m.start(0), m.end(0)


class _Picture(_Link):
    """`![words](source)`, found so that it can be refused."""

    PATTERN = "!" + _Link.PATTERN

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        return Element("img", src=self.unescape(m[2])), m.start(0), m.end(0)


class _Links(Treeprocessor):
    """Collects the targets of links and finds pictures, before nh3 removes what is not allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.pictures: list[str] = []

    def run(self, root: Element) -> None:
        self.targets = [html.unescape(element.get("href", "")) for element in root.iter("a")]
        self.pictures = [html.unescape(element.get("src", "")) for element in root.iter("img")]


def _markdown(links: _Links) -> markdown.Markdown:
    """Markdown for bodies: raw HTML is text; no setext headings, indented code or references, whose meaning would
    depend on the indentation and the splitting of blocks."""
    converter = markdown.Markdown(extensions=["sane_lists", "tables"], output_format="html")
    converter.preprocessors.deregister("html_block")
    for name in ("code", "hashheader", "setextheader", "reference"):
        converter.parser.blockprocessors.deregister(name)
    for name in ("html", "automail", "reference", "short_reference", "image_reference", "short_image_ref"):
        converter.inlinePatterns.deregister(name)
    converter.inlinePatterns.register(_Link(_Link.PATTERN, converter), "link", 160)
    converter.inlinePatterns.register(_Picture(_Picture.PATTERN, converter), "image_link", 165)
    converter.treeprocessors.register(links, "links", -10)
    return converter


def _title_markdown() -> markdown.Markdown:
    """Markdown for one line: only emphasis and code."""
    converter = _markdown(_Links())
    for name in ("indent", "hr", "olist", "ulist", "quote", "table"):
        converter.parser.blockprocessors.deregister(name)
    for name in ("link", "image_link", "autolink", "linebreak"):
        converter.inlinePatterns.deregister(name)
    return converter


class InlineRenderer:
    """Renders the Markdown of one text. Nodes are strings of safe HTML and `{"put": placeholder}`."""

    def __init__(self, log: FaultLog) -> None:
        self.log = log
        self._links = _Links()
        self._body = _markdown(self._links)
        self._title = _title_markdown()
        self._tokens: list[tuple[str, int]] = []  # name and line of each placeholder, in order; "" for two braces

    def body(self, source: str, line: int) -> list[Any]:
        """Markdown lines that start in `line`."""
        first = len(self._tokens)
        text = self._tokenise(_with_plain_lists(source.split("\n"), line), links=True)
        try:
            rendered = self._body.reset().convert(text)
        except RecursionError:
            self.log.add(line, "too_nested")
            return []
        self._judge_links(source, line)
        clean = _CLEANER.clean(rendered)
        return self._split(_CJK_BREAK.sub("", clean), line, first)

    def title(self, source: str, line: int) -> list[Any]:
        """One line: a title, a label or a value. Emphasis and code, no links."""
        first = len(self._tokens)
        for link in re.finditer(_Link.PATTERN, source):
            self.log.add(line, "link_in_title", name=link[0])
        text = self._tokenise([(line, source)], links=False)
        clean = _TITLE_CLEANER.clean(self._title.reset().convert(text))
        return self._split(clean.strip(), line, first)

    def code(self, source: str, line: int) -> str:
        """A block of code whose fence is in `line`: verbatim text, except that `\\{{` is written for two braces."""
        for at, text in enumerate(source.split("\n"), line + 1):
            for match in _PLACEHOLDER.finditer(text):
                if not match[0].startswith("\\"):
                    self.log.add(at, "placeholder_in_code", name=(match[1] or "").strip())
        return source.replace("\\{{", "{{")

    # --- in -------------------------------------------------------------------------------------

    def _tokenise(self, lines: list[tuple[int, str]], *, links: bool) -> str:
        """Replace each placeholder by its token. Unknown ones are recorded and removed."""
        return "\n".join(_PLACEHOLDER.sub(partial(self._token, line, links), text) for line, text in lines)

    def _token(self, line: int, links: bool, match: re.Match[str]) -> str:
        if match[0].startswith("\\"):
            name = ""
        elif match[1] is None:
            self.log.add(line, "unclosed_placeholder")
            return ""
        else:
            name = match[1].strip()
            if name not in PLACEHOLDERS:
                self.log.add_unknown(line, "unknown_placeholder", name, PLACEHOLDERS)
                return ""
            if not links and PLACEHOLDERS[name] is PlaceholderKind.LINK:
                self.log.add(line, "link_in_title", name=name)
                return ""
        self._tokens.append((name, line))
        return chr(FIRST_TOKEN + len(self._tokens) - 1)

    # --- out ------------------------------------------------------------------------------------

    def _judge_links(self, source: str, line: int) -> None:
        for target in self._links.targets:
            tokens = [ord(token) - FIRST_TOKEN for token in _TOKEN.findall(target)]
            named = [self._tokens[index] for index in tokens if index < len(self._tokens) and self._tokens[index][0]]
            for name, at in named:
                self.log.add(at, "placeholder_in_link", name=name)
            if not named and not _TARGET.match(target):
                self.log.add(_line_of(target, source, line), "link_target", target=target)
        for target in self._links.pictures:
            self.log.add(_line_of(target, source, line), "picture")

    def _two_braces(self, token: re.Match[str]) -> str:
        """Replace the tokens of `\\{{` by two braces."""
        index = ord(token[0]) - FIRST_TOKEN
        return "{{" if index < len(self._tokens) and not self._tokens[index][0] else token[0]

    def _split(self, clean: str, line: int, first: int) -> list[Any]:
        """Split safe HTML at its tokens, and check the position of each."""
        clean = _TOKEN.sub(self._two_braces, clean)
        nodes: list[Any] = []
        html_before: list[str] = []
        open_tags = {"a": 0, "code": 0}
        missing = {index for index in range(first, len(self._tokens)) if self._tokens[index][0]}
        end = 0
        for match in _TAG_OR_TOKEN.finditer(clean):
            html_before.append(clean[end : match.start()])
            end = match.end()
            if match[2]:
                html_before.append(_with_rel(match))
                if match[2] in open_tags:
                    open_tags[match[2]] += -1 if match[1] else 1
                continue
            index = ord(match[0]) - FIRST_TOKEN
            if index not in missing:  # written as a character reference by the author
                self.log.add(line, "character", character=f"U+{ord(match[0]):X}")
                continue
            missing.remove(index)
            name, at = self._tokens[index]
            if open_tags["code"]:
                self.log.add(at, "placeholder_in_code", name=name)
            elif open_tags["a"] and PLACEHOLDERS[name] is PlaceholderKind.LINK:
                self.log.add(at, "link_in_link", name=name)
            nodes += ["".join(html_before), {"put": name}]
            html_before = []
        nodes.append("".join(html_before) + clean[end:])
        for index in sorted(missing):
            name, at = self._tokens[index]
            if not any(fault.code == "placeholder_in_link" and fault.line == at for fault in self.log.faults):
                self.log.add(at, "placeholder_lost", name=name)
        return [node for node in nodes if node]


def technical_placeholders(nodes: list[Any]) -> Iterator[str]:
    """The placeholders among `nodes` whose values are typed or copied verbatim."""
    for node in nodes:
        if isinstance(node, dict) and PLACEHOLDERS[node["put"]] in TECHNICAL:
            yield node["put"]


def _with_rel(tag: re.Match[str]) -> str:
    """The tag, with `rel` if it is a link to another site."""
    if tag[2] == "a" and re.match(r' href="https?:', tag[3], re.IGNORECASE):
        return f'<a{tag[3]} rel="noopener external">'
    return tag[0]


def _with_plain_lists(lines: list[str], first: int) -> list[tuple[int, str]]:
    """The lines with their numbers from `first`, and lists in the form that python-markdown needs.

    It needs an empty line before a list and exactly four spaces per level; else the list becomes part of the paragraph.
    Authors expect CommonMark's rules: two or more spaces per level.
    """
    numbered: list[tuple[int, str]] = []
    markers: list[int] = []  # indentation of the open list items, outermost first
    after_blank, in_paragraph = True, False
    for line, text in enumerate(lines, first):
        words = text.lstrip()
        indent = len(text.expandtabs(4)) - len(text.expandtabs(4).lstrip())
        if not words:
            after_blank, in_paragraph = True, False
            numbered.append((line, ""))
            continue
        item = _LIST_ITEM.match(words) and not _RULE.match(words)
        if item and (after_blank or markers or _LIST_START.match(words)):
            while markers and indent < markers[-1] + 2:
                markers.pop()
            if in_paragraph:
                numbered.append((line, ""))
            numbered.append((line, "    " * len(markers) + words))
            markers.append(indent)
            in_paragraph = False
        else:
            while after_blank and markers and indent < markers[-1] + 2:
                markers.pop()
            numbered.append((line, "    " * len(markers) + words))
            in_paragraph = not markers
        after_blank = False
    return numbered


def _line_of(target: str, source: str, line: int) -> int:
    """The line of a link's target; the first line when Markdown has rewritten the target."""
    position = source.find(target)
    return line + (source.count("\n", 0, position) if position > 0 else 0)
