"""A running connection test, and the page that grows with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise

from guides import budgets
from guides.content.articles import Articles, titles
from guides.crowd.turns import fragment_work, is_crowded, tests_at_once
from guides.crowd.visits import Visit
from guides.mail.connection.loop import BackgroundLoop
from guides.mail.connection.plan import LEG_OF_PROTOCOL
from guides.mail.connection.reach import HIDDEN_END
from guides.mail.connection.test import TestPlan, run_test, stages_of
from guides.mail.diagnosis.codes import CREDENTIAL_CAUSES
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Door
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from guides.views import labels, retries, shapes
from guides.views.report_text import ReportPart, make_report
from guides.views.verdicts import (
    ArticleLink,
    ArticleLinks,
    CauseLink,
    VerdictPart,
    cause_links,
    is_guess,
    judged,
    with_next_steps,
)

HEARTBEAT_SECONDS = 0.45  # who has left is noticed at the second one, within a second
SELDOM_SECONDS = 5.0  # where the connection itself tells that
GATHER_SECONDS = 0.008  # for each test of a crowd: a stage may wait for the next ones, to be shown with them
MOST_GATHERED = 2.0  # seconds

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
        has_left: Callable[[], bool] | None = None,
    ) -> None:
        """`has_left` says whether the visitor's connection looks closed; None where the server does not show it."""
        self._admission = admission
        self._visit = visit
        self._hosts = {LEG_OF_PROTOCOL[server.protocol]: server.host for server in plan.servers}
        self._stream = loop.batches(
            lambda: run_test(plan, secret, door, patterns, crowd=visit.crowd()),
            HEARTBEAT_SECONDS if has_left is None else SELDOM_SECONDS,
            _patience,
            has_left,
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


@dataclass
class StageRow:
    """One stage on the page: waiting, or ended."""

    ident: str
    name: str | Promise
    result: StageResult | None = None
    article: ArticleLink | None = None
    causes: tuple[CauseLink, ...] = ()  # where several are possible

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
    def is_unsure(self) -> bool:
        """Whether a visitor is told that the cause is only a guess."""
        return self.result is not None and is_guess(self.result)

    @property
    def facts(self) -> list[tuple[str | Promise, str]]:
        """What is worth knowing of the stage, by name."""
        if self.result is None:
            return []
        return [
            (labels.DETAILS[name], _fact(name, value))
            for name, value in self.result.details.items()
            if value and name in labels.DETAILS
        ]


def _fact(name: str, value: str) -> str:
    if name == "attempts":  # address, how it ended, milliseconds
        return " ".join(str(labels.ATTEMPTS.get(word, word)) for word in value.split(" "))
    return str(labels.WORDS_IN_DETAILS.get((name, value), value))


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
        """With the titles of the articles that its results may name."""
        links = ArticleLinks.of(titles(language), plan.address.domain)
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
        with fragment_work():
            return [self._take(item) for item in items]

    def _take(self, item: StageResult | Verdict) -> str:
        row = self.note(item)
        if row is None:
            return self._html(lambda: shapes.verdict_html(self, self.language))
        return self._html(lambda: shapes.stage_html(row, self.language))

    def note(self, item: StageResult | Verdict) -> StageRow | None:
        """Note a finished stage, and return its row; or the verdict."""
        if isinstance(item, Verdict):
            self._end(item)
            return None
        part = next(part for part in self.legs if part.leg == item.leg)
        row = part.rows[part.finished]
        part.finished += 1
        row.result = with_next_steps(item, self.articles, self.links)
        row.article = self._link(item)
        row.causes = cause_links(item, self.articles, self.links)
        return row

    def _end(self, verdict: Verdict) -> None:
        results = [row.result for part in self.legs for row in part.rows if row.result]
        is_listed = verdict.leg in self.listed
        verdict = with_next_steps(verdict, self.articles, self.links)
        is_hidden = verdict.cause == HIDDEN_END and any(
            server.host in self.plan.hidden_hosts and LEG_OF_PROTOCOL[server.protocol] is verdict.leg
            for server in self.plan.servers
        )
        end = judged(verdict, results, self.articles, self.links, is_listed=is_listed, is_hidden=is_hidden)
        if end.clears_visitor:  # whatever the usual owner of such a failure is
            verdict = replace(verdict, owner=Owner.NOBODY)
        with fragment_work(), translation.override(self.language):
            tries = self._retries(verdict, results)
            end = replace(end, retries=tries, in_between=self._in_between() if end.works else None)
            report = make_report(
                self.plan.address,
                results,
                verdict,
                is_listed=is_listed,
                is_hidden=is_hidden,
                in_between=end.in_between.slug if end.in_between else None,
                suggests_local_part=any(one.ident == retries.LOCAL_PART for one in tries),
            )
            self.report = ReportPart.of(report, end)
        self.verdict = end

    def _retries(self, verdict: Verdict, results: Sequence[StageResult]) -> tuple[retries.Retry, ...]:
        """What to try next, each with a button: other servers that answered, and the other form of user name."""
        tries = [retries.with_alternative(self.plan, found) for found in verdict.alternatives]
        local_part = retries.with_local_part(self.plan, verdict, results)
        return (*tries, local_part) if local_part else tuple(tries)

    def _in_between(self) -> ArticleLink | None:
        return self.links.get(self.articles.article_for("cross.visitor_side"))

    def _link(self, result: StageResult) -> ArticleLink | None:
        return self.links.get(self.articles.article_of(result))

    def _html(self, render: Callable[[], str]) -> str:
        # A stream is rendered after the request's own language has been put away.
        with fragment_work(), translation.override(self.language):
            return render()
