"""What tests ask of the host semaphore."""

from __future__ import annotations

from django.test import override_settings

from guides.limits import host_semaphore
from guides.limits.counters import RateLimited


def free_permits(host: str) -> int:
    """How many of the four permits for a host are free."""
    permits = []
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        try:
            while (permit := host_semaphore.acquire({host: 1})) is not None:
                permits.append(permit)
        except RateLimited:
            pass
    for permit in permits:
        permit.release()
    return len(permits)
