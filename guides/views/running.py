"""A running connection test, and the page that grows with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise

from guides import budgets
from guides.content.articles import Articles
from guides.crowd.turns import is_crowded, once_a_moment, page_work, tests_at_once
from guides.crowd.visits import Visit
from guides.mail.connection.loop import BackgroundLoop
from guides.mail.connection.plan import LEG_OF_PROTOCOL
from guides.mail.connection.shared import SEEN_AT, SILENT_SINCE
from guides.mail.connection.test import TestPlan, run_test, stages_of
from guides.mail.diagnosis.codes import CREDENTIAL_CAUSES
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Door
from guides.mail.outcomes import Evidence, Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from guides.models import ErrorText
from guides.views import labels, retries, shapes
from guides.views.report_text import ReportPart, make_report

HEARTBEAT_SECONDS = 0.45  # who has left is noticed at the second one, within a second
GATHER_SECONDS = 0.006  # for each test of a crowd: a stage may wait for the next ones, to be shown with them
MOST_GATHERED = 1.5  # seconds

_OF_THE_WAY = frozenset(
    {"tcp.refused", "tcp.timeout", "tcp.reset", "tcp.unreachable", "tls.eof", "tls.handshake_timeout"}
    | {"greet.closed", "greet.timeout", "greet.bye", "greet.421", "net.closed", "net.reset", "net.timeout"}
)

_MARKS = {
    Outcome.OK: "✓",
    Outcome.WARN: "!",
    Outcome.FAIL: "✕",
    Outcome.BLOCKED: "–",
    Outcome.SKIPPED: "–",
    Outcome.UNCLEAR: "?",
    Outcome.OURS: "?",
}


class RunningTest:
    """The stages of one test as they come, in lists; None for each heartbeat.

    Closing it cancels the test and frees its places.
    """

    def __init__(
        self,
        plan: TestPlan,
        secret: Secret,
        door: Door,
        patterns: PatternSet,
        loop: BackgroundLoop,
        admission: budgets.Admission | None,
        visit: Visit,
    ) -> None:
        self._admission = admission
        self._visit = visit
        self._hosts = {LEG_OF_PROTOCOL[server.protocol]: server.host for server in plan.servers}
        self._stream = loop.batches(
            lambda: run_test(plan, secret, door, patterns, crowd=visit.crowd()), HEARTBEAT_SECONDS, _patience
        )

    def __iter__(self) -> Iterator[list[StageResult | Verdict] | None]:
        for batch in self._stream:
            for item in batch or ():
                self._note(item)
            yield batch

    def _note(self, item: StageResult | Verdict) -> None:
        if isinstance(item, StageResult):
            self._visit.take(item)
            is_refused = item.outcome in (Outcome.FAIL, Outcome.UNCLEAR) and item.cause in CREDENTIAL_CAUSES
            if item.stage is Stage.LOGIN and is_refused and self._admission is not None:
                self._admission.failed_login(self._hosts[item.leg])

    def close(self) -> None:
        """Cancel what still runs and give the visitor's and the process's places back."""
        self._stream.close()
        self._visit.close()
        if self._admission is not None:
            self._admission.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _patience(item: StageResult | Verdict) -> float:
    """Seconds that a visitor may wait to see `item`. Each time that a thread wakes up, it stands in others' way."""
    if isinstance(item, Verdict) or not is_crowded():
        return 0.0
    return min(MOST_GATHERED, GATHER_SECONDS * tests_at_once())


@dataclass(frozen=True, slots=True)
class ArticleLink:
    """An article as a result points at it."""

    slug: str
    title: str
    summary: str
    url: str


@dataclass
class StageRow:
    """One stage on the page: waiting, or ended."""

    ident: str
    name: str | Promise
    result: StageResult | None = None
    article: ArticleLink | None = None

    @property
    def state(self) -> str:
        """For the style: an outcome, or "waiting"."""
        return self.result.outcome.value if self.result else "waiting"

    @property
    def mark(self) -> str:
        """A sign that does not need colour to be understood."""
        return _MARKS[self.result.outcome] if self.result else "…"

    @property
    def words(self) -> str | Promise:
        """The outcome in words."""
        return labels.OUTCOMES[self.result.outcome] if self.result else ""

    @property
    def facts(self) -> list[tuple[str | Promise, str]]:
        """What is worth knowing of the stage, by name."""
        if self.result is None:
            return []
        return [
            (labels.DETAILS[name], str(labels.WORDS_IN_DETAILS.get((name, value), value)))
            for name, value in self.result.details.items()
            if value and name in labels.DETAILS
        ]


@dataclass
class LegPart:
    """One leg on the page."""

    leg: Leg
    name: str | Promise
    host: str
    port: int
    security: str | Promise
    rows: list[StageRow]
    finished: int = 0


@dataclass(frozen=True, slots=True)
class VerdictPart:
    """The end of the page: who can fix it, what happened, what to do, the server's own words."""

    verdict: Verdict
    owner: str | Promise
    article: ArticleLink | None
    evidence: tuple[Evidence, ...]
    seen_at: datetime | None = None  # another test saw it then; this one asked nobody
    silent_since: datetime | None = None  # the server has answered nobody since
    is_listed: bool = False  # the settings are the provider table's, so they are right
    retries: tuple[retries.Retry, ...] = ()
    in_between: ArticleLink | None = None  # what to read when it works from here and not at home

    @property
    def depends_on_the_way(self) -> bool:
        """Whether the failure may be one of the way from this portal to the server, and not of the settings."""
        return self.verdict.cause in _OF_THE_WAY

    @property
    def seconds(self) -> str:
        """How long the whole test took."""
        return f"{self.verdict.milliseconds / 1000:.1f}"

    @property
    def clears_visitor(self) -> bool:
        """Whether a known server has answered nobody for a while: the visitor's settings are right."""
        return self.silent_since is not None and self.is_listed

    @property
    def works(self) -> bool:
        """Whether everything works."""
        return self.verdict.outcome in (Outcome.OK, Outcome.WARN)


@dataclass
class TestPage:
    """The result as it grows. All that it needs from the database is fetched before the test starts."""

    __test__ = False

    plan: TestPlan
    articles: Articles
    language: str
    links: ArticleLinks
    listed: frozenset[Leg] = frozenset()
    legs: list[LegPart] = field(default_factory=list)
    verdict: VerdictPart | None = None
    report: ReportPart | None = None

    @classmethod
    def prepare(cls, plan: TestPlan, articles: Articles, language: str, listed: frozenset[Leg] = frozenset()) -> Self:
        """One query for the titles of all articles."""
        known = once_a_moment(("titles", language), lambda: titles(language))
        links = ArticleLinks.of(known, plan.address.domain)
        page = cls(plan, articles, language, links, listed)
        for server in plan.servers:
            leg = LEG_OF_PROTOCOL[server.protocol]
            rows = [
                StageRow(f"stage-{leg}-{index}", labels.STAGES[stage]) for index, stage in enumerate(stages_of(server))
            ]
            security = labels.SECURITIES[server.security]
            page.legs.append(LegPart(leg, labels.LEGS[leg], server.host, server.port, security, rows))
        if plan.deliver:
            rows = [StageRow(f"stage-{Leg.DELIVERY}-0", labels.STAGES[Stage.DELIVERY])]
            sending = next(part for part in page.legs if part.leg is Leg.SMTP)
            page.legs.append(
                LegPart(Leg.DELIVERY, labels.LEGS[Leg.DELIVERY], sending.host, sending.port, sending.security, rows)
            )
        return page

    def skeleton(self) -> str:
        """The first fragment: all stages, waiting."""
        return self._html(lambda: shapes.result_html(self, self.language))

    def whole(self) -> str:
        """The finished result for a page without JavaScript."""
        return self._html(lambda: shapes.result_html(self, self.language))

    def broken(self) -> str:
        """The end of a test that broke off by a fault of our own."""
        return self._html(lambda: render_to_string("test/_broken.html"))

    def take(self, items: Iterable[StageResult | Verdict]) -> list[str]:
        """Note finished stages, or the verdict, and return their fragments."""
        with page_work():
            return [self._take(item) for item in items]

    def _take(self, item: StageResult | Verdict) -> str:
        row = self.note(item)
        if row is None:
            return self._html(lambda: shapes.verdict_html(self, self.language))
        return self._html(lambda: shapes.stage_html(row, self.language))

    def note(self, item: StageResult | Verdict) -> StageRow | None:
        """Note a finished stage, and return its row; or the verdict."""
        if isinstance(item, Verdict):
            results = [row.result for part in self.legs for row in part.rows if row.result]
            end = judged(item, self._link(item), results, self.listed)
            self.verdict = replace(end, retries=self._retries(item, results), in_between=self._in_between())
            if end.clears_visitor:  # whatever the usual owner of such a failure is
                item = replace(item, owner=Owner.NOBODY)
            with page_work(), translation.override(self.language):
                self.report = ReportPart.of(make_report(self.plan.address, results, item))
            return None
        part = next(part for part in self.legs if part.leg == item.leg)
        row = part.rows[part.finished]
        part.finished += 1
        row.result = item
        row.article = self._link(item)
        return row

    def _retries(self, verdict: Verdict, results: Sequence[StageResult]) -> tuple[retries.Retry, ...]:
        """What to try next, each with a button: other servers that answered, and the other form of user name."""
        with translation.override(self.language):
            tries = [retries.with_alternative(self.plan, found) for found in verdict.alternatives]
            local_part = retries.with_local_part(self.plan, verdict, results)
        return (*tries, local_part) if local_part else tuple(tries)

    def _in_between(self) -> ArticleLink | None:
        return self.links.get(self.articles.article_for("cross.visitor_side"))

    def _link(self, result: StageResult | Verdict) -> ArticleLink | None:
        return self.links.get(self.articles.article_of(result))

    def _html(self, render: Callable[[], str]) -> str:
        # A stream is rendered after the request's own language has been put away.
        with page_work(), translation.override(self.language):
            return render()


