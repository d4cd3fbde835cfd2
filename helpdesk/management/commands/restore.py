"""Put a backup in the place of what the portal holds (docs/operate.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from guides import library_cache
from guides.search import index
from helpdesk import data_folder
from helpdesk.operations import archive, rows


class Command(BaseCommand):
    """`manage.py restore PATH`"""

    help = "Puts a backup into an empty installation, or with --replace in the place of what this one holds."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """PATH, --replace."""
        parser.add_argument("path", type=Path)
        parser.add_argument("--replace", action="store_true", help="what is there is backed up into DATA_DIR first")

    def handle(self, *args: Any, path: Path, replace: bool, **options: Any) -> None:
        """Check the whole archive before anything is changed; readers see the old rows until all new ones are there."""
        try:
            checked = archive.Archive(path)
            data_folder.make_private(settings.DATA_DIR)
            data_folder.make_sqlite(str(connection.settings_dict["NAME"]))
            self._make_room(replace)
            self._restore(checked)
        except (archive.ArchiveFault, rows.NewerDatabase) as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, OSError, ValueError) as error:
            raise CommandError(f"The backup could not be restored: {error}") from error
        files = checked.restore_files()
        self.stdout.write(
            f"Restored the backup of {checked.manifest.made}, {files} files with it. Everybody must sign in again.\n"
            "If the portal is running, start it again: it has the secret key that it started with."
        )

    def _make_room(self, replace: bool) -> None:
        """Refuse to overwrite what is there, or keep it."""
        if not rows.holds_content(rows.stored_models(rows.applied_migrations())):
            return
        if not replace:
            raise CommandError(
                "This installation is not empty. --replace puts the backup in the place of all that it holds"
            )
        kept = archive.path_before_restore()
        archive.write(kept)
        self.stdout.write(f"What was there is kept in {kept}")

    def _restore(self, checked: archive.Archive) -> None:
        rows.migrate_to(set(checked.manifest.migrations))
        rows.replace_rows(rows.stored_models(checked.manifest.migrations), checked.tables())
        call_command("migrate", interactive=False, verbosity=0)  # an older release's tables become today's
        index.complete(anew=True)
        library_cache.raise_version()
