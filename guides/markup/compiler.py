"""Compiling the source of a text into nodes, or finding all its faults."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Any

from guides.markup import combinations
from guides.markup.blocks import Block, BlockReader, Code, DialogRow, Heading, If, Node, Prose
from guides.markup.faults import FaultLog, MarkupError
from guides.markup.inline import InlineRenderer, technical_placeholders
from guides.markup.vocabulary import BOXES, ROWS_WITH_VALUE, condition_words

MOST_BYTES = 100_000

_ONE_PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_HIDDEN_COLON = '<span class="visually-hidden">: </span>'


def compile_text(
    source: str, *, versions: Collection[str] = (), providers: Collection[str] = (), require_steps: bool = True
) -> list[Any]:
    """Compile a text into nodes for `fill`, which can be stored as JSON.

    `versions` and `providers` are the slugs that conditions may use. With `require_steps`, a combination of conditions
    that shows no step is a fault. Raises MarkupError with all faults.
    """
    log = FaultLog()
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    _judge_characters(source, log)
    if log:
        raise MarkupError(log.faults)
    words = condition_words(versions, providers)
    tree = BlockReader(words, log).read(source)
    if any(fault.code == "too_nested" for fault in log.faults):
        raise MarkupError(log.faults)
    well_formed = not log
    _judge_ids(tree, {}, log)
    nodes = _Compiler(log).nodes(tree)
    if well_formed:
        combinations.check(tree, words, log, require_steps=require_steps)
    if log:
        raise MarkupError(log.faults)
    return nodes


def _judge_characters(source: str, log: FaultLog) -> None:
    """Record characters that cannot be stored or shown, and the private-use ones that represent placeholders."""
    if len(source) > MOST_BYTES or len(source.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        log.add(1, "too_long", most=str(MOST_BYTES // 1000))
        return
    refused = {char for char in set(source) - {"\n", "\t"} if unicodedata.category(char) in ("Cc", "Co", "Cs")}
    if refused:
        for line, text in enumerate(source.split("\n"), 1):
            for char in sorted(refused.intersection(text)):
                log.add(line, "character", character=f"U+{ord(char):04X}")


def _judge_ids(nodes: Iterable[Node], used: dict[str, int], log: FaultLog) -> None:
    """Record ids that are used twice, except in different branches of one `if`. Adds to `used`."""
    for node in nodes:
        if isinstance(node, If):
            after = [dict(used) for _ in node.branches]
            for branch, seen in zip(node.branches, after, strict=True):
                _judge_ids(branch.children, seen, log)
            for seen in after:
                used |= seen
        if isinstance(node, Heading | Block) and node.ident:
            if node.ident in used:
                log.add(node.line, "double_id", name=node.ident, first=str(used[node.ident]))
            else:
                used[node.ident] = node.line
        if isinstance(node, Block):
            _judge_ids(node.children, used, log)


class _Compiler:
    """Converts the tree of blocks into nodes."""

    def __init__(self, log: FaultLog) -> None:
        self.log = log
        self.inline = InlineRenderer(log)

    def nodes(self, tree: Sequence[Node]) -> list[Any]:
        """The nodes of some blocks; adjacent strings are joined."""
        return _joined([part for node in tree for part in self._node(node)])

    def _node(self, node: Node) -> list[Any]:
        if isinstance(node, Prose):
            return self.inline.body(node.source, node.line)
        if isinstance(node, Heading):
            tag = f"h{node.level}"
            title = self.inline.title(node.title, node.line)
            return [f'<{tag} id="{escape(node.ident)}">', *title, f"</{tag}>\n"]
        if isinstance(node, Code):
            return [f"<pre><code>{escape(self.inline.code(node.source, node.line))}</code></pre>\n"]
        if isinstance(node, DialogRow):
            return self._row(node)
        if isinstance(node, If):
            return [{"if": [[branch.condition, self.nodes(branch.children)] for branch in node.branches]}]
        return self._block(node)

    # --- blocks ---------------------------------------------------------------------------------

    def _block(self, block: Block) -> list[Any]:
        content = self.nodes(block.children)
        title = self.inline.title(block.title, block.line) if block.title else []
        if block.name == "steps":
            return _wrap(['<ol class="steps">\n'], content, ["</ol>\n"])
        if block.name == "step":
            before = [f'<li class="step" id="{escape(block.ident)}"><h3>', *title, "</h3>\n"]
            return [*before, *content, "</li>\n"]
        if block.name in BOXES:
            before = [f'<div class="box box-{block.name}" role="note"><p class="box-title">']
            before += [*(title or [{"word": f"box.{block.name}"}]), "</p>\n"]
            return _wrap(before, content, ["</div>\n"])
        if block.name == "details":
            return _wrap(["<details><summary>", *title, "</summary>\n"], content, ["</details>\n"])
        before = ['<figure class="dialog"><figcaption><span class="visually-hidden">', {"word": "dialog.window"}]
        before += [": </span>", *title, '</figcaption>\n<ul class="dialog-rows" role="list">\n']
        return _wrap(before, content, ["</ul></figure>\n"])

    def _row(self, row: DialogRow) -> list[Any]:
        start = f'<li class="row row-{row.kind}">'
        label = self.inline.title(row.label, row.line)
        wrong: list[Any] = []
        for choice in row.wrong:
            wrong += [' <span class="wrong"><span class="wrong-mark">', {"word": "dialog.not"}, "</span> "]
            wrong += [*self.inline.title(choice, row.line), "</span>"]
        if row.kind in ROWS_WITH_VALUE and not row.wrong and (only := _ONE_PLACEHOLDER.fullmatch(row.value)):
            wrong.append({"wrong": only[1]})
        if row.kind == "text":
            return [start, *label, "</li>\n"]
        if row.kind == "button":
            before = [
                '<span class="visually-hidden">',
                {"word": "dialog.button"},
                ': </span><span class="dialog-button">',
            ]
            return [start, *before, *label, "</span>", *wrong, "</li>\n"]
        if row.kind in ("tick", "untick"):
            hint = [_HIDDEN_COLON, ' <span class="row-hint">', {"word": f"dialog.{row.kind}"}, "</span>"]
            mark = '<span class="mark" aria-hidden="true"></span><span class="row-label">'
            return [start, mark, *label, "</span>", *hint, "</li>\n"]
        start += '<span class="row-label">'
        value = self._value(row, label)
        return [start, *label, _HIDDEN_COLON, '</span> <span class="row-value">', *value, *wrong, "</span></li>\n"]

    def _value(self, row: DialogRow, label: list[Any]) -> list[Any]:
        value = self.inline.title(row.value, row.line)
        technical = list(technical_placeholders(value))
        if row.kind == "secret":
            for name in technical:
                self.log.add(row.line, "value_in_secret", name=name)
            dots = '<span class="dots" aria-hidden="true">••••••••</span> <span class="row-hint">'
            return [dots, {"word": "dialog.secret"}, " ", *value, "</span>"]
        if row.kind == "field" and len(technical) == 1:
            value.append({"copy": technical[0], "label": _joined(label)})
        return value


def _wrap(before: list[Any], content: list[Any], after: list[Any]) -> list[Any]:
    return [{"wrap": [_joined(before), content, after]}]


def _joined(parts: list[Any]) -> list[Any]:
    """The parts with adjacent strings joined, which makes `fill` faster."""
    joined: list[Any] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined
