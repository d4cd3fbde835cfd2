"""A portal within this process, on a database and a cache of its own, with the whole library: for `bench_*.py`."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.servers import loaded_data


def start() -> None:
    """Set Django up on a loaded database. Once per process."""
    folder = Path(tempfile.mkdtemp(prefix="bench-here-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(DATA_DIR=str(loaded_data(folder)), DJANGO_SETTINGS_MODULE="helpdesk.settings", LOG_LEVEL="ERROR")
    os.environ["ALLOWED_HOSTS"] = "testserver"
    os.environ["LIMIT_VISITOR_LOOKUPS_HOUR"] = "1000000"
    import django

    django.setup()
