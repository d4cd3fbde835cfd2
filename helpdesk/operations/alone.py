"""One process at a time prepares a portal: several may start at the same moment, on one machine or on many."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

_KEY = 0x6D61696C  # "mail"; of PostgreSQL's advisory locks in this database


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other process is inside, then keep others out: by a file of DATA_DIR, and in PostgreSQL.

    PostgreSQL's lock has a connection of its own, and ends with it, however the process ends
    (https://www.postgresql.org/docs/current/explicit-locking.html).
    """
    handle = os.open(Path(settings.DATA_DIR) / "prepare.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        own = connections.create_connection("default")
        try:
            with own.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [_KEY])
            yield
        finally:
            own.close()
    finally:
        os.close(handle)
