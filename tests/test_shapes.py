"""Fragments joined from a template's pieces are what the template engine would make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from guides.mail.accounts import Address, Protocol, Security, Server
from guides.mail.connection.plan import LEG_OF_PROTOCOL
from guides.mail.connection.shared import SEEN_AT, SILENT_SINCE
from guides.mail.connection.test import TestPlan, stages_of
from guides.mail.connection.verdict import verdict
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import Evidence, Outcome, Owner, PossibleCause, Stage, StageResult
from guides.services.articles import Articles
from guides.views import shapes
from guides.views.retries import Retry
from guides.views.running import TestPage
from guides.views.verdicts import ArticleLink

pytestmark = pytest.mark.django_db

HOSTILE = "<b>\"'&\ue0000\ue001{{ 7 }}</b>"
SERVERS = (
    Server(Protocol.IMAP, "imap.lab.test", 993, Security.TLS),
    Server(Protocol.SMTP, "smtp.lab.test", 587, Security.STARTTLS),
)
LINK = ArticleLink("wrong", f"Title {HOSTILE}", f"Summary {HOSTILE}", "/en/errors/wrong/?at=lab.test&x=1")


@pytest.fixture(autouse=True, params=["en", "ja", "ru"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    shapes._pieces.clear()
    with translation.override(request.param):
        yield request.param


def page(language: str) -> TestPage:
    plan = TestPlan(address=Address.parse("anna@lab.test"), servers=SERVERS)
    return TestPage.prepare(plan, Articles(PatternSet(), {}), language)


def result(server: Server, stage: Stage, number: int, **changes: object) -> StageResult:
    found = StageResult(
        leg=LEG_OF_PROTOCOL[server.protocol],
        stage=stage,
        outcome=Outcome.OK,
        cause=None,
        owner=None,
        milliseconds=number * 700,
        host=server.host,
        ip_address="192.0.2.1",
        port=server.port,
        security=server.security,
        evidence=(),
        details={"addresses": f"192.0.2.{number} {HOSTILE}", "issuer": ""} if number % 2 else {},
    )
    return replace(found, **changes)  # type: ignore[arg-type]


FAILURES: list[dict[str, object]] = [
    {},
    {"outcome": Outcome.FAIL, "cause": "auth.rejected", "owner": Owner.VISITOR},
    {"outcome": Outcome.FAIL, "cause": "auth.rejected", "owner": Owner.VISITOR, "confidence": 0.3},
    {
        "outcome": Outcome.UNCLEAR,
        "cause": "auth.locked",
        "owner": Owner.NOBODY,
        "causes": (
            PossibleCause("auth.locked", Owner.NOBODY, 0.8),
            PossibleCause("auth.rejected", Owner.VISITOR, 0.7),
        ),
    },
    {
        "outcome": Outcome.FAIL,
        "cause": "tcp.timeout",
        "owner": Owner.PROVIDER,
        "evidence": (Evidence(f"No <i>{HOSTILE}", True), Evidence("BYE\nnow", False)),
        "details": {SEEN_AT: datetime(2026, 11, 24, 12, tzinfo=UTC).isoformat()},
    },
    {
        "outcome": Outcome.FAIL,
        "cause": "dns.servfail",
        "owner": Owner.PROVIDER,
        "details": {SILENT_SINCE: datetime(2026, 11, 24, 9, tzinfo=UTC).isoformat(), SEEN_AT: "2026-11-24T12:00:00"},
    },
]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("linked", [False, True])
def test_each_is_what_the_engine_makes(language: str, failure: dict[str, object], linked: bool) -> None:
    for _ in range(2):  # made anew, and then from pieces
        made = page(language)
        assert shapes.result_html(made, language) == render_to_string("test/_result.html", {"page": made})
        for server in SERVERS:
            for number, stage in enumerate(stages_of(server)):
                row = made.note(result(server, stage, number, **failure if stage is Stage.LOGIN else {}))
                assert row is not None
                row.article = LINK if linked and failure else None
                plain = render_to_string("test/_stage.html", {"row": row, "oob": True})
                assert shapes.stage_html(row, language) == plain
                assert HOSTILE not in plain
        results = [row.result for part in made.legs for row in part.rows if row.result]
        made.note(verdict(results, 4050))
        assert made.verdict is not None
        if linked:
            made.verdict = replace(made.verdict, article=LINK, in_between=LINK)
        plain = render_to_string("test/_verdict.html", {"part": made.verdict, "page": made, "oob": True})
        assert shapes.verdict_html(made, language) == plain
        assert shapes.result_html(made, language) == render_to_string("test/_result.html", {"page": made})


def test_nothing_of_a_visitor_is_kept(language: str) -> None:
    made = page(language)
    for server in SERVERS:
        for number, stage in enumerate(stages_of(server)):
            row = made.note(result(server, stage, number))
            assert row is not None
            shapes.stage_html(row, language)
    made.note(verdict([row.result for part in made.legs for row in part.rows if row.result], 100))
    shapes.verdict_html(made, language)
    shapes.result_html(made, language)
    retry = Retry("local-part", "Again", "", (), "Go", (("address", "anna@lab.test"),))
    assert made.verdict is not None
    made.verdict = replace(made.verdict, retries=(retry,))
    for html in (shapes.verdict_html(made, language), shapes.result_html(made, language)):
        assert 'value="anna@lab.test"' in html  # although the same end without a form has been made before
    kept = repr(shapes._pieces)
    assert "It works" in kept or language != "en"
    for text in ("anna", "lab.test", "192.0.2.1", "700"):
        assert text not in kept
