"""The report of a finished test as text, line by line, for people to read and to hand on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from django.conf import settings
from django.utils.translation import gettext as _

from guides.mail.accounts import Address
from guides.mail.connection_report import ConnectionReport, iso
from guides.mail.outcomes import StageResult, Verdict
from guides.views import labels
from guides.views.retries import LOCAL_PART, Retry
from guides.views.verdicts import ArticleLink, VerdictPart


@cache
def _version() -> str:
    path = settings.BASE_DIR / "pyproject.toml"
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])


def make_report(
    address: Address,
    results: Sequence[StageResult],
    verdict: Verdict,
    *,
    is_listed: bool,
    is_hidden: bool,
    in_between: str | None,
    suggests_local_part: bool,
) -> ConnectionReport:
    """The report of a test that has just ended."""
    portal = f"{settings.PORTAL_NAME} {_version()}"
    return ConnectionReport(
        datetime.now(UTC),
        portal,
        str(address),
        tuple(results),
        verdict,
        is_listed=is_listed,
        in_between=in_between,
        is_hidden=is_hidden,
        suggests_local_part=suggests_local_part,
    )


@dataclass(frozen=True, slots=True)
class ReportPart:
    """The report on the result's page: as text, with and without the address, and as JSON."""

    text: str
    masked_text: str
    json: str

    @classmethod
    def of(cls, report: ConnectionReport, end: VerdictPart) -> ReportPart:
        """In the language that is active. `end` is the end of the page, whose sentences the text repeats."""
        text = as_text(report, end)
        return cls(text, text.replace(report.address, report.masked().address), report.to_json())


def as_text(report: ConnectionReport, end: VerdictPart) -> str:
    """The report for people, line by line, in the language that is active."""
    verdict = report.verdict
    lines = [
        _("Report of a connection test"),
        "",
        _("Mail address: {}").format(report.address),
        _("Made: {}").format(_when(report.made_at)),
        _("Made by: {}").format(report.portal),
        _("Result: {}").format(_headline(end)) + (f" [{verdict.cause}]" if verdict.cause else ""),
        _("Duration: {} s").format(end.seconds),
        "",
        *_sentences(end),
    ]
    if report.is_listed:
        lines.append(_("Server, port and encryption are the ones that this portal knows of the provider."))
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
    if result.started:
        line += f" {iso(result.started)}"
    lines = [line]
    if result.confidence is not None and result.confidence < 1 and not result.causes:
        lines.append("    " + _("How sure this is: {} %").format(round(result.confidence * 100)))
    for number, cause in enumerate(result.causes, 1):
        lines.append(f"    {number}. [{cause.name}, {round(cause.confidence * 100)} %] {cause.next_step}".rstrip())
    if result.next_step and not result.causes:
        lines.append("    " + _("What to do, step by step") + f": {result.next_step}")
    lines += [f"    {name}: {value}" for name, value in result.details.items() if value]
    for evidence in result.evidence:
        said = _("The server said, before encryption:") if evidence.before_encryption else _("The server said:")
        lines += [f"    {said}", *(f"    > {part}" for part in evidence.text.splitlines())]
    return lines


def _when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _headline(end: VerdictPart) -> str:
    """What stands in large letters on the page."""
    if end.works:
        return _("It works")
    if end.clears_visitor and end.silent_since:
        return _("This server has not answered anybody since %(since)s") % {"since": _when(end.silent_since)}
    return str(end.headline)


def _sentences(end: VerdictPart) -> Iterator[str]:
    """What the page says below that (`templates/test/_verdict_body.html`), in the same words."""
    if end.works:
        yield _(
            "Address, password and servers are right. If your mail program still fails, compare its settings with the "
            "ones below, letter by letter."
        )
        if end.in_between:
            yield _("If they are the same, something between your device and the server is in the way:") + (
                f" {_named(end.in_between)}"
            )
        if end.article:
            yield _("One remark:") + f" {_named(end.article)}"
    elif end.clears_visitor:
        yield _(
            "Your settings are right; there is nothing for you to change. Please try again later. "
            "Your password was not sent."
        )
    else:
        yield from _failure(end)
    for retry in end.retries:
        yield from _in_words(retry)


def _failure(end: VerdictPart) -> Iterator[str]:
    if end.owner:
        yield str(end.owner)
    if end.causes:
        yield _("The server's answer fits each of these; the likeliest comes first.")
        for number, cause in enumerate(end.causes, 1):
            yield f"  {number}. {_named(cause.article) if cause.article else cause.name}. {cause.owner}"
    elif end.article:
        yield from filter(None, (end.article.title, end.article.summary))
        if end.is_unsure:
            yield _("We are not sure.")
        yield _("What to do, step by step") + f": {_address(end.article)}"
    if end.silent_since:
        yield _(
            "This server has not answered anybody who tested it here since %(since)s. Compare its name, port and "
            "encryption with your provider's, letter by letter. Your password was not sent."
        ) % {"since": _when(end.silent_since)}
    elif end.seen_at:
        yield _(
            "Another test saw this at %(since)s. The server was not asked again, and your password was not sent."
        ) % {"since": _when(end.seen_at)}
    if end.is_hidden:
        yield _(
            "We do not know that this server belongs to your address. Of such servers the portal does not tell whether "
            "they refuse, keep silent or must not be reached: otherwise strangers could explore other people's "
            "networks through it. Compare the server's name with your provider's."
        )
    if end.depends_on_the_way:
        yield _(
            "This is what the portal sees from its own network. If your mail program does reach the server, "
            "the settings are right and the server does not let the portal in."
        )


def _in_words(retry: Retry) -> Iterator[str]:
    """The other user name without its two forms: a mask for the address would not find the second in a text."""
    yield f"{retry.title}: {retry.words}"
    if retry.ident != LOCAL_PART:
        for label, before, after in retry.changes:
            yield "  - " + _("%(label)s: not %(before)s, but %(after)s") % {
                "label": label,
                "before": before,
                "after": after,
            }


def _named(article: ArticleLink) -> str:
    return f"{article.title} ({_address(article)})"


def _address(article: ArticleLink) -> str:
    """Where the article stands; its path alone where the portal was not told its own address."""
    return f"{settings.BASE_URL}{article.url}"
