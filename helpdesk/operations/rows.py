"""The database's rows as JSON lines: one form for both databases, read in one snapshot, written in one transaction.

Rows and no `pg_dump` or copied SQLite file, because then one form serves both databases: a backup of a portal on SQLite
moves it to PostgreSQL, the container needs no `pg_dump` of the server's version, and an archive of an older release can
be restored, since it names its migrations. The search index is left out, as it is made from the texts; sessions too,
because a stolen archive must not hold keys that are valid now; and the library version, because it must never return.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

LEFT_OUT = frozenset({"sessions.session", "guides.searchentry", "guides.searchword", "guides.libraryversion"})
# Every prepared database has these, even one that holds nothing of its operator's.
_MADE_BY_MIGRATE = frozenset({"contenttypes.contenttype", "auth.permission"})
_BATCH = 200

Model = type[models.Model]


class NewerDatabase(Exception):  # noqa: N818
    """The database has migrations that this version of the portal does not know."""


def known_migrations() -> set[str]:
    """All migrations of this version of the portal, as `app.name`."""
    return {f"{app}.{name}" for app, name in MigrationLoader(None).graph.nodes}


def applied_migrations() -> set[str]:
    """The database's migrations; none when it is empty. Raises NewerDatabase."""
    applied = {f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()}
    if unknown := applied - known_migrations():
        raise NewerDatabase(f"A newer version of the portal has changed the database ({', '.join(sorted(unknown))})")
    return applied


def stored_models(migrations: Iterable[str]) -> dict[str, Model]:
    """The models with their tables as they are after these migrations, by label."""
    nodes = [_node(each) for each in migrations]
    state = MigrationLoader(None).project_state(nodes).apps
    found = {each._meta.label_lower: each for each in state.get_models(include_auto_created=True)}
    return {label: each for label, each in sorted(found.items()) if each._meta.managed and not each._meta.proxy}


def holds_content(tables: dict[str, Model]) -> bool:
    """Whether the database has rows besides those that an empty installation has."""
    own = (each for label, each in tables.items() if label not in LEFT_OUT | _MADE_BY_MIGRATE)
    return any(each._base_manager.exists() for each in own)


@contextmanager
def snapshot() -> Iterator[None]:
    """All reads inside see one moment. Writers go on meanwhile."""
    with connection.cursor() as cursor:
        # SQLite: a deferred transaction of our own, because Django's would take the lock of writers. In WAL mode it
        # keeps the state that its first read saw (https://www.sqlite.org/isolation.html).
        cursor.execute("BEGIN" if connection.vendor == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def lines(model: Model) -> Iterator[bytes]:
    """A line with the names of the columns, then a line for each row."""
    names = [field.attname for field in _fields(model)]
    yield _line(names)
    for row in model._base_manager.order_by("pk").values_list(*names).iterator(chunk_size=_BATCH):
        yield _line(row)


def replace_rows(tables: dict[str, Model], read: Iterable[tuple[str, Iterable[bytes]]]) -> None:
    """Delete all rows and write the ones of `read` (label, lines), in one transaction.

    Raises ValueError when a line does not fit, and DatabaseError when the rows contradict one another.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:  # foreign keys are checked at the end of the transaction
            for model in tables.values():
                cursor.execute(f"DELETE FROM {_quoted(model._meta.db_table)}")  # noqa: S608  # a table of ours
        for label, its_lines in read:
            _insert(tables[label], iter(its_lines))
        for statement in connection.ops.sequence_reset_sql(no_style(), list(tables.values())):
            with connection.cursor() as cursor:
                cursor.execute(statement)
        connection.check_constraints()


def migrate_to(migrations: set[str]) -> None:
    """Bring the tables to the state after these migrations, forwards or backwards."""
    executor = MigrationExecutor(connection)
    nodes = [_node(each) for each in migrations]
    leaves = [each for each in nodes if not any(child in nodes for child in _children_in_app(executor, each))]
    executor.migrate(leaves)


def _children_in_app(executor: MigrationExecutor, node: tuple[str, str]) -> list[tuple[str, str]]:
    return [child.key for child in executor.loader.graph.node_map[node].children if child.key[0] == node[0]]


def _node(migration: str) -> tuple[str, str]:
    app, _dot, name = migration.partition(".")
    return app, name


def _fields(model: Model) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.generated]


def _line(values: Iterable[Any]) -> bytes:
    return json.dumps(list(values), ensure_ascii=False, default=_plain).encode() + b"\n"


def _plain(value: Any) -> str:
    """Dates and times with all their digits (Django's own encoder cuts microseconds)."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _insert(model: Model, its_lines: Iterator[bytes]) -> None:
    fields = {field.attname: field for field in _fields(model)}
    names = json.loads(next(its_lines, b"[]"))
    if sorted(names) != sorted(fields):
        raise ValueError(f"{model._meta.label}: its columns are not those of its migrations")
    chosen = [fields[name] for name in names]
    columns = ", ".join(_quoted(str(field.column)) for field in chosen)
    places = ", ".join(["%s"] * len(chosen))
    statement = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608
    with connection.cursor() as cursor:
        while batch := list(islice(its_lines, _BATCH)):
            rows = [zip(chosen, json.loads(line), strict=True) for line in batch]
            cursor.executemany(
                statement,
                [[field.get_db_prep_save(field.to_python(value), connection) for field, value in row] for row in rows],
            )
