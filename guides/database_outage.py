"""The database does not answer, is full, or is gone: what counts as that, and one line in the log for it."""

from __future__ import annotations

import logging
import time

from django.db import DatabaseError, InterfaceError, OperationalError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30  # when the database may be back
LOGGED_SECONDS = 60  # an outage has one line in this time, not one for each request

_logged_at = -float(LOGGED_SECONDS)


def is_outage(error: BaseException | None) -> bool:
    """Whether the database is at fault and not the query.

    `DatabaseError` itself, without one of its subclasses, is what SQLite says of a damaged file.
    """
    return isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError


def log(error: BaseException) -> None:
    """Say in the log that the database does not answer, and why."""
    global _logged_at
    now = time.monotonic()
    if now - _logged_at >= LOGGED_SECONDS:
        _logged_at = now
        reason = str(error).partition("\n")[0]
        logger.error(
            "The database does not answer (%s: %s): pages come from the cache or are refused with 503",
            type(error).__name__,
            reason,
        )
