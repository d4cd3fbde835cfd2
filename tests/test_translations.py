"""Every word of the portal's own is translated, and the catalogues hold exactly the words that the code has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).parent.parent
LANGUAGES = ("ja", "ru")


def catalogue(folder: Path, language: str) -> polib.POFile:
    return polib.pofile(str(folder / "locale" / language / "LC_MESSAGES" / "django.po"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_untranslated_or_fuzzy(language: str) -> None:
    po = catalogue(ROOT, language)
    assert len(po) > 400
    assert [entry.msgid for entry in po.untranslated_entries()] == []
    assert [entry.msgid for entry in po.fuzzy_entries()] == []
    assert [entry.msgid for entry in po.obsolete_entries()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_and_markup_survive_translation(language: str) -> None:
    def parts(text: str) -> list[str]:
        return sorted(re.findall(r"%\(\w+\)s|</?\w+[^>]*>", text))

    for entry in catalogue(ROOT, language):
        assert parts(entry.msgid) == parts(entry.msgstr), entry.msgid


def test_translations_are_in_their_language() -> None:
    same = {entry.msgid for entry in catalogue(ROOT, "ja") if entry.msgid == entry.msgstr}
    assert same <= {"IMAP", "POP3", "Google Play"}
    russian = [entry.msgstr for entry in catalogue(ROOT, "ru") if len(entry.msgid) > 15]
    assert [text for text in russian if not re.search(r"[А-Яа-я]", text)] == []


def test_catalogues_hold_what_the_code_says(tmp_path: Path) -> None:
    for name in ("guides", "helpdesk", "templates", "locale"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.md", "*.mo"))
    shutil.copy(ROOT / "manage.py", tmp_path)
    (tmp_path / "static").mkdir()
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", "ja", "-l", "ru", "--no-wrap", "--no-location"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "helpdesk.settings"},
    )
    for language in LANGUAGES:
        wanted = {(entry.msgctxt, entry.msgid) for entry in catalogue(tmp_path, language) if not entry.obsolete}
        assert {(entry.msgctxt, entry.msgid) for entry in catalogue(ROOT, language)} == wanted
