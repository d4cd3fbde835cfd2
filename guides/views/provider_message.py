"""A message that is ready to send to whoever can fix a failure: what fails, where, when and in whose words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.utils.translation import gettext as _

from guides.mail.outcomes import Outcome, Owner, StageResult, Verdict
from guides.views import labels

RECEIVERS = frozenset({Owner.PROVIDER, Owner.ADMIN})
_FAILED = (Outcome.FAIL, Outcome.UNCLEAR)


def message(address: str, verdict: Verdict, results: Sequence[StageResult], title: str) -> str:
    """In the language that is active; "" where it is not the provider's or the administrator's to fix.

    `title` is the article's. There is no password in it: a server's words have been redacted before.
    """
    failed = next((one for one in results if one.leg is verdict.leg and one.outcome in _FAILED), None)
    if verdict.owner not in RECEIVERS or failed is None:
        return ""
    security = f", {labels.SECURITIES[failed.security]}" if failed.security else ""
    when = failed.started or datetime.now(UTC)
    lines = [
        _("Hello,"),
        "",
        _("mail programs cannot use the mailbox %(address)s.") % {"address": address} + (f" {title}." if title else ""),
        "",
        _("Server: %(server)s") % {"server": f"{failed.host}:{failed.port}{security}"},
        _("Failing step: %(stage)s") % {"stage": labels.STAGES[failed.stage]},
        *(_("The server said: %(words)s") % {"words": one.text.strip()} for one in failed.evidence),
        _("Time: %(time)s") % {"time": when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")},
        _("Tested by: %(portal)s") % {"portal": f"{settings.PORTAL_NAME} {settings.BASE_URL}".strip()},
        "",
        _("Please look into it. Thank you."),
    ]
    return "\n".join(lines) + "\n"
