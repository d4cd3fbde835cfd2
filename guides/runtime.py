"""What one process of the portal shares: its access to the network, and the loop that connection tests run on."""

from __future__ import annotations

import atexit
import time
from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from guides.mail.connection.loop import BackgroundLoop
from guides.mail.network import Egress, EgressConfig

_EGRESS_SETTINGS = frozenset(
    {"DNS_SERVERS", "ALLOWED_NETWORKS", "ALLOWED_PORTS", "ALLOWED_SUFFIXES", "EXTRA_CA_FILE", "EHLO_NAME"}
)

STOP_SECONDS = 7  # how long tests that are under way go on after the process was told to stop

_loop = BackgroundLoop()  # starts no thread before its first use
atexit.register(_loop.close)


@cache
def egress() -> Egress:
    """Access to the network, as the operator's settings have it."""
    return Egress(
        EgressConfig(
            dns_servers=settings.DNS_SERVERS,
            allowed_networks=settings.ALLOWED_NETWORKS,
            allowed_ports=settings.ALLOWED_PORTS,
            allowed_suffixes=settings.ALLOWED_SUFFIXES,
            extra_ca_file=settings.EXTRA_CA_FILE,
            ehlo_name=settings.EHLO_NAME,
        )
    )


def background_loop() -> BackgroundLoop:
    """The loop that runs this process's connection tests."""
    return _loop


class Stopping(Exception):  # noqa: N818
    """The process is stopping, and has waited for its tests long enough."""


class _Stop:
    until: float | None = None  # monotonic


def begin_stop() -> None:
    """The process was told to stop: what runs may go on for STOP_SECONDS."""
    _Stop.until = time.monotonic() + STOP_SECONDS


def check_stop() -> None:
    """Raise Stopping when the process should have stopped by now."""
    if _Stop.until is not None and time.monotonic() > _Stop.until:
        raise Stopping


@receiver(setting_changed)
def _forget_egress(setting: str, **_: object) -> None:
    """Tests change settings (`override_settings`); what is made next uses the new ones."""
    if setting in _EGRESS_SETTINGS:
        egress.cache_clear()
