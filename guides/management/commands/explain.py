"""Error texts and bounces explained on a terminal."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from guides.mail.diagnosis.explain import Explanation, NotTextError
from guides.mail.diagnosis.messages import MAX_BYTES
from guides.mail.diagnosis.shown import shown, without_secrets
from guides.search.guessing import guesses
from guides.services.explaining import explained

USAGE_ERROR = 2
NOTHING_FOUND = 1


class Command(BaseCommand):
    """`manage.py explain [FILE ...]`: exit 0 when all was explained, 1 when something was not, 2 for a wrong call."""

    help = "Explain error texts or bounces, from files or from standard input."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", metavar="FILE", nargs="*", help="a text or a whole message; - or none: standard input"
        )
        parser.add_argument("--json", action="store_true", help="a line of JSON for each file")

    def handle(self, *args: Any, **options: Any) -> None:
        """Explain each, in order."""
        nothing = False
        for name in options["files"] or ["-"]:
            data = self._read(name)
            fault = ""
            found = Explanation()
            if len(data) > MAX_BYTES:
                fault = "too_large"
            else:
                try:
                    found = explained(data)
                except NotTextError as error:
                    fault = str(error)
            if options["json"]:
                self.stdout.write(json.dumps(as_record(name, found, fault), ensure_ascii=False))
            else:
                self._show(name, found, fault, data)
            nothing = nothing or not found.causes
        if nothing:
            sys.exit(NOTHING_FOUND)

    def _read(self, name: str) -> bytes:
        try:
            if name == "-":
                return sys.stdin.buffer.read(MAX_BYTES + 1)
            with Path(name).open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            self.stderr.write(f"explain: {name}: {error.strerror}")
            sys.exit(USAGE_ERROR)

    def _show(self, name: str, found: Explanation, fault: str, data: bytes) -> None:
        self.stdout.write(f"{name}:")
        if fault:
            self.stdout.write(f"  not a text that can be explained ({fault})")
        elif not found.causes:
            self.stdout.write("  nothing is known about this text")
            for text in guesses(data, settings.LANGUAGE_CODE):
                self.stdout.write(f"       by its words alone, a guess: article {text.slug}")
        for cause in found.causes:
            words = "".join(f"[{part.text}]" if part.marked else part.text for part in shown(cause))
            article = f", article {cause.article}" if cause.article else ""
            self.stdout.write(f"  {cause.confidence:.2f} {cause.name} ({cause.owner} can fix it{article})")
            if words:
                self.stdout.write(f"       {words}")


def as_record(name: str, found: Explanation, fault: str = "") -> dict[str, Any]:
    """The line of `--json`: the contract's keys, and "error" where the file is no text."""
    record: dict[str, Any] = {
        "file": name,
        "causes": [
            {
                "class": cause.name,
                "article": cause.article or None,
                "confidence": cause.confidence,
                "matched": without_secrets(cause.matched),
                "who": cause.owner.value,
                "code": cause.code,
            }
            for cause in found.causes
        ],
        "bounce": None,
    }
    if found.bounce is not None:
        bounce = found.bounce
        record["bounce"] = {
            "kind": bounce.kind.value,
            "reporter": bounce.reporter,
            "sender_domain": bounce.sender_domain,
            "recipients": [
                {("class" if key == "cause" else key): value for key, value in asdict(recipient).items()}
                for recipient in bounce.recipients
            ],
        }
    if fault:
        record["error"] = fault
    return record
