"""What one process of the portal shares: outbound network access and the loop that connection tests run on."""

from __future__ import annotations

import atexit
from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from guides.mail.connection.loop import BackgroundLoop
from guides.mail.connection.places import AddressPlaces
from guides.mail.connection.shared import SharedLooks
from guides.mail.network import Egress, EgressConfig

_EGRESS_SETTINGS = frozenset(
    {"DNS_SERVERS", "ALLOWED_NETWORKS", "ALLOWED_PORTS", "ALLOWED_SUFFIXES", "EXTRA_CA_FILE", "EHLO_NAME"}
)

_LOOKS_SETTINGS = frozenset({"LIMIT_SHARED_SECONDS", "LIMIT_ADDRESS_CONNECTIONS", "LIMIT_QUEUE_SECONDS"})

_loop = BackgroundLoop()  # starts no thread before its first use
atexit.register(_loop.close)


@cache
def egress() -> Egress:
    """Outbound network access, configured by the operator's settings."""
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


@cache
def looks() -> SharedLooks:
    """What tests that run on this process's loop share. Only the loop's thread may use it."""
    return SharedLooks(settings.LIMIT_SHARED_SECONDS)


@cache
def address_places() -> AddressPlaces:
    """The connections that this process's loop has open, by address. Only the loop's thread may use it."""
    return AddressPlaces(settings.LIMIT_ADDRESS_CONNECTIONS, settings.LIMIT_QUEUE_SECONDS)


def forget_looks() -> None:
    """Begin anew, for tests."""
    looks.cache_clear()
    address_places.cache_clear()


def background_loop() -> BackgroundLoop:
    """The loop that runs this process's connection tests."""
    return _loop


@receiver(setting_changed)
def _forget_egress(setting: str, **_: object) -> None:
    """Tests change settings (`override_settings`); the next egress is made of the new ones."""
    if setting in _EGRESS_SETTINGS:
        egress.cache_clear()
        looks.cache_clear()  # found with other settings
    if setting in _LOOKS_SETTINGS:
        forget_looks()
