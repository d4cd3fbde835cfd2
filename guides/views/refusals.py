"""How a page says that a limit refuses a request: words, status 429 or 503, and Retry-After."""

from __future__ import annotations

from django.http import HttpResponse

from guides.limits.shared_cache import Refused
from guides.views import labels

# Limits that are about how busy the portal is; the others are about one visitor, mailbox or server.
_OVERLOAD = ("busy", "queue", "cache", "texts")


def words_of(refusal: Refused) -> str:
    """What the visitor is told."""
    return str(labels.REFUSALS[refusal.limit])


def status_of(refusal: Refused) -> int:
    """503 when the portal has no room, 429 when the visitor, the mailbox or the server has used up a limit."""
    return 503 if refusal.limit in _OVERLOAD else 429


def with_retry_after(response: HttpResponse, refusal: Refused) -> HttpResponse:
    """The response, with the seconds after which a new attempt makes sense."""
    response["Retry-After"] = str(refusal.retry_after)
    return response
