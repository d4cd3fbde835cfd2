"""`manage.py tidy` deletes what has outlived its time, and nothing else."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from guides.models import UnexplainedText


@pytest.mark.django_db
def test_it_works(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    for days in (-1, 1):
        session = SessionStore()
        session.set_expiry(timedelta(days=days))
        session.save()
    for digest, days in (("old", 100), ("new", 80)):
        day = timezone.now().date() - timedelta(days=days)
        UnexplainedText.objects.create(digest=digest, shape=digest, first_seen=day, last_seen=day)
    (tmp_path / "unnamed-proxies").mkdir()
    files = {
        "unnamed-proxies/10.0.0.1": 8,
        "unnamed-proxies/10.0.0.2": 6,
        "before-restore-1.zip": 31,
        "before-restore-2.zip": 29,
        "mine.zip": 400,
    }
    for name, days in files.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - days * 86400,) * 2)

    said = StringIO()
    call_command("tidy", stdout=said)
    assert "1 texts that found nothing, 1 proxies, 1 copies" in said.getvalue()
    assert Session.objects.count() == 1
    assert [each.digest for each in UnexplainedText.objects.all()] == ["new"]
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"unnamed-proxies/10.0.0.2", "before-restore-2.zip", "mine.zip"}
