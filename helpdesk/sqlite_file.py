"""SQLite's file is looked at before each request: a connection outlives a file that was moved away or replaced.

Such a connection goes on reading the old file for as long as `CONN_MAX_AGE` lets it, and what it writes fails
(SQLITE_READONLY_DBMOVED). So after a restored backup pages would change from request to request.
"""

from __future__ import annotations

import os
from typing import Any

from django.core.signals import request_started
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from helpdesk.data_folder import sqlite_path


def watch() -> None:
    """Called once, when the process starts."""
    connection_created.connect(_remember, dispatch_uid="SQLite's file")
    request_started.connect(_close_when_replaced, dispatch_uid="SQLite's file")


def _remember(connection: BaseDatabaseWrapper, **_: Any) -> None:
    connection.opened_file = _file(connection)  # type: ignore[attr-defined]


def _close_when_replaced(**_: Any) -> None:
    if connection.connection is not None and _file(connection) != getattr(connection, "opened_file", None):
        connection.close()


def _file(connection: BaseDatabaseWrapper) -> tuple[int, int] | None:
    """Device and inode of the file that stands where the database is opened; None when there is none."""
    path = sqlite_path(str(connection.settings_dict["NAME"]))
    try:
        found = os.stat(path) if path else None  # noqa: PTH116  # before each request: twice as fast as Path's
    except OSError:
        found = None
    return (found.st_dev, found.st_ino) if found else None
