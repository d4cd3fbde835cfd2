"""PostgreSQL: the portal prepares itself there, works there, and its search answers as on SQLite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.lab.postgresql import PostgreSQL
from tests.portal import LivePortal

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
SECONDS = 600  # a busy machine is no failure
# What touches the database's own ways: constraints, upserts, locks, the loader, the admin, the search.
SUITE = (
    "tests/test_admin.py::TestTwoSavers",
    "tests/test_load_content.py",
    "tests/test_models.py",
    "tests/test_page_search.py::test_no_query_fails",
    "tests/test_pattern_admin.py::TestWorkList",
    "tests/test_search.py",
    "tests/test_search_index.py",
    "tests/test_unexplained.py",
)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as running:
        yield running


def run(*arguments: str, folder: Path, url: str = "", settings: str = "helpdesk.settings", **more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATA_DIR", "DATABASE_URL")}
    environment |= {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": settings, **more}
    environment |= {"DATABASE_URL": url} if url else {}
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_both_databases_give_the_same_results_in_the_same_order(postgresql: PostgreSQL, tmp_path: Path) -> None:
    url = postgresql.create("portal")
    answers: list[dict[str, Any]] = []
    for name, address in (("postgresql", url), ("sqlite", "")):
        folder = tmp_path / name
        assert "created" in run("manage.py", "prepare", folder=folder, url=address)
        assert "unchanged" in run("manage.py", "load_content", folder=folder, url=address)  # a second start
        answers.append(json.loads(run("-m", "tests.search_answers", folder=folder, url=address)))
    ours, theirs = answers
    assert (ours["vendor"], theirs["vendor"]) == ("postgresql", "sqlite")
    assert sum(bool(each["hits"]) for each in ours["answers"].values()) > 30
    for query, answer in theirs["answers"].items():
        assert ours["answers"][query] == answer, query


def test_the_tests_that_know_a_database_pass_on_postgresql(postgresql: PostgreSQL, tmp_path: Path) -> None:
    url = postgresql.create("suite")
    options = ("-q", "-p", "no:cacheprovider", "--create-db")
    said = run("-m", "pytest", *options, *SUITE, folder=tmp_path, url=url, settings="tests.settings")
    assert " passed" in said


NOTING = "from guides.services.unexplained import note; [note('550 odd') for _ in range(25)]"
COUNTING = "from guides.models import UnexplainedText; print('counted', UnexplainedText.objects.get().count)"


@pytest.mark.parametrize("vendor", ["postgresql", "sqlite"])
def test_counting_at_the_same_time_loses_nothing(postgresql: PostgreSQL, tmp_path: Path, vendor: str) -> None:
    url = postgresql.create("counting") if vendor == "postgresql" else ""
    run("manage.py", "migrate", "--verbosity=0", folder=tmp_path, url=url)
    arguments = ("manage.py", "shell", "--verbosity=0", "--command")
    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(run, *arguments, NOTING, folder=tmp_path, url=url) for _ in range(3)]:
            each.result()
    assert "counted 75" in run(*arguments, COUNTING, folder=tmp_path, url=url)


SLEEPING = "from django.db import connection; connection.cursor().execute('SELECT pg_sleep(6)'); print('slept')"


def test_a_statement_of_a_page_is_cut_and_one_of_a_command_is_not(postgresql: PostgreSQL, tmp_path: Path) -> None:
    url = postgresql.create("limits")
    arguments = ("manage.py", "shell", "--verbosity=0", "--no-imports", "--command", SLEEPING)
    assert "slept" in run(*arguments, folder=tmp_path, url=url)
    with pytest.raises(AssertionError, match="canceling statement due to statement timeout"):
        run(*arguments, folder=tmp_path, url=url, DATABASE_LIMITS="on")


def test_more_pages_at_once_than_the_server_has_connections(postgresql: PostgreSQL, tmp_path: Path) -> None:
    url = postgresql.create("pages")
    run("manage.py", "prepare", folder=tmp_path, url=url)

    with (
        LivePortal(tmp_path, {"DATABASE_URL": url}) as portal,
        ThreadPoolExecutor(150) as visitors,
        psycopg.connect(url) as server,
    ):

        def status_of(path: str) -> int:
            connection = HTTPConnection("127.0.0.1", portal.port, timeout=60)
            connection.request("GET", path)
            status = connection.getresponse().status
            connection.close()
            return status

        statuses = Counter(visitors.map(status_of, ["/en/", "/ja/errors/", "/ru/guides/thunderbird/"] * 50))
        opened = server.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = 'pages'").fetchone()
        most = server.execute("SHOW max_connections").fetchone()
    assert statuses == {200: 150}, portal.log.read_text()[-3000:]
    assert most == ("100",)
    assert opened is not None
    assert 2 <= opened[0] <= 11  # the pool's ten, and this test's own


def test_migrations_can_be_taken_back(postgresql: PostgreSQL, tmp_path: Path) -> None:
    url = postgresql.create("backwards")
    for address in (url, ""):
        run("manage.py", "migrate", "--verbosity=0", folder=tmp_path, url=address)
        run("manage.py", "migrate", "--verbosity=0", "guides", "0001", folder=tmp_path, url=address)
        run("manage.py", "migrate", "--verbosity=0", folder=tmp_path, url=address)


def test_two_replicas_prepare_an_empty_database_at_once(postgresql: PostgreSQL, tmp_path: Path) -> None:
    url = postgresql.create("replicas")
    folders = [tmp_path / name for name in ("one", "two")]  # of two machines
    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(lambda folder: run("manage.py", "prepare", folder=folder, url=url), folders), key=len)
    assert "A staff account was made" not in said[0]
    assert "A staff account was made" in said[1]
