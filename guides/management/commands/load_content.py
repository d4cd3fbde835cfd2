"""Read the library's files into the database (docs/library.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from guides.library.entries import LibraryError
from guides.library.loading import load_folder
from guides.library.public_settings import load_public_settings
from guides.library.reading import SHIPPED
from guides.search import index


class Command(BaseCommand):
    """`manage.py load_content [PATH] [--overwrite]`"""

    help = "Loads guides, error articles, mail clients and providers from files; what staff changed is left alone."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH and --overwrite."""
        parser.add_argument("path", nargs="?", type=Path, default=SHIPPED, help="default: the portal's own library")
        parser.add_argument("--overwrite", action="store_true", help="take the files' state of what staff changed, too")

    def handle(self, *args: Any, path: Path, overwrite: bool, **options: Any) -> None:
        """Load everything, or say everything that is wrong and change nothing."""
        try:
            report = load_folder(path, overwrite=overwrite)
        except LibraryError as error:
            for fault in error.faults:
                self.stderr.write(str(fault))
            self.stderr.write(f"Faults: {len(error.faults)}. Nothing was loaded.")
            raise SystemExit(1) from None
        self.stdout.write(str(report))
        if path.resolve() == SHIPPED:
            tables = load_public_settings()
            self.stdout.write(f"Settings from public tables: {tables.counted}.")
        index.complete()  # with what was written past this portal: by an older version, or from a copy of a database
        for note in report.notes:
            self.stdout.write(f"  {note}")
