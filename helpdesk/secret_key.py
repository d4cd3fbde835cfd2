"""SECRET_KEY when the operator gives none: made on the first start, kept in the data folder."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path


def kept_in(folder: Path) -> str:
    """Return the key kept in `folder`, after making it when there is none. Only the owner can read the file.

    Several processes may start at once: the key is written aside and linked into place, so the first wins
    and nobody reads half a key.
    """
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=folder)  # mode 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(aside, path)
        except FileExistsError:
            pass  # another process was faster; its key counts
        finally:
            Path(aside).unlink()
    return path.read_text(encoding="ascii")
