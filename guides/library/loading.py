"""Writes a checked `Library` into the database, and leaves alone what staff changed.

Three states are compared by their fingerprints: the file, the row, and what was loaded last (`LoadedEntry`). A row is
replaced only while it has the content that was loaded; an entry whose row staff deleted is not made again.
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

from guides.library import entries
from guides.library.checks import check_library, known_rows
from guides.library.compiling import compile_into
from guides.library.merging import withdraw_merged
from guides.library.reading import SHIPPED, read_library
from guides.library.rows import PARTS, StoredLibrary, columns, model_of, part_rows, references
from guides.library_cache import raise_version
from guides.markup import MarkupError
from guides.models import ErrorPattern, LoadedEntry
from guides.models.texts import Text
from guides.search import index

Origin = LoadedEntry.Origin
Claim = tuple[str, str]  # the kind of a name that one entry only can have, and the name


class EntryOutcome(StrEnum):
    """The outcome of loading an entry."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"  # staff changed it, or gave its client another guide
    DELETED = "deleted"  # staff deleted it, or an entry that it refers to
    WITHDRAWN = "withdrawn"  # the library dropped it


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How many entries had each outcome, and a sentence for each that was not simply loaded."""

    counts: Counter[EntryOutcome] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counted = [f"{self.counts[outcome]} {outcome}" for outcome in EntryOutcome if self.counts[outcome]]
        return f"Library: {', '.join(counted) or 'nothing to load'}."


def load_folder(path: Path, *, overwrite: bool = False) -> LoadReport:
    """Read, check and load a folder. Raises LibraryError with all faults; then nothing has changed."""
    library, faults = read_library(path)
    checked = check_library(library, known_rows().and_files({fault.file for fault in faults}))
    if faults or checked.faults:
        raise entries.LibraryError([*faults, *checked.faults])
    source = Origin.SHIPPED if path.resolve() == SHIPPED else Origin.FOLDER
    return load(library, checked.compiled, source=source, overwrite=overwrite)


def load(
    library: entries.Library, compiled: dict[str, list[Any]], *, source: Origin, overwrite: bool = False
) -> LoadReport:
    """Load a library without faults, with its compiled texts and their search index, in one transaction."""
    with transaction.atomic(), index.gathered():
        return _Load(library, compiled, source, overwrite).run()


class _Load:
    """One load."""

    def __init__(
        self, library: entries.Library, compiled: dict[str, list[Any]], source: Origin, overwrite: bool
    ) -> None:
        self.library = library
        self.compiled = compiled
        self.source = source
        self.overwrite = overwrite
        self.report = LoadReport()
        stored = StoredLibrary()
        loaded = dict(LoadedEntry.objects.filter(source=source).values_list("key", "fingerprint"))
        merged, notes = withdraw_merged(library, stored, loaded)
        self.report.notes.extend(notes)
        if merged:
            self.report.counts[EntryOutcome.WITHDRAWN] += len(merged)
            raise_version()
            stored = StoredLibrary()
        self.rows = stored.row_of
        self.stored = stored.library
        self.current = {entry.key: entries.fingerprint(entry) for entry in stored.library.entries()}
        self.loaded: dict[str, dict[str, str]] = {}  # fingerprints of the last loads, by key and source
        for each in LoadedEntry.objects.all():
            self.loaded.setdefault(each.key, {})[each.source] = each.fingerprint

    def run(self) -> LoadReport:
        free = {entry.key for entry in self.library.entries() if self._is_free(entry)}
        claims = self._claims(free)
        changed: list[entries.Entry] = []
        settled: dict[str, str] = {}
        for entry in self.library.entries():
            if entry.key in self.rows and entry.key not in free:
                self._keep(entry)
                continue
            if isinstance(entry, entries.GuideEntry) and _claims_of(entry) & claims:
                self.report.counts[EntryOutcome.KEPT] += 1
                self.report.notes.append(f"{entry.key}: not loaded, because staff wrote a guide about {entry.client}")
                continue
            entry = self._without_claims(entry, claims)
            settled[entry.key] = entries.fingerprint(entry)
            if settled[entry.key] != self.current.get(entry.key):
                changed.append(entry)
            else:
                self.report.counts[EntryOutcome.UNCHANGED] += 1
        self._clear(changed)
        for entry in changed:
            if not self._write(entry):
                del settled[entry.key]
        self._withdraw(free)
        self._remember(settled)
        self._refresh_compiled({entry.key for entry in changed}, settled)
        return self.report

    # --- the plan -------------------------------------------------------------------------------

    def _is_free(self, entry: entries.Entry) -> bool:
        """Whether the row of an entry may be replaced because it holds nothing that staff wrote."""
        loaded = self.loaded.get(entry.key, {})
        # A folder that an operator names may replace the portal's own content, but not the other way round.
        bases = set(loaded.values()) if self.source == Origin.FOLDER else {loaded.get(self.source)}
        current = self.current.get(entry.key)
        return self.overwrite or current in bases or current == entries.fingerprint(entry)

    def _claims(self, free: set[str]) -> set[Claim]:
        """The unique names of entries that are not in this load or that staff changed."""
        return {claim for entry in self.stored.entries() if entry.key not in free for claim in _claims_of(entry)}

    def _without_claims(self, entry: entries.Entry, claims: set[Claim]) -> entries.Entry:
        taken = {name for _kind, name in _claims_of(entry) & claims}
        if not taken:
            return entry
        self.report.notes.append(f"{entry.key}: staff gave {', '.join(sorted(taken))} to another entry; left there")
        return _without(entry, claims)

    def _keep(self, entry: entries.Entry) -> None:
        self.report.counts[EntryOutcome.KEPT] += 1
        news = entries.fingerprint(entry) != self.loaded.get(entry.key, {}).get(self.source)
        hint = ", and its file has news (--overwrite takes the file)" if news else ""
        self.report.notes.append(f"{entry.key}: kept as staff changed it{hint}")

    # --- the writing ----------------------------------------------------------------------------

    def _clear(self, changed: Iterable[entries.Entry]) -> None:
        """Delete the parts of all rows that will change before any is written, so that a domain can move."""
        for entry in changed:
            if row := self.rows.get(entry.key):
                for part in PARTS.get(type(entry), {}).values():
                    part.model._default_manager.filter(**{part.owner: row}, **part.same).delete()

    def _write(self, entry: entries.Entry) -> bool:
        row = self.rows.get(entry.key)
        deleted = row is None and not self.overwrite and self.source in self.loaded.get(entry.key, {})
        foreign_keys = self._foreign_keys(entry)
        if deleted or foreign_keys is None:
            self.report.counts[EntryOutcome.DELETED] += 1
            if foreign_keys is not None:  # else there is a note already, about the entry that it refers to
                self.report.notes.append(f"{entry.key}: not loaded, because staff deleted it")
            return False
        values = {**columns(entry), **foreign_keys}
        if isinstance(entry, entries.TextEntry):
            values["compiled"] = self.compiled[entry.key]
        if row is None:
            self.report.counts[EntryOutcome.CREATED] += 1
            row = self.rows[entry.key] = model_of(entry)._default_manager.create(**values)
        else:
            self.report.counts[EntryOutcome.UPDATED] += 1
            for column, value in values.items():
                setattr(row, column, value)
            row.version = F("version") + 1  # type: ignore[attr-defined]  # a form that is open notices the change
            row.save()
        rows: dict[type[models.Model], list[models.Model]] = {}
        for _item, part in part_rows(entry, row):
            rows.setdefault(type(part), []).append(part)
        for model, parts in rows.items():
            model._default_manager.bulk_create(parts)
        raise_version()
        return True

    def _foreign_keys(self, entry: entries.Entry) -> dict[str, models.Model | None] | None:
        """The rows that an entry refers to, by column; None when one of them is missing."""
        wanted = references(entry)
        if not self.rows.keys() >= set(wanted.values()) - {""}:
            return None
        return {column: self.rows.get(key) for column, key in wanted.items()}

    def _withdraw(self, free: set[str]) -> None:
        """Remove patterns that this source loaded, staff did not change, and the article's file no longer has."""
        articles = {article.slug for article in self.library.articles if article.key in free}
        wanted = {pattern.key for pattern in self.library.patterns}
        for pattern in self.stored.patterns:
            untouched = self.loaded.get(pattern.key, {}).get(self.source) == self.current[pattern.key]
            if pattern.article in articles and pattern.key not in wanted and untouched:
                ErrorPattern.objects.filter(name=pattern.name).delete()
                LoadedEntry.objects.filter(key=pattern.key).delete()
                self.report.counts[EntryOutcome.WITHDRAWN] += 1

    def _remember(self, settled: dict[str, str]) -> None:
        news = [
            LoadedEntry(source=self.source, key=key, fingerprint=mark)
            for key, mark in settled.items()
            if self.loaded.get(key, {}).get(self.source) != mark
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


def _claims_of(entry: entries.Entry) -> set[Claim]:
    return {(kind, name) for kind, name, _key in entries.unique_names(entry)}


def _without(entry: entries.Entry, claims: set[Claim]) -> entries.Entry:
    kept: dict[str, Any] = {}
    for kind, name, key in entries.unique_names(entry):
        field_name = key.partition(".")[0]
        kept[field_name] = (*kept.get(field_name, ()), *([] if (kind, name) in claims else [name]))
    return replace(entry, **kept)
