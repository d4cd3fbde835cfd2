"""The cache of one process, for portals without a CACHE_URL."""

from __future__ import annotations

from django.core.cache.backends.locmem import LocMemCache


class ProcessCache(LocMemCache):
    """Local memory that takes every key.

    Django looks at each character of each key, to warn of those that memcached would refuse. A test asks for a
    hundred keys, all of them the portal's own and made of hashes; the looks took longer than the answers.
    """

    def validate_key(self, key: str) -> None:
        """Every key will do."""
