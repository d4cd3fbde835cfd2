"""A semaphore of this process whose limit is a setting, and so may differ from one `acquire` to the next."""

from __future__ import annotations

import threading


class LocalSemaphore:
    """Counts what is held in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = 0

    def acquire(self, limit: int, wanted: int = 1) -> bool:
        """Take `wanted` of `limit` permits without waiting; whether they were free. Alone, one may take more."""
        with self._lock:
            if self._held and self._held + wanted > limit:
                return False
            self._held += wanted
            return True

    def release(self, held: int = 1) -> None:
        """Give permits back."""
        with self._lock:
            self._held -= held
