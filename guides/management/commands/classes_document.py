"""Write the generated part of `docs/classes.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from guides.library.classes_document import library_articles, renewed, tables


class Command(BaseCommand):
    """`manage.py classes_document`: run it after a change to the classes, their meanings or the library's articles."""

    help = "Write the vocabulary of causes into docs/classes.md."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Renew the page in place."""
        root = Path(settings.BASE_DIR)
        path = root / "docs" / "classes.md"
        page = path.read_text(encoding="utf-8")
        path.write_text(renewed(page, tables(library_articles(root / "guides" / "library"))), encoding="utf-8")
