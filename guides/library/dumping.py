"""Writes a library to a folder of files that `load_content` reads back without loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from guides.library.entries import Library, PatternEntry, TextEntry, as_file


def dump_library(library: Library, root: Path) -> int:
    """Write each entry of `library` to its file below `root`; returns the number of files."""
    count = 0
    for entry in library.entries():
        if isinstance(entry, PatternEntry):
            continue  # it is written with its article
        path = root / entry.key
        path.parent.mkdir(parents=True, exist_ok=True)
        head = as_yaml(as_file(entry))
        text = f"---\n{head}---\n{entry.body}\n" if isinstance(entry, TextEntry) else head
        path.write_text(text, encoding="utf-8", newline="\n")
        count += 1
    return count


def as_yaml(content: dict[str, Any]) -> str:
    """YAML with keys in their order, without escapes of letters and without folded lines."""
    return yaml.dump(
        content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=False
    )


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block, and never an anchor."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  PyYAML's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
