"""`manage.py check_content`: whether every page that the library can make tells one way, and nothing twice."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from guides.library.content_check import faults
from guides.library.content_pages import ContentPages
from guides.library.reading import SHIPPED, read_library
from guides.mail.accounts import Protocol
from guides.models.texts import Language


class Command(BaseCommand):
    """Renders every distinct page about a mail app and names what is wrong with it; exit code 1 when something is."""

    help = "Check that every provider, mail app, version, protocol and language gives a page that tells one way."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, default=SHIPPED, help="folder of the library")
        parser.add_argument("--table", action="store_true", help="print what exists instead of checking it")

    def handle(self, *_args: Any, path: Path, table: bool, **_options: Any) -> None:
        library, unreadable = read_library(path)
        if unreadable:
            raise CommandError("\n".join(map(str, unreadable)))
        content = ContentPages(library)
        if table:
            self._table(content)
            return
        ways: Counter[str] = Counter()
        wrong = 0
        for page in content.pages(Language.values):
            ways[page.page.way.value] += 1
            for fault in faults(page):
                wrong += 1
                self.stdout.write(fault)
        counted = ", ".join(f"{way} {times}" for way, times in sorted(ways.items()))
        self.stdout.write(f"{ways.total()} pages ({counted}), {wrong} faults")
        if wrong:
            raise CommandError("pages that tell more than one way, or something twice")

    def _table(self, content: ContentPages) -> None:
        """Clients by versions, protocols and languages."""
        self.stdout.write(f"{'mail app':<14}{'version':<10}{'IMAP':<6}{'POP3':<6}languages")
        for ability in content.abilities:
            speaks = ["yes" if protocol in ability.protocols else "-" for protocol in (Protocol.IMAP, Protocol.POP3)]
            languages = " ".join(content.languages(ability.client))
            self.stdout.write(f"{ability.client:<14}{ability.version:<10}{speaks[0]:<6}{speaks[1]:<6}{languages}")
