"""The single flight and the address semaphore of this process's event loop; only the loop's thread may use them."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from guides.limits.address_semaphore import AddressSemaphore
from guides.limits.single_flight import ProbeSingleFlight


@cache
def single_flight() -> ProbeSingleFlight:
    """The probes of this process's tests."""
    return ProbeSingleFlight(settings.LIMIT_SHARED_SECONDS)


@cache
def address_semaphore() -> AddressSemaphore:
    """The connections that this process's tests have open, by address."""
    return AddressSemaphore(settings.LIMIT_ADDRESS_CONNECTIONS, settings.LIMIT_QUEUE_SECONDS)


def forget() -> None:
    """Begin anew, for tests."""
    single_flight.cache_clear()
    address_semaphore.cache_clear()


@receiver(setting_changed)
def _forget(**_: object) -> None:
    """Tests change settings (`override_settings`); what is made next uses the new ones, and no older result."""
    forget()
