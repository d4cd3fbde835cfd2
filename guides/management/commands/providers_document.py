"""Write the generated part of `docs/providers.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from guides.library.classes_document import renewed
from guides.library.providers_document import BEGIN, END, document


class Command(BaseCommand):
    """`manage.py providers_document`: run it after a change to the library's providers or public settings."""

    help = "Write the table of providers into docs/providers.md."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Renew the page in place."""
        path = Path(settings.BASE_DIR) / "docs" / "providers.md"
        page = path.read_text(encoding="utf-8")
        path.write_text(renewed(page, document(), BEGIN, END), encoding="utf-8")
