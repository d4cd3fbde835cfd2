"""The answer to a running test: events for htmx, or one page that grows, for browsers without JavaScript.

Both write something at each heartbeat: writing fails when the visitor has left, and that ends the test.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from guides import metrics, runtime
from guides.limits.rate_limits import RateLimitHold
from guides.limits.test_slot import TestSlot, working
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import StageResult, Verdict
from guides.mail.secret import Secret
from guides.views.result_page import TestPage

logger = logging.getLogger(__name__)

EVENT_STREAM = "text/event-stream; charset=utf-8"
HEARTBEAT_SECONDS = 0.45  # the second write to a closed connection fails, so a visitor who left is noticed in a second


class RunningTest:
    """The stages of one test as they come, in lists; an empty one is a heartbeat. `close` cancels the test."""

    def __init__(
        self, plan: TestPlan, secret: Secret, patterns: PatternSet, hold: RateLimitHold | None, slot: TestSlot
    ) -> None:
        self._hold = hold
        self._slot = slot
        self._stream = runtime.background_loop().stream(
            lambda: run_test(plan, secret, runtime.egress(), patterns, shared=slot.shared_state()), HEARTBEAT_SECONDS
        )

        self._is_open = True
        metrics.TESTS_RUNNING.inc()

    def __iter__(self) -> Iterator[list[StageResult | Verdict]]:
        for items in self._stream:
            for item in items:
                if isinstance(item, StageResult):
                    self._slot.record(item)
                else:
                    metrics.TESTS.labels(item.outcome, item.cause or "none").inc()
            yield items
            runtime.check_stop()

    def close(self) -> None:
        """Cancel what still runs and free what the test holds. May be called twice."""
        if self._is_open:
            self._is_open = False
            metrics.TESTS_RUNNING.dec()
        self._stream.close()
        self._slot.close()
        if self._hold is not None:
            self._hold.release()


class EventStream:
    """An event for each stage. The server closes it when the answer has ended or the visitor has left."""

    def __init__(self, page: TestPage, running: RunningTest) -> None:
        self._page = page
        self._running = running

    def __iter__(self) -> Iterator[bytes]:
        with working():
            first = event(self._page.whole())
        yield first
        try:
            for items in self._running:
                if items:
                    with working():
                        events = b"".join(event(self._page.add(item)) for item in items)
                    yield events
                else:
                    yield b":\n\n"  # a comment, which is not shown
            return
        except Exception as error:
            kind = type(error)
        yield event(_broken(self._page, kind))

    def close(self) -> None:
        """End the test, even when the first event was never read."""
        self._running.close()


class GrowingPage:
    """A page whose result comes when the test has ended; what stands before it is sent at once."""

    def __init__(self, before: str, after: str, page: TestPage, running: RunningTest) -> None:
        self._before = before
        self._after = after
        self._page = page
        self._running = running

    def __iter__(self) -> Iterator[bytes]:
        yield self._before.encode()
        try:
            for items in self._running:
                for item in items:
                    self._page.fill_in(item)
                yield b"\n"
            html = self._page.whole()
        except Exception as error:
            kind = type(error)
            html = ""
        yield (html or _broken(self._page, kind)).encode()
        yield self._after.encode()

    def close(self) -> None:
        """End the test, even when the first piece was never read."""
        self._running.close()


def event(html: str) -> bytes:
    """HTML as one event of a stream (HTML Living Standard, "Server-sent events": a line may end in CR as well)."""
    lines = html.strip().replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
    return f"data: {lines}\n\n".encode()


def _broken(page: TestPage, kind: type[Exception]) -> str:
    # No message, no traceback, and outside the handler: a log record could show what the visitor typed.
    if kind is runtime.Stopping:
        logger.info("a connection test was ended, since the process stops")
        return page.broken(restart=True)
    logger.error("a connection test broke off: %s", kind.__name__)
    return page.broken()
