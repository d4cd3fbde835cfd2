"""`/metrics`: private, the sum of all processes, and without anything of a visitor."""

from __future__ import annotations

import os
import re
import signal
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from guides.limits.shared_cache import Refused
from tests.portal import LivePortal

TOKEN = "a-token-for-prometheus-0123456789"


def read(text: str) -> dict[str, float]:
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {f"{each.name}{sorted(each.labels.items())}": each.value for each in samples}


def test_it_is_private(client: Client, settings: Settings) -> None:
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}x"}).status_code == 401
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert b"helpdesk_request_seconds" in answer.content


@pytest.mark.django_db
def test_what_is_counted_has_names_of_routes_and_of_limits_only(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    for path in ("/en/guides/", "/en/settings/birds.example.net/", "/annakovacs@example.net", "/admin/login/"):
        client.get(path)
    Refused("visitor_hour", 60)
    text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    found = read(text)
    assert found["helpdesk_request_seconds_count[('route', 'guides'), ('status', '200')]"] >= 1
    assert found["helpdesk_request_seconds_count[('route', 'none'), ('status', '404')]"] >= 1
    assert found["helpdesk_request_seconds_count[('route', 'admin'), ('status', '200')]"] >= 1
    assert found["helpdesk_refusals_total[('limit', 'visitor_hour')]"] >= 1
    for personal in ("anna", "birds", "example", "127.0.0.1"):
        assert personal not in text


def test_all_processes_are_added_up(tmp_path: Path) -> None:
    environment = {"WEB_CONCURRENCY": "2", "METRICS_TOKEN": TOKEN}
    with LivePortal(tmp_path, environment) as portal:

        def ask(path: str) -> str:
            connection = HTTPConnection("127.0.0.1", portal.port, timeout=60)
            connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
            body: bytes = connection.getresponse().read()
            connection.close()
            return body.decode()

        def homes() -> float:
            found = read(ask("/metrics"))
            return found["helpdesk_request_seconds_count[('route', 'home'), ('status', '200')]"]

        for _ in range(30):
            ask("/en/")
        assert {homes() for _ in range(10)} == {30}
        assert portal.process is not None
        children = Path(f"/proc/{portal.process.pid}/task/{portal.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        assert homes() == 30
        environ = Path(f"/proc/{children[1]}/environ").read_bytes()
        assert b"PROMETHEUS" not in environ  # set while it runs, for this gunicorn alone
        folders = set(re.findall(r"\S*helpdesk-metrics-\S*", Path(f"/proc/{children[1]}/maps").read_text()))
        assert folders
        portal.process.terminate()
        portal.process.wait(60)
    assert not any(Path(each).exists() for each in folders)


def test_a_token_that_can_be_guessed_stops_the_start(tmp_path: Path) -> None:
    portal = LivePortal(tmp_path, {"METRICS_TOKEN": "short"})
    with pytest.raises(AssertionError, match="METRICS_TOKEN is too short"):
        portal.manage("check")
