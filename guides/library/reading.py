"""From a folder of files to a `Library`: which file is what, its head, its body, and everything wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from guides.library.entries import (
    ArticleEntry,
    ClientEntry,
    FileFault,
    GuideEntry,
    Library,
    LibraryError,
    NoticeEntry,
    ProviderEntry,
    Shelf,
    TextEntry,
)
from guides.library.yaml_format import read_yaml
from guides.models.texts import Language

SHIPPED = Path(__file__).resolve().parent
_LANGUAGES = ", ".join(Language.values)
E = TypeVar("E")
T = TypeVar("T", bound=TextEntry)


def read_library(root: Path) -> tuple[Library, list[FileFault]]:
    """Read every file below `root`; folders that are not there are empty.

    Returns what could be read, and what is wrong in the rest. Raises LibraryError when `root` is no folder.
    """
    if not root.is_dir():
        raise LibraryError([FileFault(str(root), 1, "there is no such folder")])
    reading = _Reading(root)
    reading.everything()
    library = Library(
        providers=tuple(reading.providers),
        clients=tuple(reading.clients),
        guides=tuple(reading.guides),
        articles=tuple(reading.articles),
        texts=tuple(reading.texts),
    )
    return library, reading.faults


class _Reading:
    """One pass over a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[FileFault] = []
        self.providers: list[ProviderEntry] = []
        self.clients: list[ClientEntry] = []
        self.guides: list[GuideEntry] = []
        self.articles: list[ArticleEntry] = []
        self.texts: list[TextEntry] = []

    def everything(self) -> None:
        shelves = {
            "providers": self._providers,
            "clients": self._clients,
            "guides": self._guides,
            "errors": self._errors,
        }
        for path in _visible(self.root):
            if path.suffix == ".py" or path.name == "__pycache__":
                continue  # the portal's own library is this package's folder
            if path.name in shelves and path.is_dir():
                shelves[path.name](path)
            else:
                self._unexpected(path, f"the library holds {', '.join(shelves)} only")

    def _providers(self, folder: Path) -> None:
        for path in _visible(folder):
            slug, _dot, language = path.stem.rpartition(".")
            if path.suffix == ".yaml":
                self._keep(self.providers, self._yaml(ProviderEntry, path))
            elif path.suffix == ".md" and slug and language in Language.values:
                if not (folder / f"{slug}.yaml").exists():
                    self._fault(path, f"there is no {slug}.yaml beside it")
                given: dict[str, Any] = {"shelf": Shelf.PROVIDERS, "parent": slug, "language": Language(language)}
                self._keep(self.texts, self._text(NoticeEntry, path, given))
            else:
                self._unexpected(path, f"<slug>.yaml or <slug>.<language>.md is expected; languages: {_LANGUAGES}")

    def _clients(self, folder: Path) -> None:
        for path in _visible(folder):
            if path.suffix == ".yaml":
                self._keep(self.clients, self._yaml(ClientEntry, path))
            else:
                self._unexpected(path, "<slug>.yaml is expected")

    def _guides(self, folder: Path) -> None:
        for home in self._homes(folder, "guide.yaml"):
            self._keep(self.guides, self._yaml(GuideEntry, home / "guide.yaml", slug=home.name))
            self._texts(home, Shelf.GUIDES, "guide.yaml")

    def _errors(self, folder: Path) -> None:
        for home in self._homes(folder, "article.yaml"):
            self._keep(self.articles, self._yaml(ArticleEntry, home / "article.yaml", slug=home.name))
            self._texts(home, Shelf.ERRORS, "article.yaml")

    def _homes(self, folder: Path, head: str) -> Iterator[Path]:
        for home in _visible(folder):
            if not home.is_dir():
                self._unexpected(home, f"<slug>/{head} is expected")
            elif not (home / head).exists():
                self._fault(home / head, "the file is missing")
            else:
                yield home

    def _texts(self, home: Path, shelf: Shelf, head: str) -> None:
        for path in _visible(home):
            if path.name == head:
                continue
            if path.suffix == ".md" and path.stem in Language.values:
                given: dict[str, Any] = {"shelf": shelf, "parent": home.name, "language": Language(path.stem)}
                self._keep(self.texts, self._text(TextEntry, path, given))
            else:
                self._unexpected(path, f"{head} or <language>.md is expected; languages: {_LANGUAGES}")

    def _yaml(self, kind: type[E], path: Path, **given: Any) -> E | None:
        source = self._source(path)
        return None if source is None else read_yaml(kind, source, str(path), self.faults, **given)

    def _text(self, kind: type[T], path: Path, given: dict[str, Any]) -> T | None:
        source = self._source(path)
        if source is None:
            return None
        lines = source.split("\n")
        ends = (number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---")
        end = next(ends, None)
        if lines[0].rstrip() != "---" or end is None:
            self._fault(path, "a text starts with a head between two lines of three hyphens")
            return None
        first = next((number for number in range(end + 1, len(lines)) if lines[number].strip()), end + 1)
        body = "\n".join(lines[first:]).rstrip()
        head = "\n".join(lines[1:end])
        return read_yaml(kind, head, str(path), self.faults, line=2, **given, body=body, body_line=first + 1)

    def _source(self, path: Path) -> str | None:
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            self.faults.append(FileFault(str(path), line, "the file is not UTF-8"))
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    @staticmethod
    def _keep(shelf: list[E], entry: E | None) -> None:
        if entry is not None:
            shelf.append(entry)

    def _fault(self, path: Path, what: str) -> None:
        self.faults.append(FileFault(str(path), 1, what))

    def _unexpected(self, path: Path, what: str) -> None:
        self._fault(path, f"no file of the library: {what}")


def _visible(folder: Path) -> list[Path]:
    """What stands in a folder, without hidden files and without a README for people."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "README.md")
