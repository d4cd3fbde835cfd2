"""The library version, and what is cached under it: a change is visible at once, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from guides.library_cache import (
    NO_CONTENT,
    content_models,
    library_cached,
    library_version,
    pinned_version,
    raise_version,
)
from guides.mail.accounts import Protocol, Security, Server, UsernameForm
from guides.models import ErrorArticle, ErrorText, LibraryVersion, Provider
from guides.services.own_domain import Change, make_own
from helpdesk.settings import BASE_DIR
from tests.library_files import write_library

pytestmark = pytest.mark.django_db

SERVERS = (
    Server(Protocol.IMAP, "imap.example.org", 993, Security.TLS, UsernameForm.ADDRESS),
    Server(Protocol.SMTP, "smtp.example.org", 465, Security.TLS, UsernameForm.ADDRESS),
)


def test_a_save_and_a_deletion_each_raise_the_version() -> None:
    seen = [library_version()]
    article = ErrorArticle.objects.create(slug="x")
    seen.append(library_version())
    text = ErrorText.objects.create(article=article, language="en", title="X", body="x")
    seen.append(library_version())
    text.title = "Y"
    text.save()
    seen.append(library_version())
    text.delete()
    seen.append(library_version())
    ErrorArticle.objects.filter(slug="x").delete()
    seen.append(library_version())
    assert len(set(seen)) == 6
    assert library_version() == seen[-1]


def test_what_writes_past_the_signals_raises_it_too() -> None:
    before = library_version()
    make_own(Change("example.org", SERVERS))
    made = library_version()
    make_own(Change("example.org", username=UsernameForm.LOCAL_PART))
    assert len({before, made, library_version()}) == 3


def test_a_transaction_that_is_rolled_back_leaves_the_old_version_and_its_values() -> None:
    before = library_version()
    library_cached("providers", Provider.objects.count)
    with transaction.atomic():
        Provider.objects.create(slug="new", name="New")
        assert library_cached("providers", Provider.objects.count) == 1
        transaction.set_rollback(True)
    assert library_version() == before
    assert library_cached("providers", Provider.objects.count) == 0


def test_it_is_one_cheap_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        library_version()
    with django_assert_num_queries(1), pinned_version() as version:
        assert {library_version() for _ in range(3)} == {version}


def test_values_are_made_once_a_version() -> None:
    made: list[str] = []

    def value(name: str) -> str | None:
        return library_cached(name, lambda: made.append(name))

    for name in ("a", "b with blanks \n", "a", "b with blanks \n"):
        assert value(name) is None  # what is worth nothing is kept as well
    assert made == ["a", "b with blanks \n"]
    raise_version()
    value("a")
    assert len(made) == 3


def test_without_the_row_nothing_is_kept_until_the_next_change() -> None:
    LibraryVersion.objects.all().delete()
    assert library_version() != library_version()
    raise_version()
    assert library_version() == library_version()


def test_only_these_models_are_no_content() -> None:
    """A new table is content unless it is named here: a page that is not made anew is the worse fault."""
    assert {model.__name__ for model in NO_CONTENT} == {
        "LibraryVersion",
        "LoadedEntry",
        "SearchEntry",
        "SearchWord",
        "UnexplainedText",
    }
    assert len(content_models()) == 17


@pytest.mark.django_db(transaction=True)
def test_another_process_that_loads_the_library_is_noticed(tmp_path: Path) -> None:
    """Two processes and one database file: what `load_content` changes in one is seen by the other's next request."""
    library = write_library(tmp_path / "library")
    settings = {**os.environ, "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "helpdesk.settings"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=BASE_DIR, env=settings, capture_output=True, text=True, check=True
        )
        return done.stdout

    run("manage.py", "migrate", "--verbosity", "0")
    run("manage.py", "collectstatic", "--no-input", "--verbosity", "0")
    command = [sys.executable, "-c", _READER]
    with subprocess.Popen(command, cwd=BASE_DIR, env=settings, stdin=-1, stdout=-1, text=True) as reader:
        asked, answers = reader.stdin, reader.stdout
        assert asked is not None
        assert answers is not None

        def read(domain: str = "") -> list[str]:
            print(domain, file=asked, flush=True)
            return answers.readline().split()

        assert read("example.com") == ["False", "404"]
        run("manage.py", "load_content", str(library))
        assert read("example.com") == ["True", "404"]
        run("manage.py", "own_domain", "example.com", "--imap", "imap.x.com:993:tls", "--smtp", "smtp.x.com:465:tls")
        assert read("example.com") == ["True", "200"]
        asked.close()


_READER = """
import sys, django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost"})
for line in sys.stdin:
    page = client.get("/en/errors/")
    file = client.get("/v1.1/" + line.strip())
    print(b"/en/errors/full/" in page.content, file.status_code, flush=True)
"""
