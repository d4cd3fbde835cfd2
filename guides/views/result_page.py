"""The result of a connection test as its page shows it: stages by leg, filled in as they end, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.html import format_html

from guides.mail.connection.plan import LEG_OF_PROTOCOL
from guides.mail.connection.server_connection import HIDDEN_END
from guides.mail.connection.test import TestPlan, stages_of
from guides.mail.connection.verdict import leg_outcome
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.services.articles import Articles, titles
from guides.views import labels, provider_message, remedies, retries, verdicts
from guides.views.report_text import ReportPart, make_report

_MARKS = {
    Outcome.OK: "✓",
    Outcome.WARN: "!",
    Outcome.FAIL: "✕",
    Outcome.BLOCKED: "–",
    Outcome.SKIPPED: "–",
    Outcome.UNCLEAR: "?",
    Outcome.OURS: "?",
}


@dataclass
class StageRow:
    """One stage on the page: waiting, or ended."""

    ident: str
    name: str | Promise
    result: StageResult | None = None
    article: verdicts.ArticleLink | None = None
    causes: tuple[verdicts.CauseLink, ...] = ()  # where several are possible
    stop: str = ""  # where in the picture of the way the stage happens

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
        return self.result is not None and verdicts.is_guess(self.result)

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


def _stop_of(stage: Stage, leg: Leg) -> str:
    """The part of the picture that shows a stage: the visitor's details, the network, the way to a server, or it."""
    if stage in (Stage.INPUT, Stage.DNS):
        return "you" if stage is Stage.INPUT else "net"
    side = "in" if leg in (Leg.IMAP, Leg.POP3) else "out"
    return f"line-{side}" if stage is Stage.CONNECT else side


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
    is_told: bool = False  # whether its end was announced


@dataclass
class TestPage:
    """The result as it grows. All that it needs from the database is fetched before the test starts."""

    __test__ = False

    plan: TestPlan
    articles: Articles
    language: str
    links: verdicts.ArticleLinks
    listed: frozenset[Leg] = frozenset()
    legs: list[LegPart] = field(default_factory=list)
    verdict: verdicts.VerdictPart | None = None
    report: ReportPart | None = None

    @classmethod
    def prepare(cls, plan: TestPlan, articles: Articles, language: str, listed: frozenset[Leg] = frozenset()) -> Self:
        """All stages, waiting."""
        links = verdicts.ArticleLinks.of(titles(language), plan.address.domain)
        page = cls(plan, articles, language, links, listed)
        for server in plan.servers:
            leg = LEG_OF_PROTOCOL[server.protocol]
            rows = [
                StageRow(f"stage-{leg}-{index}", labels.STAGES[stage], stop=_stop_of(stage, leg))
                for index, stage in enumerate(stages_of(server))
            ]
            security = labels.SECURITIES[server.security]
            page.legs.append(LegPart(leg, labels.LEGS[leg], server.host, server.port, security, rows))
        if plan.deliver:
            rows = [StageRow(f"stage-{Leg.DELIVERY}-0", labels.STAGES[Stage.DELIVERY], stop="out")]
            sending = next(part for part in page.legs if part.leg is Leg.SMTP)
            page.legs.append(
                LegPart(Leg.DELIVERY, labels.LEGS[Leg.DELIVERY], sending.host, sending.port, sending.security, rows)
            )
        return page

    @property
    def receives(self) -> bool:
        """Whether a receiving server is tested."""
        return any(part.leg in (Leg.IMAP, Leg.POP3) for part in self.legs)

    @property
    def sends(self) -> bool:
        """Whether a sending server is tested."""
        return any(part.leg is Leg.SMTP for part in self.legs)

    def whole(self) -> str:
        """All stages, waiting or ended, and the verdict when there is one."""
        return self._html("test/_result.html", page=self)

    def broken(self, *, restart: bool = False) -> str:
        """The end of a test that broke off by a fault of our own, or because the portal is started again."""
        return self._html("test/_broken.html", restart=restart)

    def add(self, item: StageResult | Verdict) -> str:
        """Fill in a finished stage, or the verdict, and return its fragment."""
        row = self.fill_in(item)
        if row is None:
            return self._html("test/_verdict.html", part=self.verdict, page=self, oob=True)
        return self._html("test/_stage.html", row=row, oob=True) + self._progress()

    def _progress(self) -> str:
        """One sentence for screen readers for each leg that has ended; the rows themselves are not announced."""
        part = next((part for part in self.legs if part.finished == len(part.rows) and not part.is_told), None)
        if part is None:
            return ""
        part.is_told = True
        outcome = leg_outcome([row.result for row in part.rows if row.result])
        with translation.override(self.language):
            words = format_html("{}: {}", part.name, labels.OUTCOMES[outcome])
        return f'<p id="progress" hx-swap-oob="innerHTML">{words}</p>'

    def fill_in(self, item: StageResult | Verdict) -> StageRow | None:
        """Fill in a finished stage and return its row, or the verdict."""
        if isinstance(item, Verdict):
            self._end(item)
            return None
        part = next(part for part in self.legs if part.leg == item.leg)
        row = part.rows[part.finished]
        part.finished += 1
        row.result = verdicts.with_next_steps(item, self.articles, self.links)
        row.article = self._link(item)
        row.causes = verdicts.cause_links(item, self.articles, self.links)
        return row

    def _end(self, verdict: Verdict) -> None:
        results = [row.result for part in self.legs for row in part.rows if row.result]
        is_listed = verdict.leg in self.listed
        verdict = verdicts.with_next_steps(verdict, self.articles, self.links)
        is_hidden = verdict.cause == HIDDEN_END and any(
            server.host in self.plan.hidden_hosts and LEG_OF_PROTOCOL[server.protocol] is verdict.leg
            for server in self.plan.servers
        )
        end = verdicts.judged(verdict, results, self.articles, self.links, is_listed=is_listed, is_hidden=is_hidden)
        if end.clears_visitor:  # whatever the usual owner of such a failure is
            verdict = replace(verdict, owner=Owner.NOBODY)
        with translation.override(self.language):
            tries = self._retries(verdict, results)
            title = end.article.title if end.article else ""
            text = ""
            if not (end.works or end.clears_visitor or remedies.proven_change(verdict)):
                text = provider_message.message(str(self.plan.address), verdict, results, title)
            in_between = self._in_between() if end.works else None
            end = replace(end, retries=tries, in_between=in_between, message=text)
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

    def _in_between(self) -> verdicts.ArticleLink | None:
        return self.links.get(self.articles.article_for("cross.visitor_side"))

    def _link(self, result: StageResult) -> verdicts.ArticleLink | None:
        return self.links.get(self.articles.article_of(result))

    def _html(self, template: str, **context: object) -> str:
        # A stream is rendered after the request's own language has been deactivated.
        with translation.override(self.language):
            return render_to_string(template, context)
