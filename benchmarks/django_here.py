"""A portal within this process, on a database and a cache of its own, with the whole library: for `bench_*.py`."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile


def start() -> None:
    """Set Django up and load the library. Once per process."""
    folder = tempfile.mkdtemp(prefix="helpdesk-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(DATA_DIR=folder, DJANGO_SETTINGS_MODULE="helpdesk.settings", LOG_LEVEL="ERROR")
    os.environ["SECRET_KEY"] = "benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
    os.environ["ALLOWED_HOSTS"] = "testserver"
    os.environ["LIMIT_VISITOR_LOOKUPS_HOUR"] = "1000000"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    call_command("migrate", verbosity=0)
    call_command("load_content", verbosity=0)
