"""Look at the installation, and say what to do about what is wrong."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from helpdesk.operations.doctor import Level, look


class Command(BaseCommand):
    """`manage.py doctor`"""

    help = "Looks at settings, database, network and files, and says what to do. Exit 1 when something must be mended."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each result, as soon as it is known."""
        faults = 0
        for result in look():
            faults += result.level is Level.FAULT
            said = f": {result.words} {result.cure}" if result.words else ""
            self.stdout.write(f"{result.level.value:7} {result.check}{said}")
            self.stdout.flush()
        if faults:
            self.stderr.write(f"{faults} to mend.")
            sys.exit(1)
