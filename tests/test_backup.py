"""Backup and restore: every page, every row and every upload comes back, on both databases, and nothing else is touched."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from guides.models import UnexplainedText
from tests.lab.postgresql import PostgreSQL
from tests.portal import ROOT, LivePortal

EDITS = """
from django.contrib.auth.models import Group, Permission, User
from django_otp.plugins.otp_totp.models import TOTPDevice
from guides.models import GuideText, UnexplainedText
from guides.services.unexplained import note
writers = Group.objects.create(name="Авторы 作者")
writers.permissions.set(Permission.objects.filter(codename__contains="guidetext"))
masha = User.objects.create_user("masha", password="correct horse battery", is_staff=True)
masha.groups.add(writers)
TOTPDevice.objects.create(user=masha, name="phone", confirmed=True)
text = GuideText.objects.filter(language="en").first()
text.summary = "Changed by staff: ё 日本語 “quoted” \\\\ %s"
text.save()
note("550 something odd")
"""
SNAPSHOT = """
from threading import Thread
from django.db import connections
from guides.models import UnexplainedText
from guides.services.unexplained import note
from helpdesk.operations import rows
def write():
    note("550 written meanwhile")
    connections.close_all()
with rows.snapshot():
    before = UnexplainedText.objects.count()
    writer = Thread(target=write)
    writer.start()
    writer.join()
    inside = UnexplainedText.objects.count()
print("counted", before, inside, UnexplainedText.objects.count())
"""


class Installation:
    """A portal's data, worked on by `manage.py` in processes of their own."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.data = folder
        self.environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment |= {"DATA_DIR": str(folder), "LANG": "C.UTF-8", "DJANGO_SETTINGS_MODULE": "helpdesk.settings"}
        self.environment |= {"DATABASE_URL": url} if url else {}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )

    def manage(self, *arguments: str) -> str:
        ended = self.run("manage.py", *arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def shell(self, code: str) -> str:
        return self.manage("shell", "--verbosity=0", "--no-imports", "--command", code)

    def refusal(self, *arguments: str) -> str:
        ended = self.run("manage.py", *arguments)
        assert ended.returncode == 1, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stderr

    def pages(self) -> dict[str, Any]:
        ended = self.run("-m", "tests.all_pages")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)  # type: ignore[no-any-return]


Change = Callable[[dict[str, Any], dict[str, bytes]], object]


def members(archive: Path) -> dict[str, Any]:
    with zipfile.ZipFile(archive) as opened:
        return json.loads(opened.read("manifest.json"))["members"]  # type: ignore[no-any-return]


def work_on(portal: Installation) -> None:
    """What staff do in a week."""
    portal.shell(EDITS)
    (portal.data / "uploads" / "a").mkdir(parents=True)
    (portal.data / "uploads" / "a" / "form.png").write_bytes(os.urandom(1000))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Path]:
    """An installation without the library, and its backup."""
    folder = tmp_path_factory.mktemp("small")
    portal = Installation(folder / "data")
    portal.manage("migrate", "--verbosity=0")
    portal.shell("from guides.services.unexplained import note; note('550 odd')")
    portal.manage("backup", str(folder / "small.zip"))
    return portal, folder / "small.zip"


@pytest.mark.long
def test_every_page_comes_back_on_both_databases(tmp_path: Path) -> None:
    with LivePortal(tmp_path / "old") as running:
        old = Installation(running.data)
        work_on(old)
        assert "tables and files" in old.manage("backup", str(tmp_path / "old.zip"))
    pages = old.pages()
    assert sum(status == 200 for status, _digest in pages.values()) > 300

    with PostgreSQL() as server:
        moved = Installation(tmp_path / "moved", server.create("portal"))
        assert "Restored the backup of" in moved.manage("restore", str(tmp_path / "old.zip"))
        prepared = moved.manage("prepare")
        assert "1 kept" in prepared
        assert "A staff account was made" not in prepared
        assert moved.pages() == pages
        moved.manage("backup", str(tmp_path / "moved.zip"))
        assert members(tmp_path / "moved.zip") == members(tmp_path / "old.zip")
        assert "counted 1 1 2" in moved.shell(SNAPSHOT)
        # Rows that are added afterwards get numbers of their own.
        moved.shell("from django.contrib.auth.models import User; User.objects.create_user('later')")

    back = Installation(tmp_path / "back")
    back.manage("restore", str(tmp_path / "moved.zip"))
    back.manage("prepare")
    assert back.pages() == pages
    back.manage("backup", str(tmp_path / "back.zip"))
    assert members(tmp_path / "back.zip") == members(tmp_path / "old.zip")
    upload = back.data / "uploads/a/form.png"
    assert upload.read_bytes() == (old.data / "uploads/a/form.png").read_bytes()
    assert stat.S_IMODE(upload.stat().st_mode) == 0o600
    signed_in = "from django.contrib.auth import authenticate as a; print(a(username='masha', password='correct horse battery'))"
    assert back.shell(signed_in) == "masha\n"


def test_writers_go_on_and_the_backup_shows_one_moment(small: tuple[Installation, Path]) -> None:
    portal, _archive = small
    assert "counted 1 1 2" in portal.shell(SNAPSHOT)


