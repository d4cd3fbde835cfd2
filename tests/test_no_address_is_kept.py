"""No mail address stays in a URL or gets into a log, whichever way a visitor or a mail client sends it."""

from __future__ import annotations

import logging
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.test import Client

from helpdesk.logs import AddressFreeFormatter
from tests.portal import LivePortal


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/en/test/", "/ja/guides/", "/ru/test/"])
@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("?at=anna@example.net", "?at=example.net"),
        ("?at=anna%40example.net&at=boris@example.net", "?at=example.net"),
        ("?at=anna@nowhere", ""),
        ("?page=2&at=anna@example.net&imap_host=imap.example.net", "?page=2&at=example.net&imap_host=imap.example.net"),
    ],
)
def test_an_address_leaves_the_url(client: Client, page: str, query: str, rest: str) -> None:
    response = client.get(page + query)
    assert (response.status_code, response["Location"]) == (302, page + rest)
    assert client.get(page + rest).status_code == 200


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (
            "GET /autodiscover/autodiscover.json/v1.0/anna@mail.ru 200",
            "GET /autodiscover/autodiscover.json/v1.0/***@mail.ru 200",
        ),
        ("Error handling request /en/test/?at=anna%40mail.ru", "Error handling request /en/test/?at=***%40mail.ru"),
        ("refused: 'anna.k+x@почта.рф' and <b@c.de>", "refused: '***@почта.рф' and <***@c.de>"),
        ("    @property\n    a @ b", "    @property\n    a @ b"),
    ],
)
def test_a_line_of_a_log_holds_no_local_part(line: str, written: str) -> None:
    record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "%s", (line,), None)
    assert AddressFreeFormatter("%(message)s").format(record) == written


def test_masking_a_long_line_takes_no_time() -> None:
    record = logging.LogRecord("guides", logging.INFO, "", 0, "/v1.1/" + "a" * 40_000, (), None)
    began = time.process_time()
    AddressFreeFormatter().format(record)
    assert time.process_time() - began < 1  # it took 17 s


def test_a_tracebacks_message_is_masked() -> None:
    try:
        raise ValueError("anna@mail.ru")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    text = AddressFreeFormatter().format(logging.LogRecord("x", logging.ERROR, __file__, 1, "broken", (), info))
    assert "ValueError: ***@mail.ru" in text


def test_a_portal_writes_no_address(tmp_path: Path) -> None:
    paths = (
        "/autodiscover/autodiscover.json/v1.0/annakovacs@mail.ru?Protocol=AutodiscoverV1",
        "/autodiscover/autodiscover.json?Email=annakovacs%40mail.ru&Protocol=AutodiscoverV1",
        "/mail/config-v1.1.xml?emailaddress=annakovacs@mail.ru",
        "/v1.1/annakovacs@mail.ru",
        "/en/test/?at=annakovacs@mail.ru",
        "/en/guides/thunderbird/?at=annakovacs%40mail.ru",
        "/en/settings/annakovacs@mail.ru/",
        "/annakovacs@mail.ru",
        "/annakovacs%2540mail.ru",
    )
    with LivePortal(tmp_path / "portal") as portal:
        for path in paths:
            connection = HTTPConnection("127.0.0.1", portal.port, timeout=30)
            connection.request("GET", path, headers={"Referer": f"{portal.url}/?annakovacs@mail.ru"})
            assert connection.getresponse().status < 500
            connection.close()
        portal.stop()
        log = portal.log.read_text()
    assert "***@mail.ru" in log
    assert "annakovacs" not in log
