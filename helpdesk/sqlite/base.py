"""SQLite connections that wait for the next request instead of being closed.

Django closes a connection at the end of each request, or keeps one for each thread. Opening one takes 0.8 ms: SQLite
reads the schema, and Django registers its fifty functions. One for each of 256 threads would hold 768 files open.
So a connection that is closed waits here for whoever wants the next one.
"""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from django.db.backends.sqlite3 import base

MOST_IDLE = 16

_File = tuple[int, int]  # device and inode


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: sqlite3.Connection
    file: _File


_idle: defaultdict[str, deque[_Idle]] = defaultdict(deque)
os.register_at_fork(after_in_child=_idle.clear)  # SQLite's connections must not cross a fork


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but for how a connection begins and ends."""

    _file: _File | None = None  # which the connection is to; None: it is not kept

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """One that waits, if it is to the file that stands there now; else a new one."""
        name = str(conn_params["database"])
        file, waiting = _file_at(name), _idle[name]
        while waiting:
            idle = waiting.pop()
            if idle.file == file:
                self._file = file
                idle.connection.execute("PRAGMA foreign_keys = ON")  # whoever had it may have failed with them off
                return idle.connection
            idle.connection.close()  # the file was replaced, as by a restore
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        self._file = _file_at(name) if file is None else file if file == _file_at(name) else None
        return connection

    def _close(self) -> None:
        connection, waiting = self.connection, _idle[str(self.settings_dict["NAME"])]
        if connection is None or self._file is None or connection.in_transaction or len(waiting) >= MOST_IDLE:
            super()._close()  # type: ignore[misc]  # the stubs know no private names
        else:
            waiting.append(_Idle(connection, self._file))


def _file_at(name: str) -> _File | None:
    """What tells a database's file from one that takes its place; None where there is none, as in memory."""
    try:
        status = os.stat(name)  # noqa: PTH116 (a name like "file:..." is no path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
