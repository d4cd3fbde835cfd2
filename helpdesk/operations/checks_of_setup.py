"""Checks of settings, proxies, files and the clock. None of them needs the database."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from helpdesk import proxies
from helpdesk.operations.findings import Finding

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_SAID_HERE = ("helpdesk.W001", "security.W018")  # unnamed proxies, DEBUG
_EVERYBODY = 8  # bits: a network this large is not the operator's own


def settings_fit() -> Iterator[Finding]:
    """What makes sense by itself and not together; misspelt names, which nothing reads."""
    try:
        from helpdesk import gunicorn  # reads settings of its own
    except ImproperlyConfigured as error:
        yield Finding(str(error), "Correct this setting; gunicorn does not start with it.")
        return
    is_public = bool(settings.BASE_URL) and urlsplit(settings.BASE_URL).hostname not in LOOPBACK_NAMES
    if settings.DEBUG and is_public:
        yield Finding("DEBUG is on: faults show settings to visitors.", "Remove DEBUG.")
    if is_public and not settings.HTTPS:
        yield Finding(
            "BASE_URL is http: passwords travel in the clear.", "Put a proxy with TLS in front; BASE_URL=https://..."
        )
    if not settings.BASE_URL:
        yield Finding("BASE_URL is not set.", "Set it to the portal's public address.", is_advice=True)
    local_memory = "locmem" in str(settings.CACHES["default"])
    if gunicorn.workers > 1 and local_memory:
        yield Finding(
            "Several processes without CACHE_URL: each counts limits for itself.", "Set CACHE_URL=redis://..."
        )
    known = settings.SETTING_NAMES | gunicorn.SETTING_NAMES
    for name in sorted(os.environ):
        plain = name.removesuffix("_FILE")
        if plain in known or not name.isupper():
            continue
        meant = get_close_matches(plain, known, 1, 0.85)
        if meant or name.startswith("LIMIT_"):
            cure = f"Is {meant[0]} meant?" if meant else "docs/settings.md lists all settings."
            yield Finding(f"{name} is no setting, so nothing reads it.", cure)
    if settings.HTTPS:
        for message in checks.run_checks(include_deployment_checks=True):
            if message.level >= checks.WARNING and message.id not in _SAID_HERE:
                yield Finding(str(message.msg), str(message.hint or message.id))


def proxies_are_named() -> Iterator[Finding]:
    """X-Forwarded-For is believed from the operator's proxies, and from nothing else."""
    for address in proxies.unnamed():
        yield Finding(
            f"Requests come through a proxy at {address} that TRUSTED_PROXIES does not name: visitors share one limit.",
            f"Add {address} to TRUSTED_PROXIES.",
        )
    for network in settings.TRUSTED_PROXIES:
        if network.prefixlen < _EVERYBODY:
            yield Finding(
                f"TRUSTED_PROXIES has {network}: any visitor can pretend to have any address.",
                "Name the proxy's network alone.",
            )
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        yield Finding("TRUSTED_PROXIES is empty.", "Name the proxy that does TLS for the portal.", is_advice=True)


def files_are_private() -> Iterator[Finding]:
    """Database, keys and passwords are for the portal's user alone."""
    folder = Path(settings.DATA_DIR)
    named = [
        Path(value)
        for name, value in os.environ.items()
        if name.removesuffix("_FILE") in settings.SETTING_NAMES and name.endswith("_FILE")
    ]
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    for path in (folder, *files, *named):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXO | stat.S_IWGRP):
            yield Finding(f"{path} is open to other users.", f"chmod {'700' if path.is_dir() else '600'} {path}")
    if folder.is_dir() and not os.access(folder, os.W_OK):
        yield Finding(
            f"{folder} cannot be written by this user.",
            f"chown it to user {os.geteuid()}, or run this as the portal's user.",
        )


def files_are_made() -> Iterator[Finding]:
    """Static files and translations, which `prepare` makes."""
    if not Path(settings.STATIC_ROOT, "staticfiles.json").is_file():
        yield Finding("Static files are missing: pages have no style.", "Run manage.py prepare.")
    for folder in settings.LOCALE_PATHS:
        for source in Path(folder).glob("*/LC_MESSAGES/*.po"):
            if not source.with_suffix(".mo").is_file():
                yield Finding(f"{source.with_suffix('.mo')} is missing.", "Run manage.py prepare.")


def clock_is_right() -> Iterator[Finding]:
    """Certificates, second factors and limits depend on it. The release's own files cannot be of the future."""
    newest = max(path.stat().st_mtime for path in Path(settings.BASE_DIR, "helpdesk").glob("*.py"))
    now = time.time()
    if now < newest - 86_400:
        said = datetime.fromtimestamp(now, UTC).date()
        yield Finding(
            f"The clock says {said}, before this release was made.", "Set the clock; run chrony or systemd-timesyncd."
        )
    timesync = Path("/run/systemd/timesync")
    if timesync.is_dir() and not (timesync / "synchronized").exists():
        yield Finding(
            "systemd-timesyncd has not set the clock yet.", "Look at timedatectl timesync-status.", is_advice=True
        )
