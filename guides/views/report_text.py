"""The report of a finished test as text, line by line, for people to read and to hand on."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from django.conf import settings
from django.utils.translation import gettext as _

from guides.mail.accounts import Address
from guides.mail.outcomes import Outcome, StageResult, Verdict
from guides.mail.report import Report
from guides.views import labels


@cache
def _version() -> str:
    path = settings.BASE_DIR / "pyproject.toml"
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])


def make_report(address: Address, results: Sequence[StageResult], verdict: Verdict) -> Report:
    """The report of a test that has just ended."""
    portal = f"{settings.PORTAL_NAME} {_version()}"
    return Report(datetime.now(UTC), portal, str(address), tuple(results), verdict)


@dataclass(frozen=True, slots=True)
class ReportPart:
    """The report on the result's page: as text, with and without the address, and as JSON."""

    text: str
    masked_text: str
    json: str

    @classmethod
    def of(cls, report: Report) -> ReportPart:
        """In the language that is active."""
        text = as_text(report)
        return cls(text, text.replace(report.address, report.masked().address), report.to_json())


def as_text(report: Report) -> str:
    """The report for people, line by line, in the language that is active."""
    verdict = report.verdict
    owner = labels.OWNERS[verdict.owner] if verdict.owner else ""
    works = verdict.outcome in (Outcome.OK, Outcome.WARN)
    lines = [
        _("Report of a connection test"),
        "",
        _("Mail address: {}").format(report.address),
        _("Made: {}").format(report.made_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        _("Made by: {}").format(report.portal),
        _("Result: {}").format(_("It works") if works else owner or labels.OUTCOMES[verdict.outcome])
        + (f" [{verdict.cause}]" if verdict.cause else ""),
        _("Duration: {} s").format(f"{verdict.milliseconds / 1000:.1f}"),
    ]
    leg = None
    for result in report.results:
        if result.leg is not leg:
            leg = result.leg
            security = labels.SECURITIES[result.security] if result.security else ""
            lines += ["", f"== {labels.LEGS[leg]}: {result.host}:{result.port} {security}".rstrip()]
        lines += _stage_lines(result)
    return "\n".join(lines) + "\n"


def _stage_lines(result: StageResult) -> list[str]:
    line = f"* {labels.STAGES[result.stage]}: {labels.OUTCOMES[result.outcome]}"
    if result.milliseconds:
        line += f", {result.milliseconds} ms"
    if result.cause:
        line += f" [{result.cause}]"
    lines = [line]
    lines += [f"    {name}: {value}" for name, value in result.details.items() if value]
    for evidence in result.evidence:
        said = _("The server said, before encryption:") if evidence.before_encryption else _("The server said:")
        lines += [f"    {said}", *(f"    > {part}" for part in evidence.text.splitlines())]
    return lines
