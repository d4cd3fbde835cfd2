"""From a checked `Library` into the database: what is new, what changed, and what staff have made their own.

Three states are compared by their fingerprints: the file, the row, and what was loaded last (`LoadedEntry`).
A row is replaced only while it looks as it was loaded; an entry whose row staff deleted is not made again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.db import models, transaction
from django.db.models import F

from guides.content import index
from guides.content.compile import compile_into
from guides.content.library import (
    ArticleEntry,
    Entry,
    GuideEntry,
    Library,
    LibraryError,
    PatternEntry,
    ProviderEntry,
    TextEntry,
    fingerprint,
)
from guides.content.library_checks import check_library, known_rows
from guides.content.library_reading import SHIPPED, read_library
from guides.content.library_rows import CHILDREN, TEXT_MODELS, children, columns, model_of
from guides.content.library_shelves import Shelves
from guides.library_cache import raise_version
from guides.markup import MarkupError
from guides.models import ErrorPattern, LoadedEntry
from guides.models.texts import Text

Source = LoadedEntry.Source


class Verdict(StrEnum):
    """What became of an entry."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"  # staff changed it, or made something that stands in its way
    DELETED = "deleted"  # staff deleted it, or something that it needs
    WITHDRAWN = "withdrawn"  # the library dropped it


