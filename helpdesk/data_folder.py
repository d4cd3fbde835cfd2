"""The folder that holds database, keys and passwords: nobody but its owner may read it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote

_OPENED = "?mode=rw"


def make_private(folder: Path) -> None:
    """Make `folder` when it is missing (0700), and keep others out of it and of the files in it (0600).

    Raises OSError when it belongs to another user. Folders below it hold static files, which are public.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for path in folder.iterdir():
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)


def sqlite_name(path: str) -> str:
    """The NAME of an SQLite database that is opened only when it exists (https://www.sqlite.org/uri.html).

    SQLite by itself makes an empty database in the place of one that was moved away or not mounted, and pages would
    then be served from that.
    """
    return f"file:{quote(path)}{_OPENED}"


def sqlite_path(name: str) -> str:
    """The path out of a NAME that `sqlite_name` made; empty for any other."""
    if not (name.startswith("file:") and name.endswith(_OPENED)):
        return ""
    return unquote(name.removeprefix("file:").removesuffix(_OPENED))


def make_sqlite(name: str) -> None:
    """Make an empty database where `sqlite_name` points, unless there is one. Only its owner can read it.

    SQLite gives the files beside it (-wal, -shm) the same mode.
    """
    if path := sqlite_path(name):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
