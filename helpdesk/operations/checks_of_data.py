"""Checks of disk, database and cache."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper

from guides.limits.shared_cache import SharedCacheDown, shared_cache
from helpdesk import gunicorn
from helpdesk.health import LEAST_FREE_BYTES
from helpdesk.operations import rows
from helpdesk.operations.findings import Finding

_COMFORTABLE_BYTES = 1 << 30
_MOST_SECONDS_APART = 30  # a code of an authenticator app is good for 30 s (RFC 6238 section 5.2)


def disk_has_room() -> Iterator[Finding]:
    """Room and inodes where DATA_DIR is."""
    free = shutil.disk_usage(settings.DATA_DIR).free
    inodes = os.statvfs(settings.DATA_DIR)
    if free < LEAST_FREE_BYTES:
        yield Finding(f"{free >> 20} MB are free in {settings.DATA_DIR}: nothing can be saved.", "Make room.")
    elif free < _COMFORTABLE_BYTES:
        yield Finding(f"{free >> 20} MB are free in {settings.DATA_DIR}.", "Make room soon.", is_advice=True)
    if inodes.f_files and inodes.f_favail < 1000:
        yield Finding(
            f"{inodes.f_favail} files can be made in {settings.DATA_DIR}.", "Delete what fills it with files."
        )


def database_answers() -> Iterator[Finding]:
    """It answers, is whole, and has room for the connections of all processes."""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                yield from _sqlite(cursor)
            else:
                yield from _postgresql(cursor)
    except DatabaseError as error:
        yield Finding(
            f"It does not answer: {str(error).strip()}",
            "Start it, or correct DATABASE_URL; for a new SQLite database run manage.py prepare.",
        )


def _sqlite(cursor: CursorWrapper) -> Iterator[Finding]:
    cursor.execute("PRAGMA quick_check(1)")
    said = cursor.fetchone()[0]
    if said != "ok":
        yield Finding(f"The file is damaged: {said}", "Move it away, and restore the last backup.")


def _postgresql(cursor: CursorWrapper) -> Iterator[Finding]:
    cursor.execute("SELECT current_setting('max_connections')::int, current_setting('server_encoding'), now()")
    most, encoding, now = cursor.fetchone()
    wanted = gunicorn.workers * settings.DATABASE_POOL_SIZE
    if wanted >= most:
        yield Finding(
            f"{gunicorn.workers} processes with {settings.DATABASE_POOL_SIZE} connections each want {wanted} "
            f"of the server's {most}.",
            "Lower DATABASE_POOL_SIZE, or raise max_connections.",
        )
    if encoding != "UTF8":
        yield Finding(
            f"The database is in {encoding}.", "Make it anew with ENCODING 'UTF8', and restore a backup into it."
        )
    yield from _apart("the database server", now)


def _apart(whose: str, now: datetime) -> Iterator[Finding]:
    apart = abs(now.timestamp() - time.time())
    if apart > _MOST_SECONDS_APART:
        yield Finding(
            f"Its clock and this machine's differ by {apart:.0f} s.", f"Set the clocks of {whose} and of this machine."
        )


def migrations_are_applied() -> Iterator[Finding]:
    """The tables are those of this release."""
    try:
        missing = rows.known_migrations() - rows.applied_migrations()
    except rows.NewerDatabase as error:
        yield Finding(f"{error}.", "Install the newer release, or restore a backup of this one (docs/upgrade.md).")
    except DatabaseError:
        yield Finding("They cannot be looked at while the database does not answer.", "Mend the database first.")
    else:
        if missing:
            yield Finding(
                f"Not applied: {', '.join(sorted(missing)[:3])} ({len(missing)} in all).", "Run manage.py prepare."
            )


def cache_answers() -> Iterator[Finding]:
    """It keeps what it is told."""
    try:
        with shared_cache() as cache:
            cache.set("doctor", "here", 5)
            kept = cache.get("doctor")
    except SharedCacheDown as error:
        yield Finding(
            f"It does not answer ({error.reason}): tests are refused.", "Start Valkey or Redis, or correct CACHE_URL."
        )
        return
    if kept != "here":
        yield Finding(
            "It forgets at once what it is told.",
            "Give it memory (maxmemory), and let it evict nothing or by volatile-ttl.",
        )
