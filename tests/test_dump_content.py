"""`dump_content`: what it writes, `load_content` reads back without loss."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from guides import models
from guides.library.entries import Library, fingerprint
from guides.library.loading import load_folder
from guides.library.reading import SHIPPED, read_library
from guides.library.rows import StoredLibrary, entry_of
from tests.factories import make_article, make_client, make_guide, make_notice, make_pattern, make_provider
from tests.library_files import write_library

pytestmark = [pytest.mark.django_db, pytest.mark.long]

TABLES = [
    models.Provider,
    models.ProviderDomain,
    models.SuffixRule,
    models.ProviderServer,
    models.ProviderText,
    models.MailClient,
    models.ClientVersion,
    models.Guide,
    models.GuideText,
    models.ErrorArticle,
    models.ArticleClass,
    models.FormerArticle,
    models.ErrorText,
    models.ErrorPattern,
]
# A row's number, its saves and their time are the database's own; references are compared by name.
OWN = {"id", "version", "updated_at"}


def database() -> dict[str, list[Any]]:
    """Every column of every row, in an order that does not depend on when a row was made."""
    return {
        table.__name__: sorted(
            str({each.name: str(getattr(row, each.name)) for each in table._meta.fields if each.name not in OWN})
            for row in table._default_manager.all()
        )
        for table in TABLES
    }


def empty_database() -> None:
    for table in (models.ErrorArticle, models.Guide, models.MailClient, models.Provider):
        table._default_manager.all().delete()


def said(library: Library) -> set[str]:
    return {fingerprint(entry) for entry in library.entries()}


@pytest.mark.parametrize("library", ["shipped", "small"])
def test_a_loaded_library_comes_back_as_it_was(library: str, tmp_path: Path) -> None:
    source = SHIPPED if library == "shipped" else write_library(tmp_path / "library")
    load_folder(source)
    before = database()
    assert all(before[table.__name__] for table in (models.Provider, models.ProviderText, models.GuideText))

    call_command("dump_content", str(tmp_path / "dump"), verbosity=0)
    original, faults = read_library(source)
    dumped, more = read_library(tmp_path / "dump")
    assert not faults
    assert not more
    assert said(dumped) == said(original)

    empty_database()
    load_folder(tmp_path / "dump", overwrite=True)
    assert database() == before


def test_what_staff_wrote_comes_back_as_it_was(tmp_path: Path) -> None:
    provider = make_provider(
        "163",
        domains=("163.example", "xn--r8jz45g.example"),
        password="auth_code",
        password_pattern="^[A-Z]{16}$",
        must_enable=True,
        is_own=True,
        help_url="https://163.example/#a:b",
        app_name="no",
        sources="- a\n# b\n{c}",
        doubts="'quoted' \"twice\"",
        checked_on=date(2026, 2, 28),
        position=0,
    )
    models.SuffixRule.objects.create(provider=provider, kind="domain", suffix="sub.163.example")
    models.SuffixRule.objects.create(provider=provider, kind="mx", suffix="mx.163.example")
    make_notice(provider, "ja", body="まず、認証コード。", password_name="null", username_name="163")
    client = make_client(
        "bat", versions=("v1", "v2"), aliases="ザ・バット, Летучая мышь", retired=True, speaks_pop3=False
    )
    make_guide("bat", client=client, languages=("ja", "en", "ru"), position=3)
    make_guide("what-is", topic=True, languages=("en",))
    models.GuideText.objects.filter(guide__slug="what-is").update(
        title="---", summary="2026-11-24", sources="true\n1e3"
    )
    article = make_article("full", classes=("mbox.overquota", "rcpt.full"), owner="nobody", languages=("ru",))
    make_pattern(article, provider=provider, example="one\ntwo: quota exceeded", priority=10, source="a: b #c")
    before = database()

    call_command("dump_content", str(tmp_path), verbosity=0)
    empty_database()
    assert not any(database().values())
    load_folder(tmp_path)
    assert database() == before


def test_every_row_amounts_to_the_entry_of_its_file() -> None:
    load_folder(SHIPPED)
    stored = StoredLibrary()

    for entry in stored.library.entries():
        assert fingerprint(entry_of(stored.row_of[entry.key])) == fingerprint(entry)


def test_a_whole_database_is_read_in_a_constant_number_of_queries(django_assert_max_num_queries: Any) -> None:
    load_folder(SHIPPED)

    with django_assert_max_num_queries(15):
        StoredLibrary()


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("slug: old")

    with pytest.raises(CommandError, match="is not an empty folder"):
        call_command("dump_content", str(tmp_path))
    assert (tmp_path / "old.yaml").read_text() == "slug: old"


def test_files_are_written_as_people_write_them(tmp_path: Path) -> None:
    load_folder(write_library(tmp_path / "library"))
    call_command("dump_content", str(tmp_path / "dump"), verbosity=0)

    provider = (tmp_path / "dump/providers/example.yaml").read_text(encoding="utf-8")
    assert provider.startswith("slug: example\nname: Example\npassword: app_password\n")
    assert "where" not in provider
    text = (tmp_path / "dump/guides/bird/ja.md").read_text(encoding="utf-8")
    assert text.startswith("---\ntitle: 鳥\nstatus: published\nchecked_on: 2026-11-24\n---\n::: steps\n")
