"""Reads a folder of files as a `Library`, and lists the faults of all files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from guides.library.entries import (
    ArticleEntry,
    ClientEntry,
    Entry,
    FileFault,
    GuideEntry,
    Library,
    LibraryError,
    NoticeEntry,
    ProviderEntry,
    TextEntry,
    TextFolder,
)
from guides.library.yaml_format import read_yaml
from guides.models.texts import Language

SHIPPED = Path(__file__).resolve().parent
_LANGUAGES = ", ".join(Language.values)
E = TypeVar("E", bound=Entry)


def read_library(root: Path) -> tuple[Library, list[FileFault]]:
    """Read every file below `root`; a folder that is missing is an empty one.

    Returns the entries that could be read, and the faults of the others. Raises LibraryError when `root` is no folder.
    """
    if not root.is_dir():
        raise LibraryError([FileFault(str(root), 1, "there is no such folder")])
    reading = _Reading(root)
    reading.everything()
    found = reading.found
    library = Library(
        providers=_of_kind(ProviderEntry, found),
        clients=_of_kind(ClientEntry, found),
        guides=_of_kind(GuideEntry, found),
        articles=_of_kind(ArticleEntry, found),
        texts=_of_kind(TextEntry, found),
    )
    return library, reading.faults


def _of_kind(kind: type[E], entries: list[Entry]) -> tuple[E, ...]:
    return tuple(entry for entry in entries if isinstance(entry, kind))


class _Reading:
    """One pass over a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[FileFault] = []
        self.found: list[Entry] = []

    def everything(self) -> None:
        folders = {
            "providers": self._providers,
            "clients": self._clients,
            "guides": self._guides,
            "errors": self._errors,
        }
        for path in _visible(self.root):
            if path.suffix == ".py" or path.name in ("__pycache__", "public"):
                continue  # the portal's own content stands beside this module, and public tables' facts
            if path.name in folders and path.is_dir():
                folders[path.name](path)
            else:
                self._unexpected(path, f"the library holds {', '.join(folders)} only")

    def _providers(self, folder: Path) -> None:
        for path in _visible(folder):
            slug, _dot, language = path.stem.rpartition(".")
            if path.suffix == ".yaml":
                self._yaml(ProviderEntry, path)
            elif path.suffix == ".md" and slug and language in Language.values:
                if not (folder / f"{slug}.yaml").exists():
                    self._fault(path, f"there is no {slug}.yaml beside it")
                self._text(NoticeEntry, path, TextFolder.PROVIDERS, slug, language)
            else:
                self._unexpected(path, f"<slug>.yaml or <slug>.<language>.md is expected; languages: {_LANGUAGES}")

    def _clients(self, folder: Path) -> None:
        for path in _visible(folder):
            if path.suffix == ".yaml":
                self._yaml(ClientEntry, path)
            else:
                self._unexpected(path, "<slug>.yaml is expected")

    def _guides(self, folder: Path) -> None:
        for home in self._homes(folder, "guide.yaml"):
            self._yaml(GuideEntry, home / "guide.yaml", slug=home.name)
            self._texts(home, TextFolder.GUIDES, "guide.yaml")

    def _errors(self, folder: Path) -> None:
        for home in self._homes(folder, "article.yaml"):
            self._yaml(ArticleEntry, home / "article.yaml", slug=home.name)
            self._texts(home, TextFolder.ERRORS, "article.yaml")

    def _homes(self, folder: Path, head: str) -> Iterator[Path]:
        for home in _visible(folder):
            if not home.is_dir():
                self._unexpected(home, f"<slug>/{head} is expected")
            elif not (home / head).exists():
                self._fault(home / head, "the file is missing")
            else:
                yield home

    def _texts(self, home: Path, folder: TextFolder, head: str) -> None:
        for path in _visible(home):
            if path.name == head:
                continue
            if path.suffix == ".md" and path.stem in Language.values:
                self._text(TextEntry, path, folder, home.name, path.stem)
            else:
                self._unexpected(path, f"{head} or <language>.md is expected; languages: {_LANGUAGES}")

    def _yaml(self, kind: type[Entry], path: Path, **given: Any) -> None:
        source = self._source(path)
        if source is not None:
            self._read(kind, source, path, **given)

    def _text(self, kind: type[TextEntry], path: Path, folder: TextFolder, parent: str, language: str) -> None:
        source = self._source(path)
        if source is None:
            return
        lines = source.split("\n")
        ends = (number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---")
        end = next(ends, None)
        if lines[0].rstrip() != "---" or end is None:
            self._fault(path, "a text starts with a head between two lines of three hyphens")
            return
        first = next((number for number in range(end + 1, len(lines)) if lines[number].strip()), end + 1)
        body = "\n".join(lines[first:]).rstrip()
        head = "\n".join(lines[1:end])
        in_path = {"folder": folder, "parent": parent, "language": Language(language)}
        self._read(kind, head, path, line=2, **in_path, body=body, body_line=first + 1)

    def _read(self, kind: type[Entry], source: str, path: Path, **given: Any) -> None:
        entry = read_yaml(kind, source, str(path), self.faults, **given)
        if entry is not None:
            self.found.append(entry)

    def _source(self, path: Path) -> str | None:
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            self.faults.append(FileFault(str(path), line, "the file is not UTF-8"))
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _fault(self, path: Path, what: str) -> None:
        self.faults.append(FileFault(str(path), 1, what))

    def _unexpected(self, path: Path, what: str) -> None:
        self._fault(path, f"no file of the library: {what}")


def _visible(folder: Path) -> list[Path]:
    """The contents of a folder without hidden files and README.md."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "README.md")
