"""Write a backup of the running portal into one file (docs/operate.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk.operations import archive


class Command(BaseCommand):
    """`manage.py backup PATH`"""

    help = "Writes database and uploads into one file, as they are at one moment, while the portal runs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH."""
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        """Write it; an existing file is refused."""
        try:
            manifest = archive.write(path)
        except archive.ArchiveFault as error:
            raise CommandError(str(error)) from error
        size = path.stat().st_size
        self.stdout.write(f"{path}: {len(manifest.members)} tables and files, {size:,} bytes. Keep it from others.")