@dataclass(frozen=True, slots=True)
class Report:
    """How a load went."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        said = [f"{self.counts[verdict]} {verdict}" for verdict in Verdict if self.counts[verdict]]
        return f"Library: {', '.join(said) or 'nothing to load'}."


def load_folder(path: Path, *, overwrite: bool = False) -> Report:
    """Read, check and load a folder. Raises LibraryError with everything that is wrong; then nothing has changed."""
    library, faults = read_library(path)
    checked = check_library(library, known_rows().and_files({fault.file for fault in faults}))
    if faults or checked.faults:
        raise LibraryError([*faults, *checked.faults])
    source = Source.SHIPPED if path.resolve() == SHIPPED else Source.FOLDER
    return load(library, checked.compiled, source=source, overwrite=overwrite)


def load(library: Library, compiled: dict[str, list[Any]], *, source: Source, overwrite: bool = False) -> Report:
    """Load a library that `check_library` found right, with its compiled texts and their index, in one transaction."""
    with transaction.atomic(), index.gathered():
        return _Load(library, compiled, source, overwrite).run()


class _Load:
    """One load, from the plan to the report."""

    def __init__(self, library: Library, compiled: dict[str, list[Any]], source: Source, overwrite: bool) -> None:
        self.library = library
        self.compiled = compiled
        self.source = source
        self.overwrite = overwrite
        shelves = Shelves()
        self.rows = shelves.row_of
        self.shelf = shelves.library
        self.current = {entry.key: fingerprint(entry) for entry in shelves.library.entries()}
        self.ledger: dict[str, dict[str, str]] = {}
        for each in LoadedEntry.objects.all():
            self.ledger.setdefault(each.key, {})[each.source] = each.fingerprint
        self.report = Report()

    def run(self) -> Report:
        free = {entry.key for entry in self.library.entries() if self._is_free(entry)}
        claims = self._claims(free)
        changed: list[Entry] = []
        settled: dict[str, str] = {}
        for entry in self.library.entries():
            if entry.key in self.rows and entry.key not in free:
                self._keep(entry)
                continue
            if isinstance(entry, GuideEntry) and ("guide", entry.client) in claims:
                self.report.counts[Verdict.KEPT] += 1
                self.report.notes.append(f"{entry.key}: not loaded, because staff wrote a guide about {entry.client}")
                continue
            entry = self._without_claims(entry, claims)
            settled[entry.key] = fingerprint(entry)
            if settled[entry.key] != self.current.get(entry.key):
                changed.append(entry)
            else:
                self.report.counts[Verdict.UNCHANGED] += 1
        self._clear(changed)
        for entry in changed:
            if not self._write(entry):
                del settled[entry.key]
        self._withdraw(free)
        self._remember(settled)
        self._refresh_compiled({entry.key for entry in changed}, settled)
        return self.report

    # --- the plan -------------------------------------------------------------------------------

    def _is_free(self, entry: Entry) -> bool:
        """Whether the row of an entry holds nothing that staff wrote."""
        loaded = self.ledger.get(entry.key, {})
        # A folder that an operator names may replace what the portal brought along, but not the other way round.
        bases = set(loaded.values()) if self.source == Source.FOLDER else {loaded.get(self.source)}
        current = self.current.get(entry.key)
        return self.overwrite or current in bases or current == fingerprint(entry)

    def _claims(self, free: set[str]) -> set[tuple[str, str]]:
        """Names that only one entry can have and that one outside this load, or changed by staff, has."""
        foreign = [entry for entry in self.shelf.entries() if entry.key not in free]
        return {name for entry in foreign for name in _names(entry)}

    def _without_claims(self, entry: Entry, claims: set[tuple[str, str]]) -> Entry:
        taken = {name for kind, name in set(_names(entry)) & claims}
        if not taken:
            return entry
        self.report.notes.append(f"{entry.key}: staff gave {', '.join(sorted(taken))} to another entry; left there")
        return _without(entry, claims)

    def _keep(self, entry: Entry) -> None:
        self.report.counts[Verdict.KEPT] += 1
        news = fingerprint(entry) != self.ledger.get(entry.key, {}).get(self.source)
        hint = ", and its file has news (--overwrite takes the file)" if news else ""
        self.report.notes.append(f"{entry.key}: kept as staff changed it{hint}")

    # --- the writing ----------------------------------------------------------------------------

    def _clear(self, changed: Iterable[Entry]) -> None:
        """Remove the parts of rows that will change, all before any is written, so that a domain can move."""
        for entry in changed:
            row = self.rows.get(entry.key)
            if row is not None and type(row) in CHILDREN:
                parent, kinds = CHILDREN[type(row)]
                for kind in kinds:
                    kind._default_manager.filter(**{parent: row}).delete()

    def _write(self, entry: Entry) -> bool:
        row = self.rows.get(entry.key)
        deleted = row is None and not self.overwrite and self.source in self.ledger.get(entry.key, {})
        references = self._references(entry)
        if deleted or references is None:
            self.report.counts[Verdict.DELETED] += 1
            if references is not None:  # else what it belongs to has said so already
                self.report.notes.append(f"{entry.key}: not loaded, because staff deleted it")
            return False
        values = {**columns(entry), **references}
        if isinstance(entry, TextEntry):
            values["compiled"] = self.compiled[entry.key]
        if row is None:
            self.report.counts[Verdict.CREATED] += 1
            row = self.rows[entry.key] = model_of(entry)._default_manager.create(**values)
        else:
            self.report.counts[Verdict.UPDATED] += 1
            for column, value in values.items():
                setattr(row, column, value)
            row.version = F("version") + 1  # type: ignore[attr-defined]  # whoever has it open finds out
            row.save()
        if type(row) in CHILDREN:
            self._write_children(entry, row)
        return True

    def _write_children(self, entry: Entry, row: models.Model) -> None:
        parent, kinds = CHILDREN[type(row)]
        parts = children(entry)
        for part in parts:
            setattr(part, parent, row)
        for kind in kinds:
            kind._default_manager.bulk_create([part for part in parts if type(part) is kind])
        raise_version()

    def _references(self, entry: Entry) -> dict[str, Any] | None:
        """The rows that an entry refers to, by column; None when one is not there any more."""
        wanted: dict[str, str] = {}
        match entry:
            case GuideEntry(client=client) if client:
                wanted["client"] = f"clients/{client}.yaml"
            case PatternEntry():
                wanted["article"] = f"errors/{entry.article}/article.yaml"
                if entry.provider:
                    wanted["provider"] = f"providers/{entry.provider}.yaml"
            case TextEntry():
                wanted[TEXT_MODELS[entry.shelf][1]] = entry.parent_key
        found = {column: self.rows.get(key) for column, key in wanted.items()}
        if None in found.values():
            return None
        absent = {GuideEntry: "client", PatternEntry: "provider"}.get(type(entry))
        return {**({absent: None} if absent else {}), **found}

    def _withdraw(self, free: set[str]) -> None:
        """Remove patterns that this library brought, that nobody changed, and that its article no longer has."""
        articles = {article.slug for article in self.library.articles if article.key in free}
        wanted = {pattern.key for pattern in self.library.patterns}
        for pattern in self.shelf.patterns:
            untouched = self.ledger.get(pattern.key, {}).get(self.source) == self.current[pattern.key]
            if pattern.article in articles and pattern.key not in wanted and untouched:
                ErrorPattern.objects.filter(name=pattern.name).delete()
                LoadedEntry.objects.filter(key=pattern.key).delete()
                self.report.counts[Verdict.WITHDRAWN] += 1

    def _remember(self, settled: dict[str, str]) -> None:
        news = [
            LoadedEntry(source=self.source, key=key, fingerprint=said)
            for key, said in settled.items()
            if self.ledger.get(key, {}).get(self.source) != said
        ]
        LoadedEntry.objects.bulk_create(
            news, update_conflicts=True, unique_fields=["source", "key"], update_fields=["fingerprint"]
        )

    def _refresh_compiled(self, written: set[str], settled: dict[str, str]) -> None:
        """Compile again what was not written: a newer portal may compile the same text into another form."""
        for key, row in self.rows.items():
            if not isinstance(row, Text) or key in written:
                continue
            before = row.compiled
            if settled.get(key) == self.current[key]:
                row.compiled = self.compiled[key]
            else:
                try:
                    compile_into(row)
                except MarkupError as error:
                    self.report.notes.append(f"{key}: shown as before, but its text has a fault: {error}")
                    continue
            if row.compiled != before:
                row.save(update_fields=["compiled"])


def _names(entry: Entry) -> list[tuple[str, str]]:
    """The names of an entry that no other entry of its kind can have as well."""
    match entry:
        case ProviderEntry():
            return [
                *(("domain", name) for name in entry.domains),
                *(("domain suffix", name) for name in entry.domain_suffixes),
                *(("MX suffix", name) for name in entry.mx_suffixes),
            ]
        case ArticleEntry():
            return [("class", name) for name in entry.classes]
        case GuideEntry() if entry.client:
            return [("guide", entry.client)]
        case _:
            return []


def _without(entry: Entry, claims: set[tuple[str, str]]) -> Entry:
    match entry:
        case ProviderEntry():
            return replace(
                entry,
                domains=tuple(name for name in entry.domains if ("domain", name) not in claims),
                domain_suffixes=tuple(name for name in entry.domain_suffixes if ("domain suffix", name) not in claims),
                mx_suffixes=tuple(name for name in entry.mx_suffixes if ("MX suffix", name) not in claims),
            )
        case ArticleEntry():
            return replace(entry, classes=tuple(name for name in entry.classes if ("class", name) not in claims))
        case _:
            return entry
