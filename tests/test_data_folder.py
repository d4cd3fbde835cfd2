"""The data folder: nobody but its owner reads it, and a missing database is not replaced by an empty one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from helpdesk.data_folder import make_private, make_sqlite, sqlite_name

ROOT = Path(__file__).parent.parent


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "helpdesk.settings"}
    for name in ("DATABASE_URL", "SECRET_KEY"):  # the key is made in the data folder
        environment.pop(name, None)
    command = ["sh", "-c", 'umask 022; exec "$@"', "sh", sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_what_others_could_read_they_cannot_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "static").mkdir(parents=True)
    folder.chmod(0o755)
    database = folder / "portal.sqlite3"
    database.touch(0o644)
    (folder / "link").symlink_to(tmp_path)
    make_private(folder)
    assert (mode(folder), mode(database)) == (0o700, 0o600)


def test_a_database_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "a b#?%.sqlite3"
    make_sqlite(sqlite_name(str(path)))
    assert mode(path) == 0o600
    path.write_bytes(b"kept")
    make_sqlite(sqlite_name(str(path)))
    assert path.read_bytes() == b"kept"
    make_sqlite("portal")  # PostgreSQL's
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_only_migrate_makes_a_database_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    refused = manage(data, "shell", "--command", "from guides.models import Provider; Provider.objects.count()")
    assert "unable to open database file" in refused.stderr
    assert not (data / "portal.sqlite3").exists()
    assert manage(data, "migrate", "--verbosity=0").returncode == 0
    counted = manage(data, "shell", "--command", "from guides.models import Provider; print(Provider.objects.count())")
    assert "0" in counted.stdout
    assert mode(data) == 0o700
    assert {mode(path) for path in data.iterdir() if path.is_file()} == {0o600}
