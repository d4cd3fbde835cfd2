"""A backup: a zip file with the rows of each table, the files of DATA_DIR that cannot be made again, and a manifest.

The manifest has the migrations, and size and SHA-256 of each member. Everything is checked before anything is changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from django.conf import settings
from django.db import DatabaseError, connection

from helpdesk.operations import rows

FORMAT = 1
KEPT_FILES = ("secret_key", "uploads")  # of DATA_DIR: the rest is the database, or is made by `prepare`
REPLACED_DAYS = 30  # how long a copy of what a restore replaced is kept
_BEFORE = "before-restore-"
_MANIFEST = "manifest.json"
_NEWER = "was made by a newer version of the portal. Upgrade this one, then restore"
_PIECE = 1 << 20
_UNREADABLE = (BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError)


class ArchiveFault(Exception):  # noqa: N818
    """An archive cannot be written or read; the message says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself."""

    made: str
    database: str
    migrations: frozenset[str]
    members: dict[str, tuple[int, str]]  # name -> size, SHA-256


def write(path: Path) -> Manifest:
    """Write a backup of the running portal. The file appears whole (mode 0600) or not at all. Raises ArchiveFault."""
    if path.exists() or path.is_symlink():
        raise ArchiveFault(f"{path} exists already; a backup overwrites nothing")
    if not path.parent.is_dir():
        raise ArchiveFault(f"{path.parent} is not a folder")
    aside = None
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        with os.fdopen(handle, "wb") as file:
            with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=6) as archive:
                manifest = _fill(archive)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)  # unlike a renaming, this fails when the file exists meanwhile
    except OSError as error:
        raise ArchiveFault(f"{path} cannot be written: {error.strerror or error}") from error
    except rows.NewerDatabase as error:
        raise ArchiveFault(str(error)) from error
    except DatabaseError as error:
        raise ArchiveFault(f"The database cannot be read: {error}") from error
    finally:
        if aside is not None:
            Path(aside).unlink(missing_ok=True)
    return manifest


def _fill(archive: ZipFile) -> Manifest:
    members: dict[str, tuple[int, str]] = {}

    def add(name: str, pieces: Iterable[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with archive.open(name, "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
                digest.update(piece)
                size += len(piece)
        members[name] = size, digest.hexdigest()

    with rows.snapshot():
        migrations = rows.applied_migrations()
        for label, model in rows.stored_models(migrations).items():
            if label not in rows.LEFT_OUT:
                add(f"rows/{label}.jsonl", rows.lines(model))
    for path in _kept_files(Path(settings.DATA_DIR)):
        with suppress(FileNotFoundError), path.open("rb") as source:  # it was deleted this moment
            add(f"files/{path.relative_to(settings.DATA_DIR).as_posix()}", iter(lambda: source.read(_PIECE), b""))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(made, connection.vendor, frozenset(migrations), members)
    stated = {
        "format": FORMAT,
        "made": made,
        "database": manifest.database,
        "migrations": sorted(migrations),
        "members": members,
    }
    archive.writestr(_MANIFEST, json.dumps(stated, indent=1))
    return manifest


def _kept_files(folder: Path) -> Iterator[Path]:
    for name in KEPT_FILES:
        top = folder / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not path.is_symlink():
                yield path


def path_before_restore() -> Path:
    """Where a restore keeps what it replaces."""
    return Path(settings.DATA_DIR, f"{_BEFORE}{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.zip")


def forget_replaced() -> int:
    """Delete what restores replaced REPLACED_DAYS ago; returns how many."""
    oldest = time.time() - REPLACED_DAYS * 86400
    old = [file for file in Path(settings.DATA_DIR).glob(f"{_BEFORE}*.zip") if file.stat().st_mtime < oldest]
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


class Archive:
    """An archive that was checked whole. Raises ArchiveFault when it is none, is damaged, or of a newer version."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ArchiveFault(f"{path} is not a file")
        try:
            self._zip = ZipFile(path)
            stated = json.loads(self._zip.read(_MANIFEST))
            newer = stated["format"] > FORMAT
            self.manifest = _manifest(stated)
        except _UNREADABLE as error:
            raise ArchiveFault(f"{path} is not a backup of this portal, or is damaged ({error})") from error
        if unknown := self.manifest.migrations - rows.known_migrations():
            raise ArchiveFault(f"{path} {_NEWER} (unknown here: {', '.join(sorted(unknown))})")
        if newer:
            raise ArchiveFault(f"{path} {_NEWER}")
        self._check(path)

    def tables(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Label and lines of each table."""
        for name in self.manifest.members:
            if name.startswith("rows/"):
                with self._zip.open(name) as member:
                    yield name.removeprefix("rows/").removesuffix(".jsonl"), member

    def restore_files(self) -> int:
        """Write the files into DATA_DIR, each whole or not at all (mode 0600); returns how many."""
        names = [name for name in self.manifest.members if name.startswith("files/")]
        for name in names:
            target = Path(settings.DATA_DIR, name.removeprefix("files/"))
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._zip.open(name) as member, tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as aside:
                while piece := member.read(_PIECE):
                    aside.write(piece)
            Path(aside.name).replace(target)
        return len(names)

    def _check(self, path: Path) -> None:
        labels = set(rows.stored_models(self.manifest.migrations)) - rows.LEFT_OUT
        wanted = {f"rows/{label}.jsonl" for label in labels}
        files = {name for name in self.manifest.members if _is_kept(name)}
        faults = wanted ^ (set(self.manifest.members) - files)
        for name, stated in self.manifest.members.items():
            if self._measured(name) != stated:
                faults.add(name)
        if faults:
            raise ArchiveFault(f"{path} is damaged: {', '.join(sorted(faults)[:5])}. Take another backup")

    def _measured(self, name: str) -> tuple[int, str] | None:
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(name) as member:
                while piece := member.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
        except _UNREADABLE:
            return None
        return size, digest.hexdigest()


def _manifest(stated: dict[str, Any]) -> Manifest:
    return Manifest(
        made=str(stated["made"]),
        database=str(stated["database"]),
        migrations=frozenset(map(str, stated["migrations"])),
        members={str(name): (int(size), str(digest)) for name, (size, digest) in stated["members"].items()},
    )


def _is_kept(name: str) -> bool:
    """Whether a member is a file that may be written to DATA_DIR."""
    parts = PurePosixPath(name).parts
    return parts[0] == "files" and len(parts) > 1 and parts[1] in KEPT_FILES and ".." not in parts
