"""`manage.py doctor` finds what is wrong with an installation, and is silent about one that is right."""

from __future__ import annotations

import time
from collections import namedtuple
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django.fixtures import Settings

from guides.models import Provider, ProviderServer
from helpdesk.operations import checks_of_data, checks_of_network, doctor
from helpdesk.operations.doctor import Level, Result
from tests.lab import Lab
from tests.lab.certificates import make_certificate, pem
from tests.portal import free_port

NETWORK = {"DNS", "outgoing ports"}


class Installation:
    """What faults are planted into."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.settings = settings
        self.monkeypatch = monkeypatch
        self.folder = folder

    def set(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self.settings, name, value)

    def cache_is_down(self) -> None:
        backend = "django.core.cache.backends.redis.RedisCache"
        self.set(
            CACHES={
                **self.settings.CACHES,
                "default": {"BACKEND": backend, "LOCATION": f"redis://127.0.0.1:{free_port()}"},
            }
        )

    def proxy_is_seen(self) -> None:
        (self.folder / "unnamed-proxies").mkdir()
        (self.folder / "unnamed-proxies" / "10.9.8.7").touch()

    def authority_ends(self) -> None:
        soon = make_certificate(["ca.example.net"], None, ends=timedelta(days=3))
        (self.folder / "ca.pem").write_bytes(pem(soon))
        (self.folder / "ca.pem").chmod(0o600)
        self.set(EXTRA_CA_FILE=self.folder / "ca.pem")

    def disk_is_full(self) -> None:
        usage = namedtuple("usage", "total used free")
        self.monkeypatch.setattr(checks_of_data.shutil, "disk_usage", lambda _path: usage(100, 99, 1))

    def database_is_gone(self) -> None:
        def gone() -> None:
            raise DatabaseError("no such server")

        self.monkeypatch.setattr(connection, "cursor", gone)

    def clock_is_wrong(self) -> None:
        self.monkeypatch.setattr(time, "time", lambda: 86_400.0)

    def migration_is_missing(self) -> None:
        MigrationRecorder(connection).record_unapplied("guides", "0003_publish")

    def database_is_newer(self) -> None:
        MigrationRecorder(connection).record_applied("guides", "9999_later")


PLANTED: dict[str, tuple[str, Callable[[Installation], object], str]] = {
    "DEBUG for all": ("settings", lambda at: at.set(DEBUG=True), "Remove DEBUG"),
    "passwords in the clear": ("settings", lambda at: at.set(HTTPS=False), "Put a proxy with TLS"),
    "a misspelt name": ("settings", lambda at: at.monkeypatch.setenv("TRUSTED_PROXY", "::1"), "Is TRUSTED_PROXIES meant?"),
    "an unknown limit": ("settings", lambda at: at.monkeypatch.setenv("LIMIT_WHALES", "1"), "docs/settings.md"),
    "limits of each process": ("settings", lambda at: at.monkeypatch.setattr("helpdesk.gunicorn.workers", 2), "CACHE_URL"),
    "a proxy without a name": ("proxy headers", Installation.proxy_is_seen, "Add 10.9.8.7 to TRUSTED_PROXIES"),
    "proxies without limit": ("proxy headers", lambda at: at.set(TRUSTED_PROXIES=(ip_network("0.0.0.0/0"),)), "Name the proxy"),
    "a database for all": ("file modes", lambda at: (at.folder / "portal.sqlite3").chmod(0o644), "chmod 600"),
    "a folder for all": ("file modes", lambda at: at.folder.chmod(0o755), "chmod 700"),
    "no static files": ("prepared", lambda at: (at.folder / "static/staticfiles.json").unlink(), "manage.py prepare"),
    "a clock of 1970": ("clock", Installation.clock_is_wrong, "Set the clock"),
    "a full disk": ("disk", Installation.disk_is_full, "Make room"),
    "no database": ("database", Installation.database_is_gone, "Start it, or correct DATABASE_URL"),
    "a migration that is missing": ("migrations", Installation.migration_is_missing, "Run manage.py prepare"),
    "a newer database": ("migrations", Installation.database_is_newer, "docs/upgrade.md"),
    "no cache": ("cache", Installation.cache_is_down, "Start Valkey or Redis"),
    "an authority that ends": ("certificates", Installation.authority_ends, "Renew it"),
    "no authorities": ("certificates", lambda at: at.monkeypatch.setattr(checks_of_network.ssl, "get_default_verify_paths", namedtuple("Paths", "cafile capath", defaults=(None, None))), "ca-certificates"),
}  # fmt: skip


def faults(results: list[Result]) -> dict[str, str]:
    return {each.check: f"{each.words} {each.cure}" for each in results if each.level is Level.FAULT}


@pytest.fixture
def sound(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Installation:
    """An installation that is right, but for the network, which tests do not have."""
    settings.BASE_URL, settings.HTTPS = "https://help.example.net", True
    settings.DATA_DIR = tmp_path
    settings.STATIC_ROOT = tmp_path / "static"
    settings.TRUSTED_PROXIES = (ip_network("127.0.0.1"),)
    for name in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"):  # fmt: skip
        setattr(settings, name, True)
    settings.SECURE_HSTS_SECONDS = 31_536_000
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "staticfiles.json").touch()
    tmp_path.chmod(0o700)
    (tmp_path / "portal.sqlite3").touch(0o600)
    for name in NETWORK:
        monkeypatch.setitem(doctor._CHECKS, name, lambda: iter(()))
    return Installation(settings, monkeypatch, tmp_path)


@pytest.mark.django_db
def test_a_sound_installation_has_no_fault(sound: Installation) -> None:
    results = list(doctor.look())
    assert faults(results) == {}
    assert len(results) >= 12


@pytest.mark.django_db
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, sound: Installation) -> None:
    check, plant, cure = PLANTED[fault]
    plant(sound)
    found = faults(list(doctor.look()))
    caches.close_all()
    assert cure in found[check]
    assert set(found) <= {check, "migrations"}  # without a database nothing is known of its migrations


@pytest.mark.django_db
def test_silent_name_servers_are_found() -> None:
    results = {each.check: each for each in doctor.look()}
    assert "do not answer for gmail.com: dns." in results["DNS"].words


@pytest.mark.django_db
def test_the_command_says_what_to_do_and_ends_with_1(sound: Installation) -> None:
    said, count = StringIO(), StringIO()
    sound.set(DEBUG=True)
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=said, stderr=count)
    assert ended.value.code == 1
    assert "MEND    settings: DEBUG is on: faults show settings to visitors. Remove DEBUG." in said.getvalue()
    assert "ok      disk" in said.getvalue()
    assert "1 to mend." in count.getvalue()


@pytest.mark.lab
@pytest.mark.django_db
def test_ports_that_are_closed_for_this_machine_are_found(portal_at_lab: Lab) -> None:
    own = Provider.objects.create(slug="lab", name="Lab", is_own=True)
    own.domains.create(domain="lab.test")
    ports = portal_at_lab.ports
    ProviderServer.objects.create(provider=own, protocol="imap", host="imap.lab.test", port=ports.imaps, security="tls")
    assert faults(list(doctor.look())).keys() & NETWORK == set()
    ProviderServer.objects.create(
        provider=own, protocol="pop3", host="closed.lab.test", port=ports.pop3s, security="tls"
    )
    found = faults(list(doctor.look()))
    assert f"Port {ports.pop3s}: closed.lab.test tcp.refused." in found["outgoing ports"]
    assert f"Port {ports.imaps}" not in found["outgoing ports"]
