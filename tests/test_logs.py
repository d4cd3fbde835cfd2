"""Logs as JSON: one line a fault, the number of its request, and nothing of the visitor."""

from __future__ import annotations

import json
import logging
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from helpdesk.logs import JsonFormatter
from tests.portal import LivePortal


def test_a_fault_is_one_line_without_its_words() -> None:
    try:
        raise ValueError("the visitor typed\nhunter2")
    except ValueError:
        record = logging.LogRecord(
            "django.request", logging.ERROR, "", 1, "at %s", ("/anna@x.example",), sys.exc_info()
        )
    line = JsonFormatter().format(record)
    said = json.loads(line)
    assert "\n" not in line
    assert (said["fault"], said["message"]) == ("ValueError", "at /***@x.example")
    assert "test_logs.py" in said["at"][0]
    assert "hunter2" not in line


def test_a_portal_logs_json_and_each_answer_has_the_number_of_its_line(tmp_path: Path) -> None:
    with LivePortal(tmp_path, {"LOG_FORMAT": "json"}) as portal:
        connection = HTTPConnection("127.0.0.1", portal.port, timeout=60)
        connection.request("GET", "/v1.1/annakovacs@mail.ru?x=annakovacs", headers={"X-Request-ID": "mine"})
        number = connection.getresponse().headers["X-Request-ID"]
        connection.close()
        portal.stop()
        lines = [json.loads(line) for line in portal.log.read_text().splitlines()]
    (line,) = [each for each in lines if each.get("request") == number]
    assert (line["method"], line["path"], line["logger"]) == ("GET", "/v1.1/***@mail.ru", "gunicorn.access")
    assert "annakovacs" not in json.dumps(lines)
    assert len(number) == 16


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "please give this number"), ("ja", "この番号をお知らせください"), ("ru", "укажите этот номер")],
)
def test_the_page_of_a_fault_gives_the_number(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: Any, language: str, words: str
) -> None:
    def broken(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr("guides.views.errors.render", broken)
    client.raise_request_exception = False
    answer = client.get(f"/{language}/errors/")
    assert answer.status_code == 500
    assert f"{answer.headers['X-Request-ID']}</p>" in answer.content.decode()
    assert words in answer.content.decode()


def test_whom_to_tell_of_a_security_fault(client: Client, settings: Settings) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT, settings.BASE_URL = "mailto:security@example.net", "https://help.example.net"
    lines = client.get("/.well-known/security.txt").content.decode().splitlines()
    assert lines[0] == "Contact: mailto:security@example.net"
    assert lines[1].startswith("Expires: 20")
    assert lines[2] == "Canonical: https://help.example.net/.well-known/security.txt"
