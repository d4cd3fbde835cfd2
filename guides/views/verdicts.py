"""The end of a result: who can fix it, what happened, what to do, and the server's own words.

The visitor's page, the report and the support person's page are all made from this one part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self, TypeVar

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext

from guides.mail.connection.probes import SEEN_AT, SILENT_SINCE
from guides.mail.diagnosis.codes import UNKNOWN
from guides.mail.diagnosis.judging import GUESS_BELOW
from guides.mail.outcomes import Evidence, Outcome, Owner, StageResult, Verdict
from guides.services.articles import Articles
from guides.views import labels, remedies, retries

R = TypeVar("R", StageResult, Verdict)

_OF_THE_WAY = frozenset(
    {"tcp.refused", "tcp.timeout", "tcp.reset", "tcp.unreachable", "tls.eof", "tls.handshake_timeout"}
    | {"greet.closed", "greet.timeout", "greet.bye", "greet.421", "net.closed", "net.reset", "net.timeout"}
)


@dataclass(frozen=True, slots=True)
class ArticleLink:
    """An article as a result points at it."""

    slug: str
    title: str
    summary: str
    url: str


@dataclass(frozen=True, slots=True)
class ArticleLinks:
    """The articles as a result may point at them, for a visitor of `domain`."""

    known: Mapping[str, tuple[str, str]]  # title and summary, by slug
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


@dataclass(frozen=True, slots=True)
class CauseLink:
    """One of several possible causes: who can fix it, and where that is explained."""

    name: str
    owner: str | Promise
    article: ArticleLink | None


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
    is_hidden: bool = False  # the portal does not tell how the server fails
    retries: tuple[retries.Retry, ...] = ()
    in_between: ArticleLink | None = None  # what to read when it works from here and not at home
    causes: tuple[CauseLink, ...] = ()  # where several are possible, the likeliest first
    message: str = ""  # ready to send to whoever can fix it

    @property
    def headline(self) -> str | Promise:
        """What to do, in one sentence, for a test that failed."""
        if self.causes:
            return gettext("There are several possible reasons")
        return remedies.headline(self.verdict, self.article.title if self.article else "")

    @property
    def types_again(self) -> bool:
        """Whether the next thing to do is to type the password again."""
        return self.verdict.cause in remedies.TRY_AGAIN

    @property
    def depends_on_the_way(self) -> bool:
        """Whether the failure may be one of the way from this portal to the server, and not of the settings."""
        return self.verdict.cause in _OF_THE_WAY

    @property
    def is_unsure(self) -> bool:
        """Whether a visitor is told that the cause is only a guess."""
        return is_guess(self.verdict)

    @property
    def seconds(self) -> str:
        """How long the whole test took; "" for an answer that was known already."""
        tenths = round(self.verdict.milliseconds / 100)
        return f"{tenths / 10:.1f}" if tenths else ""

    @property
    def clears_visitor(self) -> bool:
        """Whether a known server has answered nobody for a while: the visitor's settings are right."""
        return self.silent_since is not None and self.is_listed

    @property
    def works(self) -> bool:
        """Whether everything works."""
        return self.verdict.outcome in (Outcome.OK, Outcome.WARN)


def is_guess(found: StageResult | Verdict) -> bool:
    """Whether a cause is named that is little sure. Where none is known, its article says so."""
    if found.confidence is None or found.cause == UNKNOWN or found.causes:
        return False
    return found.confidence < GUESS_BELOW


def with_next_steps(found: R, articles: Articles, links: ArticleLinks) -> R:
    """A record with the articles of its causes and their titles, as it is written down."""
    if found.cause is None:
        return found
    link = links.get(articles.article_of(found))
    if link is not None:
        found = replace(found, article=link.slug, next_step=link.title)
    if not found.causes:
        return found
    causes = []
    for cause in found.causes:
        link = links.get(articles.article_of_cause(cause))
        causes.append(cause if link is None else replace(cause, article=link.slug, next_step=link.title))
    return replace(found, causes=tuple(causes))


def cause_links(found: StageResult | Verdict, articles: Articles, links: ArticleLinks) -> tuple[CauseLink, ...]:
    """Where a record has several causes, each with its article; what the same article explains stands there once."""
    shown: dict[str, CauseLink] = {}
    for cause in found.causes:
        slug = articles.article_of_cause(cause)
        shown.setdefault(slug or cause.name, CauseLink(cause.name, labels.OWNERS[cause.owner], links.get(slug)))
    return tuple(shown.values()) if len(shown) > 1 else ()


def judged(
    verdict: Verdict,
    results: Sequence[StageResult],
    articles: Articles,
    links: ArticleLinks,
    *,
    is_listed: bool,
    is_hidden: bool,
) -> VerdictPart:
    """The end of the page, with the words of the stages that the verdict speaks of."""
    told = [
        result
        for result in results
        if result.cause and verdict.leg in (None, result.leg) and result.outcome is not Outcome.OK
    ]
    causes = cause_links(verdict, articles, links)
    # Who applies a change that is proven to help is the visitor, whoever else could mend the cause.
    who = Owner.VISITOR if remedies.proven_change(verdict) else verdict.owner
    owner = labels.OWNERS[who] if who and len({cause.owner for cause in causes}) < 2 else ""
    seen_at = next((result.details[SEEN_AT] for result in told if SEEN_AT in result.details), None)
    silent_since = next((result.details[SILENT_SINCE] for result in told if SILENT_SINCE in result.details), None)
    return VerdictPart(
        verdict,
        owner,
        links.get(articles.article_of(verdict)),
        next((result.evidence for result in told if result.evidence), ()),
        seen_at=_time(seen_at),
        silent_since=_time(silent_since),
        is_listed=is_listed,
        is_hidden=is_hidden,
        causes=causes,
    )


def _time(text: str | None) -> datetime | None:
    """What `shared.Answer.replayed` wrote; a report that was handed on may hold anything."""
    try:
        return datetime.fromisoformat(text or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
