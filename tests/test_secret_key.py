"""SECRET_KEY when the operator gives none."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from helpdesk import secret_key


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    key = secret_key.kept_in(folder)
    assert len(key) >= 50
    assert secret_key.kept_in(folder) == key
    assert secret_key.kept_in(tmp_path / "other") != key


def test_only_the_owner_can_read_it_and_nothing_else_is_left(tmp_path: Path) -> None:
    secret_key.kept_in(tmp_path)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    script = (
        f"from pathlib import Path; from helpdesk import secret_key; print(secret_key.kept_in(Path({str(tmp_path)!r})))"
    )
    running = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    keys = {process.communicate(timeout=30)[0].strip() for process in running}
    assert len(keys) == 1
    assert len(keys.pop()) >= 50
    assert len(list(tmp_path.iterdir())) == 1
