"""`manage.py import_ispdb` with a folder that is made to harm: files without end, pipes, devices, many claims to one domain."""

from __future__ import annotations

import os
import tracemalloc
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from guides.library.ispdb_import import FileOutcome, import_folder
from guides.library.ispdb_reading import LONGEST_FILE
from guides.models import IspdbDomain, IspdbEntry
from tests.ispdb_folder import config, good, server

pytestmark = pytest.mark.django_db


def put(folder: Path, name: str, *domains: str) -> None:
    (folder / name).write_text(config(*good(domains[0]), domains=domains), encoding="utf-8")


def test_files_without_end_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    put(tmp_path, "good.example.com.xml", "good.example.com")
    with (tmp_path / "huge.xml").open("wb") as file:
        file.truncate(20 * 1024**3)  # sparse
    os.mkfifo(tmp_path / "pipe.xml")  # opening it would wait for a writer
    (tmp_path / "zero.xml").symlink_to("/dev/zero")
    (tmp_path / "nowhere.xml").symlink_to(tmp_path / "gone")
    (tmp_path / "folder.xml").mkdir()
    tracemalloc.start()
    try:
        report = import_folder(tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.outcomes == {"good.example.com.xml": FileOutcome.NEW, "huge.xml": FileOutcome.REFUSED}
    assert report.lines["huge.xml"] == [f"refused: it is longer than {LONGEST_FILE // 1024} KB"]
    assert peak < 50 * LONGEST_FILE


def test_a_domain_that_many_files_claim_stays_with_one(tmp_path: Path) -> None:
    for number in range(30):
        put(tmp_path, f"claim{number:02}.xml", "claimed.example.com", f"own{number:02}.example.com")
    put(tmp_path, "claimed.example.com.xml", "claimed.example.com")
    for _again in range(2):
        report = import_folder(tmp_path)
        assert IspdbDomain.objects.get(domain="claimed.example.com").entry.source == "claimed.example.com.xml"
        assert IspdbDomain.objects.count() == 31
        assert "left out: domain claimed.example.com: claimed.example.com.xml has it" in report.lines["claim00.xml"]


def test_thousands_of_domains_and_servers_in_one_file(tmp_path: Path) -> None:
    domains = tuple(f"d{number}.example.com" for number in range(2000))
    servers = [server("imap", f"i{number}.example.com", "993") for number in range(300)]
    (tmp_path / "many.xml").write_text(config(*servers, *good("d0.example.com"), domains=domains), encoding="utf-8")
    out = StringIO()
    call_command("import_ispdb", tmp_path, stdout=out)
    assert "many.xml: new" in out.getvalue()
    assert IspdbDomain.objects.count() == 2000
    assert IspdbEntry.objects.get().servers.count() <= 30


def test_text_that_is_made_to_mislead_is_shown_harmless(tmp_path: Path) -> None:
    misleading = config(
        *good("safe.example.com"), domains=("safe.example.com", "\u202emoc.knab"), name="&lt;b&gt;\u202ea\u200b"
    )
    (tmp_path / "safe.example.com.xml").write_text(misleading, encoding="utf-8")
    out = StringIO()
    call_command("import_ispdb", tmp_path, stdout=out)
    assert "\u202e" not in out.getvalue()
    assert "\u202e" not in IspdbEntry.objects.get().name
