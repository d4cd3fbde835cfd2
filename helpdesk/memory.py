"""The cache of one process, for portals without a CACHE_URL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache


class ProcessCache(LocMemCache):
    """Local memory that takes every key.

    Django looks at each character of each key, to warn of those that memcached would refuse. A test asks for a
    hundred keys, all of them the portal's own and made of hashes; the looks took longer than the answers.
    """

    _cache: dict[str, bytes]

    def validate_key(self, key: str) -> None:
        """Every key will do."""

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """Those of the keys that are there. Most of those that a budget asks for are not."""
        return super().get_many([key for key in keys if self.make_key(key, version) in self._cache], version)
