"""What an operator gets with an https BASE_URL, and what is off unless they ask for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from tests.portal import ROOT

NAMES = (
    "DEBUG", "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
    "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_SAMESITE", "PASSWORD_HASHERS",
)  # fmt: skip


def test_with_https_cookies_are_bound_to_the_host_and_browsers_keep_to_https(tmp_path: Path) -> None:
    program = (
        f"from django.conf import settings; import json; print(json.dumps([getattr(settings, n) for n in {NAMES}]))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "BASE_URL": "https://help.example.net",
        "DJANGO_SETTINGS_MODULE": "helpdesk.settings",
    }
    made = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert dict(zip(NAMES, json.loads(made.stdout), strict=True)) == {
        "DEBUG": False,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SECURE_SSL_REDIRECT": True,
        "SESSION_COOKIE_NAME": "__Host-session",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": "__Host-csrf",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
    }


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/en/", "/en/test/", "/v1.1/mail.ru", "/readyz"])
def test_trace_repeats_nothing(client: Client, path: str) -> None:
    response = client.generic("TRACE", path, headers={"X-Own": "repeated"})
    assert response.status_code == 405
    assert b"repeated" not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/static/", "/static/js/", "/static/../manage.py", "/.git/config", "/data/secret_key"]
)
def test_no_folder_is_listed_and_no_other_file_given(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_what_the_image_copies_is_not_ignored() -> None:
    copied = [line.split()[1:-1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("COPY ")]
    sources = {source for sources in copied if "--from=build" not in sources for source in sources}
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sources == let_through
