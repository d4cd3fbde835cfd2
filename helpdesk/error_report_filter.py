"""What error reports may show."""

from __future__ import annotations

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class AlwaysCarefulFilter(SafeExceptionReporterFilter):
    """Hides passwords in Django's debug page too: who looks for a fault with DEBUG on may be using a real mailbox."""

    def is_active(self, request: HttpRequest | None) -> bool:  # noqa: ARG002  # Django's signature
        """Django's own is active without DEBUG only."""
        return True
