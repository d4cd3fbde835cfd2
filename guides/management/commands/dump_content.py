"""Write the database's guides, error articles, mail clients and providers as files (docs/library.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from guides.library.dumping import dump_library
from guides.library.rows import StoredLibrary


class Command(BaseCommand):
    """`manage.py dump_content PATH`"""

    help = "Writes guides, error articles, mail clients and providers to an empty folder, as load_content reads them."

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH."""
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        """Write the files; a folder that holds anything is refused, so that no stale file stays between them."""
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise CommandError(f"{path} is not an empty folder")
        self.stdout.write(f"{dump_library(StoredLibrary().library, path)} files written to {path}")
