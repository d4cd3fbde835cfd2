"""List where the portal's own library differs from a checkout of a public table (docs/providers.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from guides.library.providers_document import library_servers
from guides.library.table_checkouts import READERS, TableFault, differences


class Command(BaseCommand):
    """`manage.py compare_providers --ispdb DIR | --provider-db DIR | --fairemail FILE | --nodemailer FILE`"""

    help = "Lists differences between the library's servers and a checkout of a public table."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One of the tables."""
        tables = parser.add_mutually_exclusive_group(required=True)
        for name, metavar in zip(READERS, ("DIR", "DIR", "FILE", "FILE"), strict=True):
            tables.add_argument(f"--{name}", type=Path, metavar=metavar, help=(READERS[name].__doc__ or "").strip())

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare by domain. Exits with 1 when the path holds no such table."""
        name = next(name for name in READERS if options[name.replace("-", "_")])
        try:
            table = READERS[name](options[name.replace("-", "_")])
        except TableFault as fault:
            self.stderr.write(str(fault))
            raise SystemExit(1) from None
        ours = library_servers()
        found = list(differences(ours, table))
        for line in found:
            self.stdout.write(line)
        for line in table.left_out:
            self.stdout.write(f"left out: {line}")
        missing = sorted(domain for domain, servers in table.servers.items() if servers and domain not in ours)
        if missing:
            self.stdout.write(f"only there: {', '.join(missing)}")
        both = len(ours.keys() & table.servers.keys())
        self.stdout.write(f"{both} domains in both, {len(found)} differences, {len(missing)} domains only there")
        if not table.servers:
            self.stderr.write("Nothing here can be used.")
            raise SystemExit(1)
