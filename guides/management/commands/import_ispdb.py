"""Take a folder of autoconfig files (an ISPDB) into the database (docs/ispdb.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from guides.library.ispdb_import import FileOutcome, import_folder
from guides.library.ispdb_reading import NotAFolderError


class Command(BaseCommand):
    """`manage.py import_ispdb PATH [--prune]`"""

    help = "Imports a folder of autoconfig XML files, and says for each what was taken, left out and why."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH and --prune."""
        parser.add_argument("path", type=Path, help="the folder")
        parser.add_argument("--prune", action="store_true", help="remove what earlier imports took from other files")

    def handle(self, *args: Any, path: Path, prune: bool, **options: Any) -> None:
        """Import everything that is right, and name everything that is not. Exits with 1 when nothing was right."""
        try:
            report = import_folder(path, prune=prune)
        except NotAFolderError as error:
            self.stderr.write(str(error))
            raise SystemExit(1) from None
        for line in report:
            self.stdout.write(line)
        if report.left_over:
            self.stdout.write(f"In no file of this folder, and left as they are: {', '.join(report.left_over)}")
        self.stdout.write(report.summary)
        if not set(report.outcomes.values()) - {FileOutcome.REFUSED}:
            self.stderr.write("Nothing here can be used.")
            raise SystemExit(1)
