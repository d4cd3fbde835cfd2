"""The database or the cache hangs or is away: no page waits for longer than 5 s, what was read before is served with a
notice, the rest is refused in the look of the portal, and all is well when it is back.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.lab.postgresql import PostgreSQL
from tests.portal import LivePortal
from tests.redis import LiveRedis

pytestmark = pytest.mark.long

NOTICE = "This page is a stored copy"
LONGEST = 5.0  # seconds


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str
    seconds: float


def get(portal: LivePortal, path: str) -> Answer:
    started = time.monotonic()
    connection = HTTPConnection("127.0.0.1", portal.port, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return Answer(response.status, dict(response.getheaders()), text, time.monotonic() - started)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL() as running:
        yield running


def assert_degraded(portal: LivePortal) -> None:
    """Pages that were read before, and others, while the database does not answer."""
    with ThreadPoolExecutor(40) as visitors:
        answers = list(visitors.map(lambda path: get(portal, path), ["/en/", "/ja/guides/", "/v1.1/mail.ru"] * 13))
    assert max(answer.seconds for answer in answers) < LONGEST
    stored, refused, machine = answers[-3:]
    assert (stored.status, NOTICE in stored.text) == (200, True)
    assert (stored.headers["Cache-Control"], "ETag" in stored.headers) == ("no-store", False)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    assert 'class="site-head"' in refused.text
    assert "このページは現在ご利用いただけません" in refused.text
    assert (machine.status, machine.headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
    staff = get(portal, "/admin/guides/provider/")
    assert staff.status in (302, 503)
    assert "сохранённая копия" in get(portal, "/ru/errors/").text
    ready = get(portal, "/readyz")
    assert (ready.status, ready.seconds < LONGEST) == (503, True)
    assert json.loads(ready.text) == {"database": False, "migrations": False, "cache": True, "disk": True}
    assert get(portal, "/livez").status == 200


def assert_well_within(portal: LivePortal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while get(portal, "/v1.1/mail.ru").status != 200:
        assert time.monotonic() < until
        time.sleep(0.2)
    again = get(portal, "/en/")
    assert (again.status, NOTICE in again.text, "ETag" in again.headers) == (200, False, True)


def test_a_database_that_hangs_and_one_that_is_gone(postgresql: PostgreSQL, tmp_path: Path) -> None:
    url = postgresql.create("away")
    setting_up = LivePortal(tmp_path, {"DATABASE_URL": url})
    setting_up.manage("prepare")
    with LivePortal(tmp_path, {"DATABASE_URL": url}) as portal:
        for path in ("/en/", "/ru/errors/"):
            assert NOTICE not in get(portal, path).text
        postgresql.signal(signal.SIGSTOP)
        try:
            assert_degraded(portal)
        finally:
            postgresql.signal(signal.SIGCONT)
        assert_well_within(portal, 20)
        postgresql.stop()
        try:
            assert_degraded(portal)
        finally:
            postgresql.start()
        assert_well_within(portal, 20)
        log = portal.log.read_text()
    assert 1 <= log.count("The database does not answer") <= 4
    assert "Traceback" not in log
    assert "Service Unavailable: /v1.1" not in log  # Django's line for each answer of 5xx


def test_a_cache_that_hangs_holds_no_page(tmp_path: Path) -> None:
    with LiveRedis(tmp_path / "redis") as redis, LivePortal(tmp_path, {"CACHE_URL": redis.url}) as portal:
        for path in ("/en/", "/en/settings/unknown.example.net/", "/readyz"):
            assert get(portal, path).status in (200, 404)
        redis.signal(signal.SIGSTOP)
        try:
            for path in ("/en/", "/en/guides/", "/en/settings/another.example.net/", "/v1.1/third.example.net"):
                assert get(portal, path).seconds < LONGEST, path
            ready = get(portal, "/readyz")
        finally:
            redis.signal(signal.SIGCONT)
        assert (ready.status, json.loads(ready.text)["cache"]) == (200, False)
        time.sleep(2.5)
        assert json.loads(get(portal, "/readyz").text)["cache"] is True
