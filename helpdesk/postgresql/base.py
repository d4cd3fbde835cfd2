"""Django's PostgreSQL backend for pages: no page waits for longer than 5 s for a server that does not answer.

The server's own `statement_timeout` ends a statement that takes too long, but a server that hangs ends nothing. So the
client waits for a bounded time. A page that finds all connections of the pool in use waits on while the server answers
others, and no longer than `QUEUE_SECONDS`.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import PoolTimeout

ANSWER_SECONDS = 4.0  # more than `statement_timeout`, so that only a server that hangs reaches it
SILENT_SECONDS = 3.0  # nothing was answered for so long: there is no use in waiting for a connection
AWAY_SECONDS = 2.0  # how long other pages are refused at once, before one asks the server again
QUEUE_SECONDS = 15.0


class _Server:
    """What this process knows of the server, in seconds of `time.monotonic`."""

    answered_at = 0.0
    away_until = 0.0


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server takes longer than ANSWER_SECONDS to answer."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """What psycopg calls for every exchange with the server. Raises psycopg.OperationalError."""
        try:
            answer = super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            _Server.away_until = time.monotonic() + AWAY_SECONDS
            self.close()
            raise psycopg.OperationalError(f"the server did not answer within {ANSWER_SECONDS:.0f} s") from None
        _Server.answered_at = time.monotonic()
        return answer


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend that `DATABASE_LIMITS` chooses (helpdesk/env.py)."""

    def get_new_connection(self, conn_params: Any) -> Any:
        """A connection of the pool. Raises psycopg.OperationalError."""
        started = time.monotonic()
        while True:
            if time.monotonic() < _Server.away_until:
                raise psycopg.OperationalError("the server did not answer a moment ago")
            try:
                return super().get_new_connection(conn_params)
            except PoolTimeout:
                now = time.monotonic()
                if now - _Server.answered_at > SILENT_SECONDS:
                    _Server.away_until = now + AWAY_SECONDS
                    raise
                if now - started > QUEUE_SECONDS:
                    raise
