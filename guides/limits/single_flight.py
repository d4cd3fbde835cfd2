"""Single flight: of several tests that reach the same endpoint at the same time, one probes it and the others wait.

Belongs to one asyncio loop; no thread but its own may touch it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from guides.mail.connection.probes import Endpoint, ProbeResult, shareable
from guides.mail.outcomes import StageResult

SHARED_SECONDS = 60.0
MOST_RESULTS = 2000  # kept at a time; the oldest are dropped first


class ProbeSingleFlight:
    """The probes under way on one loop, and results that are younger than `seconds`."""

    def __init__(self, seconds: float = SHARED_SECONDS, clock: Callable[[], float] = time.time) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ended: dict[Endpoint, asyncio.Event] = {}
        self._results: dict[Endpoint, ProbeResult] = {}

    def fresh(self, endpoint: Endpoint) -> ProbeResult | None:
        """A result that is young enough to be shared."""
        result = self._results.get(endpoint)
        if result is None or self._clock() - result.at >= self._seconds:
            return None
        return result

    async def join_or_lead(self, endpoint: Endpoint) -> ProbeResult | None:
        """A fresh result, or the one of the probe that was under way. None: the caller leads, and must `resolve`."""
        if self._seconds <= 0:
            return None
        while (result := self.fresh(endpoint)) is None:
            ended = self._ended.get(endpoint)
            if ended is None:
                self._ended[endpoint] = asyncio.Event()
                return None
            await ended.wait()
        return result

    def resolve(self, endpoint: Endpoint, results: Sequence[StageResult] | None) -> ProbeResult | None:
        """Publish the leader's result. None: it has none (its visitor left), and one of those waiting leads next."""
        result = None
        if results is not None:
            result = ProbeResult(shareable(results), self._clock())
            self._results.pop(endpoint, None)
            self._results[endpoint] = result
            while len(self._results) > MOST_RESULTS:
                del self._results[next(iter(self._results))]
        ended = self._ended.pop(endpoint, None)
        if ended is not None:
            ended.set()
        return result
