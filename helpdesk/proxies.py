"""Which address a request comes from, when proxies stand before the portal; and proxies that nobody told it of.

Behind a proxy that TRUSTED_PROXIES does not name, every visitor has the proxy's address, and all share one visitor's
limits. Such a proxy is noted as an empty file of DATA_DIR, so that `check --deploy` sees what a serving process saw.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.http import HttpRequest, HttpResponseBase

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

NOTED_SECONDS = 3600  # one line in the log and one touch of the file in this time
REMEMBERED_SECONDS = 7 * 86400  # an address that has not been seen for so long is no proxy any more
MOST_NOTED = 20

# `192.0.2.1:4444` (Azure, IIS), `[2001:db8::1]`, `[2001:db8::1]:4444`
_WITH_PORT = re.compile(r"(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?")

_noted: dict[str, float] = {}  # address -> when this process noted it last


def trusted_proxy(get_response: GetResponse) -> GetResponse:
    """Take the visitor's address from X-Forwarded-For, but only as far as trusted proxies wrote it.

    The list is read from its end: each proxy appends the address that it saw. The first address that is not a
    trusted proxy's is the visitor's; whatever stands before it is the visitor's own invention.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        address = _address(request.META.get("REMOTE_ADDR", ""))
        if address is None:  # a Unix socket
            return get_response(request)
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        if _is_trusted(address):
            for hop in reversed(forwarded.split(",")):
                seen = _address(hop)
                if seen is None:
                    break
                address = seen
                if not _is_trusted(address):
                    break
        elif forwarded and not address.is_global:  # from a public address the header is a visitor's invention
            _note(str(address))
        request.META["REMOTE_ADDR"] = str(address)
        return get_response(request)

    return middleware


def unnamed() -> list[str]:
    """Where requests with X-Forwarded-For came from in the last week, but for what TRUSTED_PROXIES names."""
    oldest = time.time() - REMEMBERED_SECONDS
    found = []
    for file in _files():
        address = _address(file.name)
        if address is not None and not _is_trusted(address) and file.stat().st_mtime > oldest:
            found.append(str(address))
    return sorted(found)


def forget() -> int:
    """Delete the notes of proxies that were not seen for a week; returns how many."""
    oldest = time.time() - REMEMBERED_SECONDS
    old = [file for file in _files() if file.stat().st_mtime <= oldest]
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def check(app_configs: object, **options: object) -> list[checks.CheckMessage]:  # noqa: ARG001  # Django's signature
    """For `manage.py check --deploy`."""
    return [
        checks.Warning(
            f"Requests come through a proxy at {address} that TRUSTED_PROXIES does not name.",
            hint="All visitors behind it share one visitor's limits. Name its network.",
            id="helpdesk.W001",
        )
        for address in unnamed()
    ]


def _address(text: str) -> IPAddress | None:
    """An IP address as proxies write it: with a port, in brackets, IPv4-mapped; None when it is none."""
    text = text.strip()
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((match[1] or match[2]) if match else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: IPAddress) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "unnamed-proxies"


def _files() -> list[Path]:
    folder = _folder()
    return list(folder.iterdir()) if folder.is_dir() else []


def _note(address: str) -> None:
    now = time.monotonic()
    if now - _noted.get(address, -NOTED_SECONDS) < NOTED_SECONDS:
        return
    if address not in _noted and len(_noted) >= MOST_NOTED:
        return
    _noted[address] = now
    logger.warning(
        "A request with X-Forwarded-For came from %s, which TRUSTED_PROXIES does not name: "
        "all visitors behind it share one visitor's limits",
        address,
    )
    with suppress(OSError):  # a full or read-only disk: the log has it
        _folder().mkdir(mode=0o700, exist_ok=True)
        (_folder() / address).touch(mode=0o600)
