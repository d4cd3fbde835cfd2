"""What the operator's monitors ask."""

from collections import namedtuple

import pytest
from django.db import DatabaseError
from django.test import Client

from helpdesk import health, healthcheck
from tests.portal import free_port


def test_livez_needs_no_database(client: Client) -> None:
    # Without the django_db mark any query would fail this test.
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_says_what_it_looked_at(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"database": True, "migrations": True, "cache": True, "disk": True}


@pytest.mark.django_db
def test_readyz_fails_on_a_full_disk(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _path: usage(100, 99, 1))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["disk"] is False


def test_readyz_fails_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(health.connection, "cursor", gone)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] is False


def test_robots_keep_out_of_the_staff_pages(client: Client) -> None:
    assert b"Disallow: /admin/" in client.get("/robots.txt").content


def test_the_container_check_tells_a_dead_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(free_port()))
    assert healthcheck.main() == 1