def test_what_there_is_is_replaced_only_when_asked_and_is_kept(
    small: tuple[Installation, Path], tmp_path: Path
) -> None:
    _portal, archive = small
    other = Installation(tmp_path / "data")
    other.manage("migrate", "--verbosity=0")
    other.shell("from guides.services.unexplained import note; note('one'); note('two')")
    shapes = "from guides.models import UnexplainedText as U; print(sorted(U.objects.values_list('shape', flat=True)))"
    assert "--replace" in other.refusal("restore", str(archive))
    assert other.shell(shapes) == "['one', 'two']\n"
    assert "is kept in" in other.manage("restore", "--replace", str(archive))
    assert other.shell(shapes) == "['550 odd']\n"
    (kept,) = other.data.glob("before-restore-*.zip")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    other.manage("restore", "--replace", str(kept))
    assert other.shell(shapes) == "['one', 'two']\n"


def test_an_older_release_s_backup_becomes_today_s(tmp_path: Path) -> None:
    old = Installation(tmp_path / "old")
    old.manage("migrate", "--verbosity=0", "guides", "0007")
    old.shell("from guides.services.unexplained import note; note('550 odd')")
    old.manage("backup", str(tmp_path / "old.zip"))
    old.manage("migrate", "--verbosity=0")
    old.manage("restore", "--replace", str(tmp_path / "old.zip"))
    state = (
        "from guides.models import GuideText, UnexplainedText as U; print(U.objects.count(), GuideText.objects.count())"
    )
    assert old.shell(state) == "1 0\n"  # of today's tables


def test_what_cannot_be_written_is_refused_in_words(small: tuple[Installation, Path], tmp_path: Path) -> None:
    _portal, archive = small
    before = archive.read_bytes()
    for path, words in (
        (archive, "exists already"),
        (tmp_path, "exists already"),
        (tmp_path / "no" / "b.zip", "is not a folder"),
        ("/proc/b.zip", "cannot be written"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("backup", str(path))
    assert archive.read_bytes() == before
    assert "cannot be read" in Installation(tmp_path / "empty").refusal("backup", str(tmp_path / "b.zip"))
    assert list(tmp_path.glob("*b*.zip*")) == []


def changed(archive: Path, target: Path, change: Change) -> None:
    """A copy whose manifest and members `change` alters."""
    with zipfile.ZipFile(archive) as source:
        contents = {name: source.read(name) for name in source.namelist()}
    manifest = json.loads(contents.pop("manifest.json"))
    change(manifest, contents)
    with zipfile.ZipFile(target, "w") as copy:
        for name, content in contents.items():
            copy.writestr(name, content)
        copy.writestr("manifest.json", json.dumps(manifest))


def put(manifest: dict[str, Any], contents: dict[str, bytes], name: str, content: bytes) -> None:
    contents[name] = content
    manifest["members"][name] = [len(content), hashlib.sha256(content).hexdigest()]


USERS = "rows/auth.user_groups.jsonl"
REFUSED: dict[str, tuple[Change, str]] = {
    "a changed row": (lambda _m, c: c.update({USERS: c[USERS] + b" "}), "is damaged"),
    "a missing table": (lambda m, c: (c.pop(USERS), m["members"].pop(USERS)), "is damaged"),
    "a missing member": (lambda _m, c: c.pop(USERS), "is damaged"),
    "a table that there is not": (lambda m, c: put(m, c, "rows/guides.nothing.jsonl", b"[]\n"), "is damaged"),
    "a path outside": (lambda m, c: put(m, c, "files/uploads/../../x", b""), "is damaged"),
    "another file": (lambda m, c: put(m, c, "files/portal.sqlite3", b""), "is damaged"),
    "a newer migration": (lambda m, _c: m["migrations"].append("guides.9999_later"), "newer version"),
    "a newer form": (lambda m, _c: m.update(format=2), "newer version"),
    "no manifest's words": (lambda m, _c: m.pop("members"), "or is damaged"),
    "rows that contradict": (lambda m, c: put(m, c, USERS, b'["id","user_id","group_id"]\n[1,77,77]\n'), "could not"),
    "a row that is none": (lambda m, c: put(m, c, USERS, b'["id","user_id","group_id"]\n[1]\n'), "could not"),
    "other columns": (lambda m, c: put(m, c, USERS, b'["id"]\n'), "could not"),
}


def test_an_archive_that_is_not_right_is_refused_in_words_and_changes_nothing(
    small: tuple[Installation, Path], tmp_path: Path, subtests: Any, db: None
) -> None:
    for fault, (change, words) in REFUSED.items():
        with subtests.test(fault):
            changed(small[1], tmp_path / "b.zip", change)
            with pytest.raises(CommandError, match=words):
                call_command("restore", str(tmp_path / "b.zip"))
    assert not UnexplainedText.objects.exists()
    changed(small[1], tmp_path / "b.zip", lambda _manifest, _contents: None)
    call_command("restore", str(tmp_path / "b.zip"))
    assert UnexplainedText.objects.exists()


def test_a_file_that_is_no_archive_is_refused_in_words(small: tuple[Installation, Path], tmp_path: Path) -> None:
    whole = small[1].read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2], whole[:100] + b"\0" * 50 + whole[150:]):
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(CommandError, match="damaged"):
            call_command("restore", str(tmp_path / "b.zip"))
    with pytest.raises(CommandError, match="is not a file"):
        call_command("restore", str(tmp_path / "missing.zip"))
