"""Prints how this process's database answers the whole test list of the search, as JSON: `python -m tests.search_answers`."""

from __future__ import annotations

import dataclasses
import json
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")
    import django

    django.setup()
    from django.db import connection

    from guides.search.query import search
    from tests.search_list import EXPECTED, MENDED, NONSENSE

    asked = [*EXPECTED, *MENDED, *(("ja", query) for query in NONSENSE)]
    answers = {f"{language} {query}": dataclasses.asdict(search(query, language)) for language, query in asked}
    json.dump({"vendor": connection.vendor, "answers": answers}, sys.stdout)


if __name__ == "__main__":
    main()
