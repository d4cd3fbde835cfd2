"""SQLite under a portal that serves: its file is moved away, replaced, or on a full disk.

Pages that were read before come with a notice, all else is 503 with `Retry-After`, and nothing is a 500.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.portal import LivePortal
from tests.test_database_away import NOTICE, get

pytestmark = pytest.mark.long

READ = ("/en/", "/ru/errors/")
NOT_READ = ("/ja/guides/", "/en/errors/", "/en/settings/mail.ru/", "/en/search/?q=imap")
FOR_STAFF = ("/admin/", "/admin/guides/provider/", "/admin/guides/guidetext/1/change/")
FOR_MACHINES = ("/v1.1/mail.ru", "/mail/config-v1.1.xml?emailaddress=anna@mail.ru")


def sign_in(portal: LivePortal) -> tuple[int, str, str]:
    """Status, `Retry-After` and session cookie of an attempt with the right password."""
    page = get(portal, "/admin/login/")
    if page.status != 200:
        return page.status, page.headers["Retry-After"], ""
    token = page.headers["Set-Cookie"].split("csrf=")[1].split(";")[0]
    form = urlencode({"username": "anna", "password": portal.staff_password, "csrfmiddlewaretoken": token})
    headers = {"Cookie": f"csrf={token}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = _ask(portal, "POST", "/admin/login/?next=/admin/", headers, form)
    cookies = [value for name, value in answer.getheaders() if name == "Set-Cookie" and value.startswith("session=")]
    return answer.status, answer.getheader("Retry-After", ""), cookies[0].split(";")[0] if cookies else ""


def _ask(portal: LivePortal, method: str, path: str, headers: dict[str, str], body: str = "") -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", portal.port, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def assert_refused_in_the_look_of_the_portal(portal: LivePortal, cookie: str) -> None:
    """What needs the database and was not read before."""
    for path in NOT_READ:
        page = get(portal, path)
        assert (page.status, page.headers.get("Retry-After")) == (503, "30"), path
        assert 'class="site-head"' in page.text
    for path in FOR_STAFF:
        answer = _ask(portal, "GET", path, {"Cookie": cookie})
        assert (answer.status, answer.getheader("Retry-After")) == (503, "30"), path
    for path in FOR_MACHINES:
        page = get(portal, path)
        assert (page.status, page.headers["Content-Type"]) == (503, "text/plain; charset=utf-8"), path


def assert_well(portal: LivePortal, cookie: str) -> None:
    for path in (*READ, *NOT_READ, *FOR_MACHINES):
        page = get(portal, path)
        assert (page.status, NOTICE in page.text) == (200, False), path
    for path in FOR_STAFF:
        assert _ask(portal, "GET", path, {"Cookie": cookie}).status == 200, path
    assert get(portal, "/readyz").status == 200


def assert_never_broken(portal: LivePortal) -> None:
    log = portal.log.read_text()
    assert "Traceback" not in log
    assert " 500 " not in log


def ready(portal: LivePortal) -> dict[str, bool]:
    """What /readyz says is not well."""
    page = get(portal, "/readyz")
    assert page.status == 503
    return {name: well for name, well in json.loads(page.text).items() if not well}


def test_a_file_that_is_moved_away_and_comes_back(tmp_path: Path) -> None:
    with LivePortal(tmp_path / "portal") as portal:
        database = portal.data / "portal.sqlite3"
        _status, _retry, cookie = sign_in(portal)
        for path in READ:
            assert NOTICE not in get(portal, path).text
        database.rename(tmp_path / "away")
        for path in READ:
            page = get(portal, path)
            assert (page.status, "ETag" in page.headers) == (200, False)
        assert NOTICE in get(portal, "/en/").text
        assert_refused_in_the_look_of_the_portal(portal, cookie)
        assert sign_in(portal)[:2] == (503, "30")
        assert ready(portal) == {"database": False, "migrations": False}
        assert not database.exists()  # no empty one in its place
        assert get(portal, "/livez").status == 200
        (tmp_path / "away").rename(database)
        assert_well(portal, cookie)
        assert_never_broken(portal)


def test_a_file_that_is_replaced_is_read_at_once(tmp_path: Path) -> None:
    with LivePortal(tmp_path / "portal") as portal:
        database = portal.data / "portal.sqlite3"
        copy = tmp_path / "backup.sqlite3"
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        _status, _retry, cookie = sign_in(portal)
        assert cookie
        for _thread in range(8):
            assert _ask(portal, "GET", "/admin/", {"Cookie": cookie}).status == 200
        database.unlink()
        for each in ("-wal", "-shm"):
            Path(f"{database}{each}").unlink(missing_ok=True)
        copy.rename(database)
        for _thread in range(8):  # the backup does not know the session
            assert _ask(portal, "GET", "/admin/", {"Cookie": cookie}).status == 302
        assert sign_in(portal)[0] == 302
        assert_never_broken(portal)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MB, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("mounting a file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no octet free."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while True:
                    file.write(b"a" * size)
            except OSError:
                continue
    assert shutil.disk_usage(folder).free == 0
    return path


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    with LivePortal(small_disk / "portal") as portal:
        _status, _retry, cookie = sign_in(portal)
        get(portal, "/en/")
        filling = fill(small_disk)
        assert sign_in(portal)[:2] == (503, "30")  # it writes a session
        for path in (*READ, *NOT_READ, *FOR_MACHINES):
            assert get(portal, path).status == 200, path
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert _ask(portal, "POST", "/en/errors/find/", form, "text=550+5.7.999+of+no+list").status == 200
        assert ready(portal) == {"disk": False}
        filling.unlink()
        assert_well(portal, cookie)
        assert sign_in(portal)[0] == 302
        assert_never_broken(portal)
