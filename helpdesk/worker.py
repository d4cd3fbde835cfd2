"""gunicorn's worker of threads, made ready for two hundred visitors who come at the same moment."""

from __future__ import annotations

import threading
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from guides.crowd.readers import reading


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Takes in all connections that wait, with threads that are there already, before tests go on.

    The accepting thread needs Python's lock several times for each connection, and once more for a thread that starts.
    Beside threads that work it got that every few milliseconds: two hundred connections took a second, and who came
    to read was behind them.
    """

    def load_wsgi(self) -> None:
        """Load the application, and start all threads with what each of them needs of their own."""
        super().load_wsgi()
        from django.db import connections  # there are settings now

        everybody = threading.Barrier(self.cfg.threads + 1)

        def begin() -> None:
            for alias in connections:
                connections[alias].close()  # made, not opened
            everybody.wait()

        for _ in range(self.cfg.threads):
            self.tpool.submit(begin)
        everybody.wait()

    def accept(self, listener: Any) -> None:
        """Accept what waits at a listener, as far as there is room."""
        with reading():
            while self.nr_conns < self.worker_connections:
                before = self.nr_conns
                super().accept(listener)
                if self.nr_conns == before:  # nobody waits any more
                    break
