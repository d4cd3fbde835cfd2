"""Taking a folder of autoconfig files into the database: all of it or nothing, and twice the same changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from guides.content.ispdb_reading import ReadFile, lines_of, read_folder
from guides.library_cache import raise_version
from guides.mail.accounts import AuthMethod, Server
from guides.models import IspdbDomain, IspdbEntry, IspdbServer, ProviderDomain

BATCH = 500  # rows in one statement


class Verdict(StrEnum):
    """What became of a file, or of an entry that no file stands for any more."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT = "kept"  # staff changed the entry
    REFUSED = "refused"
    PRUNED = "pruned"


@dataclass
class Report:
    """What an import did: file by file, in words for the operator's terminal."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)  # entries of earlier imports that are in no file

    def note(self, file: ReadFile, verdict: Verdict, *more: str) -> None:
        """What became of a file."""
        self.verdicts[file.name] = verdict
        self.lines[file.name] = [*lines_of(file), *more]

    def __iter__(self) -> Iterator[str]:
        for name, verdict in self.verdicts.items():
            yield f"{name}: {verdict}"
            yield from (f"  {line}" for line in self.lines.get(name, []))

    @property
    def summary(self) -> str:
        """One line."""
        counts = Counter(self.verdicts.values())
        return "Files: " + ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])


@transaction.atomic
def import_folder(folder: Path, *, prune: bool = False) -> Report:
    """Take a folder's files. With `prune`, what earlier imports took from other files goes, unless staff changed it.

    Raises NotAFolderError; then nothing has changed.
    """
    files = read_folder(folder, settings.ALLOWED_SUFFIXES)
    return _Import(files, prune=prune).run()


class _Import:
    """One import."""

    def __init__(self, files: list[ReadFile], *, prune: bool) -> None:
        self.files = files
        self.prune = prune
        self.report = Report()
        entries = IspdbEntry.objects.select_for_update().prefetch_related("domains", "servers")
        self.entries = {entry.source: entry for entry in entries}
        kept = (entry for entry in self.entries.values() if entry.is_kept)
        self.staffs = {row.domain: entry.source for entry in kept for row in entry.domains.all()}
        self.table = frozenset(ProviderDomain.objects.values_list("domain", flat=True))

    def run(self) -> Report:
        """Judge each file against what is stored, then write."""
        wanted = []
        for file in map(self._without_staffs, self.files):
            entry = self.entries.get(file.name)
            if entry and entry.is_kept:
                self.report.note(file, Verdict.KEPT, "staff changed this entry: it stays as it is")
            elif file.refused:
                more = ["what an earlier import took from it stays"] if entry else []
                self.report.note(file, Verdict.REFUSED, *more)
            else:
                said = _said(file)
                verdict = Verdict.NEW if entry is None else Verdict.CHANGED
                unchanged = entry is not None and said == _stored(entry)
                self.report.note(file, Verdict.UNCHANGED if unchanged else verdict, *self._table_notes(file))
                if not unchanged:
                    wanted.append(said)
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
        """Entries that no file of this folder stands for."""
        names = {file.name for file in self.files}
        for source in sorted(self.entries.keys() - names):
            if self.prune and not self.entries[source].is_kept:
                self.entries[source].delete()
                self.report.verdicts[source] = Verdict.PRUNED
            else:
                self.report.left_over.append(source)

    def _write(self, wanted: list[_Said]) -> None:
        sources = [said.source for said in wanted]
        for chunk in _chunks([domain for said in wanted for domain in said.domains]):
            IspdbDomain.objects.filter(domain__in=chunk).delete()  # an entry that is in no file may have had it
        for chunk in _chunks(sources):
            IspdbDomain.objects.filter(entry__source__in=chunk).delete()
            IspdbServer.objects.filter(entry__source__in=chunk).delete()
        fresh = [said for said in wanted if said.source not in self.entries]
        made = IspdbEntry.objects.bulk_create([IspdbEntry(source=said.source, **said.columns()) for said in fresh])
        entry_of = {**self.entries, **{entry.source: entry for entry in made}}
        for said in wanted:
            if said.source in self.entries:
                entry = self.entries[said.source]
                for column, value in {**said.columns(), "version": entry.version + 1}.items():
                    setattr(entry, column, value)
                entry.save()
        IspdbDomain.objects.bulk_create(
            [IspdbDomain(entry=entry_of[said.source], domain=domain) for said in wanted for domain in said.domains],
            batch_size=BATCH,
        )
        IspdbServer.objects.bulk_create(
            [row for said in wanted for row in said.rows(entry_of[said.source])], batch_size=BATCH
        )
        raise_version()


@dataclass(frozen=True)
class _Said:
    """What an entry says, wherever it is written down."""

    source: str
    name: str
    must_enable: bool
    enable_url: str
    help_url: str
    domains: tuple[str, ...]
    servers: tuple[Server, ...]

    def columns(self) -> dict[str, Any]:
        """The entry's own row."""
        return {key: getattr(self, key) for key in ("name", "must_enable", "enable_url", "help_url")}

    def rows(self, entry: IspdbEntry) -> Iterator[IspdbServer]:
        """The servers' rows."""
        for position, server in enumerate(self.servers):
            yield IspdbServer(
                entry=entry,
                protocol=server.protocol,
                host=server.host,
                port=server.port,
                security=server.security,
                username=server.username,
                password_login=AuthMethod.PASSWORD in server.auth,
                oauth2_login=AuthMethod.OAUTH2 in server.auth,
                position=position,
            )


def _said(file: ReadFile) -> _Said:
    servers = tuple(replace(server, auth=_in_order(server.auth)) for server in file.servers)
    return _Said(
        source=file.name,
        name=file.display_name,
        must_enable=file.must_enable,
        enable_url=file.enable_url,
        help_url=file.help_url,
        domains=tuple(sorted(file.domains)),
        servers=servers,
    )


def _stored(entry: IspdbEntry) -> _Said:
    return _Said(
        source=entry.source,
        name=entry.name,
        must_enable=entry.must_enable,
        enable_url=entry.enable_url,
        help_url=entry.help_url,
        domains=tuple(sorted(row.domain for row in entry.domains.all())),
        servers=tuple(row.as_server() for row in entry.servers.all()),
    )


def _in_order(auth: tuple[AuthMethod, ...]) -> tuple[AuthMethod, ...]:
    """The provider's own window before a password, as rows keep it."""
    return tuple(method for method in (AuthMethod.OAUTH2, AuthMethod.PASSWORD) if method in auth)


def _chunks(items: list[str]) -> Iterator[list[str]]:
    yield from (items[start : start + BATCH] for start in range(0, len(items), BATCH))
