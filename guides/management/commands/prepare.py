"""Everything between an installed package and a portal that can serve; safe to run at every start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from helpdesk.data_folder import make_private
from helpdesk.operations.alone import alone


class Command(BaseCommand):
    """`manage.py prepare`"""

    help = "Prepares database, translations, static files, library and the first staff account."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run each step; all of them do nothing when there is nothing to do."""
        try:
            make_private(settings.DATA_DIR)
        except PermissionError as error:
            self.stderr.write(f"Other users may be able to read {settings.DATA_DIR}: {error}")
        with alone():
            call_command("compile_translations", stdout=self.stdout)
            call_command("migrate", interactive=False, verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
            call_command("load_content", stdout=self.stdout)
            call_command("tidy", stdout=self.stdout)
            call_command("staff_account", stdout=self.stdout)
        base = settings.BASE_URL or f"http://127.0.0.1:{settings.PORT}"
        self.stdout.write(f"\nThe portal: {base}/\nStaff sign in at: {base}/{settings.ADMIN_PATH}/\n")
