"""`manage.py migrate` as Django has it, and the one command that may make an SQLite database."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from helpdesk import data_folder


class Command(migrate.Command):
    """`manage.py migrate`"""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Make the database when there is none: the checks before the migrations open it already."""
        data_folder.make_sqlite(str(connections[options["database"]].settings_dict["NAME"]))
        return super().execute(*args, **options)
