"""SQLite connections are used again, and never where that would matter."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import DatabaseError
from django.test.utils import CaptureQueriesContext

from helpdesk.sqlite import base
from helpdesk.sqlite.base import DatabaseWrapper


def wrapper(path: Path) -> DatabaseWrapper:
    settings = {
        "ENGINE": "helpdesk.sqlite",
        "NAME": str(path),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"},
        "ATOMIC_REQUESTS": False,
        "AUTOCOMMIT": True,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "TIME_ZONE": None,
        "TEST": {},
    }
    return DatabaseWrapper(settings, "here")


pytestmark = pytest.mark.django_db  # so that databases may be touched at all


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "portal.sqlite3"
    yield path
    for idle in base._idle.pop(str(path), ()):
        idle.connection.close()


def inner(database: DatabaseWrapper) -> sqlite3.Connection:
    database.ensure_connection()
    assert isinstance(database.connection, sqlite3.Connection)
    return database.connection


def test_whoever_comes_next_gets_the_connection(path: Path) -> None:
    first, second = wrapper(path), wrapper(path)
    connection = inner(first)
    other = inner(second)  # at the same time, there is another one
    assert other is not connection
    with first.cursor() as cursor:
        cursor.execute("CREATE TABLE things (name TEXT)")
        cursor.execute("INSERT INTO things VALUES ('kept')")
    first.close()
    assert first.connection is None
    third = wrapper(path)
    assert inner(third) is connection
    with third.cursor() as cursor:
        assert cursor.execute("SELECT name FROM things").fetchall() == [("kept",)]
    third.close()
    second.close()


def test_a_file_that_took_the_place_of_another_is_opened_anew(path: Path) -> None:
    database = wrapper(path)
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE things (name TEXT)")
    old = inner(database)
    database.close()
    copy = path.with_name("copy")
    sqlite3.connect(copy).execute("CREATE TABLE restored (name TEXT)")
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    os.replace(copy, path)  # noqa: PTH105
    again = wrapper(path)
    assert inner(again) is not old
    assert again.introspection.table_names() == ["restored"]
    again.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        old.execute("SELECT 1")


def test_a_connection_in_a_transaction_is_not_kept(path: Path) -> None:
    database = wrapper(path)
    connection = inner(database)
    connection.execute("CREATE TABLE things (name TEXT)")
    connection.execute("BEGIN IMMEDIATE")
    database.close()
    assert inner(wrapper(path)) is not connection
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_foreign_keys_hold_for_whoever_comes_next(path: Path) -> None:
    database = wrapper(path)
    connection = inner(database)
    database.disable_constraint_checking()
    database.close()
    again = wrapper(path)
    assert inner(again) is connection
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    connection.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TABLE b (a INTEGER REFERENCES a)")
    with pytest.raises(DatabaseError), again.cursor() as cursor:
        cursor.execute("INSERT INTO b VALUES (7)")
    again.close()


def test_only_so_many_wait(path: Path) -> None:
    databases = [wrapper(path) for _ in range(base.MOST_IDLE + 3)]
    for database in databases:
        inner(database)
    for database in databases:
        database.close()
    assert len(base._idle[str(path)]) == base.MOST_IDLE


def test_a_child_process_opens_its_own(path: Path) -> None:
    database = wrapper(path)
    inner(database)
    database.close()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"%d" % len(base._idle[str(path)]))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"0"
    os.close(reading)
    os.close(writing)
    assert len(base._idle[str(path)]) == 1


def test_in_memory_nothing_is_kept() -> None:
    database = wrapper(Path(":memory:"))
    inner(database)
    with CaptureQueriesContext(database) as queries, database.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert len(queries) == 1
    database._close()
    assert not base._idle[":memory:"]