def titles(language: str) -> dict[str, tuple[str, str]]:
    """Title and summary of every article by its slug, in the reader's language. One query."""
    texts = ErrorText.objects.for_list("article", language)
    return {text.article.slug: (text.title, text.summary) for text in texts}


@dataclass(frozen=True, slots=True)
class ArticleLinks:
    """The articles as a result may point at them, for a reader of `domain`."""

    known: Mapping[str, tuple[str, str]]
    domain: str
    folder: str  # in the language of the request; a stream is written after that has been put away

    @classmethod
    def of(cls, known: Mapping[str, tuple[str, str]], domain: str) -> Self:
        """Links in the language that is active."""
        return cls(known, domain, reverse("errors"))

    def get(self, slug: str | None) -> ArticleLink | None:
        """The link to an article, if there is such an article."""
        if slug is None or slug not in self.known:
            return None
        title, summary = self.known[slug]
        return ArticleLink(slug, title, summary, f"{self.folder}{slug}/?at={self.domain}")


def judged(
    verdict: Verdict,
    article: ArticleLink | None,
    results: Sequence[StageResult],
    listed: frozenset[Leg] = frozenset(),
) -> VerdictPart:
    """The end of the page, with the words of the stages that the verdict speaks of."""
    told = [
        result
        for result in results
        if result.cause and verdict.leg in (None, result.leg) and result.outcome is not Outcome.OK
    ]
    owner = labels.OWNERS[verdict.owner] if verdict.owner else ""
    seen_at = next((result.details[SEEN_AT] for result in told if SEEN_AT in result.details), None)
    silent_since = next((result.details[SILENT_SINCE] for result in told if SILENT_SINCE in result.details), None)
    return VerdictPart(
        verdict,
        owner,
        article,
        next((result.evidence for result in told if result.evidence), ()),
        seen_at=_time(seen_at),
        silent_since=_time(silent_since),
        is_listed=verdict.leg in listed,
    )


def _time(text: str | None) -> datetime | None:
    """What `shared.Answer.replayed` wrote; a report that was handed on may hold anything."""
    try:
        return datetime.fromisoformat(text or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
