"""Reads a dataclass of `guides.library.entries` from a YAML document, with the line of each fault.

YAML nodes are read instead of Python objects, because nodes have lines. A text field takes the scalar as it is written,
so `name: 163` is the text “163”; repeated and unknown keys are faults.
"""

from __future__ import annotations

import re
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin

import yaml

from guides.library.entries import FileFault, Where, types_of

E = TypeVar("E")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same reader in C, where PyYAML was built with it
_NULL, _BOOL, _INT = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int"))
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


class _WrongValueError(Exception):
    """A value of a wrong type or form; the reader turns it into a fault."""

    def __init__(self, node: yaml.Node, what: str) -> None:
        super().__init__(what)
        self.line = node.start_mark.line


def read_yaml(
    kind: type[E], source: str, file: str, faults: list[FileFault], *, line: int = 1, **given: Any
) -> E | None:
    """Read one YAML document that starts at `line` of `file` as a `kind`; `given` are the fields from its path.

    Adds to `faults`; returns None when it added any.
    """
    try:
        node = yaml.compose(source, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        faults.append(FileFault(file, line + (mark.line if mark else 0), f"not YAML: {words}"))
        return None
    except yaml.reader.ReaderError as error:
        at = source[: int(error.position)].count("\n") if isinstance(error.position, int) else 0
        faults.append(FileFault(file, line + at, f"not YAML: {error.reason}"))
        return None
    if node is None:
        faults.append(FileFault(file, line, "the file says nothing"))
        return None
    reader = _DocumentReader(file, line, faults)
    before = len(faults)
    entry: E = reader.entry(kind, node, given)
    return entry if len(faults) == before else None


class _DocumentReader:
    """Reads the nodes of one document."""

    def __init__(self, file: str, line: int, faults: list[FileFault]) -> None:
        self.file = file
        self.first = line
        self.faults = faults

    def line(self, node: yaml.Node) -> int:
        return self.first + int(node.start_mark.line)

    def fault(self, line: int, what: str) -> None:
        self.faults.append(FileFault(self.file, line, what))

    def entry(self, kind: type[Any], node: yaml.Node, given: dict[str, Any]) -> Any:
        """An instance of `kind`, or None when something in it is wrong."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(self.line(node), "“key: value” lines are expected here")
            return None
        before = len(self.faults)
        pairs = self._pairs(node)
        lines = {key: self.line(at) for key, (at, _value) in pairs.items()}
        hints = types_of(kind)
        values: dict[str, Any] = dict(given)
        for each in fields(kind):
            if each.name in given or each.metadata.get("aside") or each.metadata.get("in_path"):
                continue
            at, value = pairs.pop(each.name, (None, None))
            if value is None or value.tag == _NULL:
                if each.default is MISSING:
                    self.fault(self.line(at or node), f"{each.name}: a value is missing")
                continue
            try:
                values[each.name] = self._value(each, hints[each.name], value, lines, given)
            except _WrongValueError as error:
                self.fault(self.first + error.line, f"{each.name}: {error}")
        for key in pairs:
            self.fault(lines[key], f"{key}: unknown; the keys here are {', '.join(_keys(kind))}")
        if len(self.faults) > before:
            return None
        return kind(**values, where=Where(self.file, self.line(node), lines))

    def _pairs(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        pairs: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in pairs:
                self.fault(self.line(key), f"{name}: named twice")
            pairs[name] = (key, value)
        return pairs

    def _value(self, each: Field[Any], hint: Any, node: yaml.Node, lines: dict[str, int], given: dict[str, Any]) -> Any:
        if get_origin(hint) is tuple:
            return self._items(each, get_args(hint)[0], node, lines, given)
        if is_dataclass(hint):
            return self.entry(hint, node, {}) if isinstance(hint, type) else None
        return _scalar(hint, node, each.metadata)

    def _items(self, each: Field[Any], hint: Any, node: yaml.Node, lines: dict[str, int], given: dict[str, Any]) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            raise _WrongValueError(node, "a list is expected")
        items = []
        for number, item in enumerate(node.value):
            lines[f"{each.name}.{number}"] = self.line(item)
            if isinstance(hint, type) and is_dataclass(hint):
                inherited = {"article": given["slug"]} if each.metadata.get("own_entries") else {}
                items.append(self.entry(hint, item, inherited))
            else:
                items.append(_scalar(hint, item, {}))
                if items[-1] in items[:-1]:
                    raise _WrongValueError(item, f"{item.value} is named twice")
        return tuple(items)


def _keys(kind: type[Any]) -> list[str]:
    return [f.name for f in fields(kind) if not f.metadata.get("aside") and not f.metadata.get("in_path")]


def _scalar(hint: Any, node: yaml.Node, limits: Any) -> Any:
    if isinstance(hint, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
        raise _WrongValueError(node, "a single value is expected")
    text = str(node.value)
    if hint is bool:
        if node.tag != _BOOL:
            raise _WrongValueError(node, f"true or false is expected, not “{text}”")
        return text.lower() in ("true", "yes", "on")
    if hint is int:
        return _number(node, text, limits)
    if hint is date:
        return _day(node, text)
    if issubclass(hint, Enum):
        if text not in [member.value for member in hint]:
            raise _WrongValueError(node, f"“{text}” is none of {', '.join(member.value for member in hint)}")
        return hint(text)
    return text.strip()


def _number(node: yaml.ScalarNode, text: str, limits: Any) -> int:
    if node.tag != _INT or not _NUMBER.fullmatch(text):
        raise _WrongValueError(node, f"a whole number is expected, not “{text}”")
    if not limits["least"] <= int(text) <= limits["most"]:
        raise _WrongValueError(node, f"{text} is not between {limits['least']} and {limits['most']}")
    return int(text)


def _day(node: yaml.Node, text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _WrongValueError(node, f"a date such as 2026-11-24 is expected, not “{text}”")
