"""Make the search index anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from guides.search import index


class Command(BaseCommand):
    """`manage.py rebuild_search`"""

    help = "Makes the search index anew from the published texts, in one transaction; readers notice nothing."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it."""
        self.stdout.write(f"Search index: {index.complete(anew=True)} entries.")
