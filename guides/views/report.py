"""A report of a finished test: shown, copied, downloaded, and shown again to whom it was handed. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from guides.forms import PortalForm
from guides.mail.connection_report import LONGEST, ConnectionReport, ReportFault
from guides.services import articles
from guides.views import labels, retries
from guides.views.report_text import ReportPart, as_text
from guides.views.result_page import LegPart, StageRow
from guides.views.verdicts import ArticleLinks, VerdictPart, cause_links, judged
from guides.views.visitor import language

FAULTS = {
    "json": gettext_lazy("This is not a report. Paste the whole text of the file that ends in .json, from { to }."),
    "shape": gettext_lazy("Something in this report is missing or was changed. Ask for the file as it was downloaded."),
}


class ReportForm(PortalForm):
    """A report to be shown or downloaded."""

    report = forms.CharField(
        label=gettext_lazy("The report (JSON)"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Paste the report here."), "max_length": FAULTS["json"]},
    )
    mask = forms.BooleanField(required=False)

    def clean_report(self) -> ConnectionReport:
        """Read it strictly: a stranger wrote it."""
        try:
            return ConnectionReport.from_json(self.cleaned_data["report"])
        except ReportFault as error:
            raise forms.ValidationError(FAULTS[error.fault], code=error.fault) from None


@csrf_exempt  # guarded by helpdesk.middleware.same_origin_posts, and it changes nothing
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """A field to paste a report into; a POST shows it, or gives it back as a file."""
    request.page_path = reverse("report")  # type: ignore[attr-defined]
    if request.method != "POST":
        return render(request, "report.html", {"form": ReportForm()})
    form = ReportForm(request.POST)
    if not form.is_valid():
        return render(request, "report.html", {"form": form}, status=422)
    report: ConnectionReport = form.cleaned_data["report"]
    if form.cleaned_data["mask"]:
        report = report.masked()
    match request.POST.get("as"):
        case "text":
            return _file(as_text(report, _opened(report).verdict), "text/plain; charset=utf-8", "txt")
        case "json":
            return _file(report.to_json(indent=1) + "\n", "application/json", "json")
    page = _opened(report)
    context = {"form": form, "report": report, "page": page, "part": ReportPart.of(report, page.verdict)}
    return render(request, "report.html", context)


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A report in the layout of the test's own page."""

    legs: list[LegPart]
    verdict: VerdictPart


def _opened(report: ConnectionReport) -> ReportPage:
    found = articles.load()
    links = ArticleLinks.of(articles.titles(language()), report.address.rpartition("@")[2])
    legs: dict[str, LegPart] = {}
    for number, result in enumerate(report.results):
        if result.leg not in legs:
            security = labels.SECURITIES[result.security] if result.security else ""
            legs[result.leg] = LegPart(result.leg, labels.LEGS[result.leg], result.host, result.port, security, [])
        row = StageRow(
            f"stage-{number}",
            labels.STAGES[result.stage],
            result,
            links.get(found.article_of(result)),
            cause_links(result, found, links),
        )
        legs[result.leg].rows.append(row)
    end = judged(report.verdict, report.results, found, links, is_listed=report.is_listed, is_hidden=report.is_hidden)
    tries = [retries.alternative_in_words(one) for one in report.verdict.alternatives]
    if report.suggests_local_part:
        tries.append(retries.local_part_in_words())
    end = replace(end, retries=tuple(tries), in_between=links.get(report.in_between))
    return ReportPage(list(legs.values()), end)


def _file(text: str, content_type: str, ending: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="mail-test-report.{ending}"'
    return response
