"""Imports a folder of autoconfig files in one transaction. A second import of the same files changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from guides.library.ispdb_reading import ReadFile, lines_of, read_folder
from guides.library_cache import raise_version
from guides.mail.accounts import AuthMethod
from guides.models import IspdbDomain, IspdbEntry, IspdbServer, ProviderDomain

BATCH = 500  # rows in one statement
_COPIED = ("must_enable", "enable_url", "help_url", "sources", "doubts", "is_doubtful")


class FileOutcome(StrEnum):
    """What became of a file, or of an entry whose file is missing."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT = "kept"  # staff changed the entry
    REFUSED = "refused"
    PRUNED = "pruned"


@dataclass
class ImportReport:
    """The outcome of each file, with lines for the operator's terminal."""

    outcomes: dict[str, FileOutcome] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)  # entries of earlier imports that are in no file

    def note(self, file: ReadFile, outcome: FileOutcome, *more: str) -> None:
        """Record the outcome of a file."""
        self.outcomes[file.name] = outcome
        self.lines[file.name] = [*lines_of(file), *more]

    def __iter__(self) -> Iterator[str]:
        for name, outcome in self.outcomes.items():
            yield f"{name}: {outcome}"
            yield from (f"  {line}" for line in self.lines.get(name, []))

    @property
    def summary(self) -> str:
        """The number of files by outcome, in one line."""
        return f"Files: {self.counted}"

    @property
    def counted(self) -> str:
        """The same without a head."""
        counts = Counter(self.outcomes.values())
        return ", ".join(f"{counts[outcome]} {outcome}" for outcome in FileOutcome if counts[outcome])


@transaction.atomic
def import_folder(folder: Path, *, prune: bool = False) -> ImportReport:
    """Import a folder's files. `prune` deletes entries of files that are not in it, unless staff changed them.

    Raises NotAFolderError; then nothing has changed.
    """
    files = read_folder(folder, settings.ALLOWED_SUFFIXES)
    return _Import(files, prune=prune, shipped=False).run()


@transaction.atomic
def load_shipped(files: list[ReadFile]) -> ImportReport:
    """Load the entries that the portal brings along. Domains that an operator imported or staff changed stay there."""
    return _Import(files, prune=True, shipped=True).run()


