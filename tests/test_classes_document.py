"""`docs/classes.md` and the code name the same classes, with the same owners and articles."""

from pathlib import Path

import pytest

from guides.library.classes_document import BEGIN, END, library_articles, renewed, tables
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.meanings import FAMILIES, MEANINGS

ROOT = Path(__file__).parent.parent


def test_every_class_has_a_meaning_of_its_own() -> None:
    assert set(MEANINGS) == CLASSES
    assert len(set(MEANINGS.values())) == len(MEANINGS)
    assert {name.partition(".")[0] for name in CLASSES} == set(FAMILIES)


def test_the_document_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "classes.md").read_text(encoding="utf-8")
    generated = tables(library_articles(ROOT / "guides" / "library"))
    assert page == renewed(page, generated), "run `manage.py classes_document`"
    assert all(f"| `{name}` |" in page for name in CLASSES)
    assert "| `auth.app_password_required` | " in page
    assert "[app-password-required](../guides/library/errors/app-password-required/en.md)" in page


def test_a_page_without_its_marks_is_refused() -> None:
    assert renewed(f"before {BEGIN} old {END} after", "new") == f"before {BEGIN}\n\nnew\n\n{END} after"
    with pytest.raises(ValueError, match="marks"):
        renewed(f"before {BEGIN} old", "new")
