"""Delete what has outlived its time; `deploy/systemd/helpdesk-tidy.timer` runs it daily, `prepare` at each start."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from guides.services import unexplained
from helpdesk import proxies
from helpdesk.operations import archive


class Command(BaseCommand):
    """`manage.py tidy`"""

    help = "Deletes sessions that have ended, shapes of pasted texts, noted proxies and copies made by `restore`."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete all of it, and say how much; nothing of it is anything that staff wrote."""
        call_command("clearsessions")
        self.stdout.write(
            f"Tidied: {unexplained.forget()} texts that found nothing, {proxies.forget()} proxies, "
            f"{archive.forget_replaced()} copies of what a restore replaced."
        )