class _Import:
    """One import, or one load of what the portal brings along (`shipped`)."""

    def __init__(self, files: list[ReadFile], *, prune: bool, shipped: bool) -> None:
        self.files = files
        self.prune = prune
        self.shipped = shipped
        self.report = ImportReport()
        entries = list(IspdbEntry.objects.select_for_update().prefetch_related("domains", "servers"))
        self.entries = {entry.source: entry for entry in entries if entry.is_shipped == shipped}
        kept = (entry for entry in entries if entry.is_kept or (shipped and not entry.is_shipped))
        self.staffs = {row.domain: entry.source for entry in kept for row in entry.domains.all()}
        self.table = frozenset(ProviderDomain.objects.values_list("domain", flat=True))

    def run(self) -> ImportReport:
        """Compare each file with its entry, then write those that differ."""
        wanted = []
        for file in map(self._without_staffs, self.files):
            entry = self.entries.get(file.name)
            if entry and entry.is_kept:
                self.report.note(file, FileOutcome.KEPT, "staff changed this entry: it stays as it is")
            elif file.refused:
                more = ["what an earlier import took from it stays"] if entry else []
                self.report.note(file, FileOutcome.REFUSED, *more)
            else:
                content = _content(file)
                outcome = FileOutcome.NEW if entry is None else FileOutcome.CHANGED
                unchanged = entry is not None and content == _stored(entry)
                self.report.note(file, FileOutcome.UNCHANGED if unchanged else outcome, *self._table_notes(file))
                if not unchanged:
                    wanted.append(content)
        self._left_over()
        self._write(wanted)
        return self.report

    def _without_staffs(self, file: ReadFile) -> ReadFile:
        """A file without the domains that staff gave to another entry."""
        lost = [domain for domain in file.domains if self.staffs.get(domain, file.name) != file.name]
        if file.refused or not lost:
            return file
        return replace(
            file,
            domains=tuple(domain for domain in file.domains if domain not in lost),
            left_out=(*file.left_out, *(f"domain {domain}: staff gave it to {self.staffs[domain]}" for domain in lost)),
            refused="" if len(lost) < len(file.domains) else "staff gave all its domains to other entries",
        )

    def _table_notes(self, file: ReadFile) -> Iterator[str]:
        known = [domain for domain in file.domains if domain in self.table]
        if known:
            yield f"not used while the provider table has them: {', '.join(known)}"

    def _left_over(self) -> None:
        """Delete or list the entries whose file is not in this folder."""
        names = {file.name for file in self.files}
        for source in sorted(self.entries.keys() - names):
            if self.prune and not self.entries[source].is_kept:
                self.entries[source].delete()
                self.report.outcomes[source] = FileOutcome.PRUNED
            else:
                self.report.left_over.append(source)

    def _write(self, wanted: list[ReadFile]) -> None:
        for chunk in _chunks([domain for file in wanted for domain in file.domains]):
            IspdbDomain.objects.filter(domain__in=chunk).delete()  # an entry that is in no file may have had it
        for chunk in _chunks([file.name for file in wanted]):
            IspdbDomain.objects.filter(entry__source__in=chunk).delete()
            IspdbServer.objects.filter(entry__source__in=chunk).delete()
        fresh = [
            IspdbEntry(source=file.name, is_shipped=self.shipped, **_columns(file))
            for file in wanted
            if file.name not in self.entries
        ]
        made = IspdbEntry.objects.bulk_create(fresh, batch_size=BATCH)
        entry_of = {**self.entries, **{entry.source: entry for entry in made}}
        for file in wanted:
            if file.name in self.entries:
                entry = self.entries[file.name]
                for column, value in {**_columns(file), "version": entry.version + 1}.items():
                    setattr(entry, column, value)
                entry.save()
        IspdbDomain.objects.bulk_create(
            [IspdbDomain(entry=entry_of[file.name], domain=domain) for file in wanted for domain in file.domains],
            batch_size=BATCH,
        )
        servers = [
            IspdbServer(entry=entry_of[file.name], position=position, **IspdbServer.columns_of(server))
            for file in wanted
            for position, server in enumerate(file.servers)
        ]
        IspdbServer.objects.bulk_create(servers, batch_size=BATCH)
        if wanted or FileOutcome.PRUNED in self.report.outcomes.values():
            raise_version()


def _content(file: ReadFile) -> ReadFile:
    """What is stored of a file, in the order of rows."""
    servers = tuple(replace(server, auth=_in_order(server.auth)) for server in file.servers)
    return replace(file, domains=tuple(sorted(file.domains)), servers=servers, left_out=())


def _stored(entry: IspdbEntry) -> ReadFile:
    """The content of the file that an entry was made from."""
    return ReadFile(
        name=entry.source,
        display_name=entry.name,
        domains=tuple(sorted(row.domain for row in entry.domains.all())),
        servers=tuple(row.as_server() for row in entry.servers.all()),
        must_enable=entry.must_enable,
        enable_url=entry.enable_url,
        help_url=entry.help_url,
        sources=entry.sources,
        doubts=entry.doubts,
        is_doubtful=entry.is_doubtful,
    )


def _columns(file: ReadFile) -> dict[str, Any]:
    own = {key: getattr(file, key) for key in _COPIED}
    return {"name": file.display_name, **own}


def _in_order(auth: tuple[AuthMethod, ...]) -> tuple[AuthMethod, ...]:
    """The methods that a row can store, in the row's order."""
    return tuple(method for method in (AuthMethod.OAUTH2, AuthMethod.PASSWORD) if method in auth)


def _chunks(items: list[str]) -> Iterator[list[str]]:
    yield from (items[start : start + BATCH] for start in range(0, len(items), BATCH))
