"""The record of a stage: when it began, how sure its cause is, and what to do next."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from guides.limits import circuit_breaker
from guides.mail.accounts import Address, Protocol, Security
from guides.mail.connection.probes import Endpoint, ProbeResult
from guides.mail.connection.test import TestPlan
from guides.mail.connection_report import ConnectionReport
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.management.testmail_display import Display, display_for
from guides.services.articles import Articles, titles
from guides.views.result_page import TestPage
from guides.views.verdicts import ArticleLink
from tests.factories import make_article
from tests.scripted import ADDRESS, Imap, Pop3, Smtp, run_against

STARTED = datetime(2026, 11, 24, 14, 2, 1, 123456, tzinfo=UTC)
REFUSED = StageResult(
    Leg.IMAP,
    Stage.LOGIN,
    Outcome.FAIL,
    "auth.rejected",
    Owner.VISITOR,
    120,
    "imap.example.net",
    "192.0.2.7",
    993,
    Security.TLS,
    started=STARTED,
    confidence=0.88,
)
FAILED = Verdict(
    Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, "auth.rejected", Owner.VISITOR, 900, leg=Leg.IMAP, confidence=0.88
)


# --- when ----------------------------------------------------------------------------------------------------


def test_each_stage_that_was_run_says_when_it_began() -> None:
    before = datetime.now(UTC)
    ran = run_against(Imap(login=b"NO [AUTHENTICATIONFAILED] no"))
    after = datetime.now(UTC)
    run = [stage for stage in ran.of(Leg.IMAP) if stage.outcome is not Outcome.BLOCKED]
    times = [stage.started for stage in run if stage.started]
    assert len(times) == len(run) > 5
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] + timedelta(milliseconds=run[-1].milliseconds) <= after + timedelta(milliseconds=2)
    blocked = [stage.started for stage in ran.of(Leg.IMAP) if stage.outcome is Outcome.BLOCKED]
    assert blocked
    assert set(blocked) == {None}


def test_what_another_test_saw_has_no_beginning_in_this_one() -> None:
    failed = replace(REFUSED, stage=Stage.CONNECT, cause="tcp.timeout")
    (told,) = ProbeResult((failed,), time.time()).replayed(Leg.IMAP)
    assert told.started is None
    assert told.milliseconds == 0


def test_an_answer_of_an_older_shape_is_not_found_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(Protocol.IMAP, "imap.example.net", 993, Security.TLS)
    circuit_breaker.record_failure(endpoint, [replace(REFUSED, stage=Stage.CONNECT, cause="tcp.timeout")], probed=True)
    assert endpoint in circuit_breaker.known_failures([endpoint]).known
    monkeypatch.setattr(circuit_breaker, "_FIELDS", "older")
    assert endpoint not in circuit_breaker.known_failures([endpoint]).known
    cache.clear()


# --- how sure ------------------------------------------------------------------------------------------------


def pattern(expression: str, **changes: object) -> Pattern:
    return Pattern(**({"name": "one", "expression": expression, "cause": "auth.rejected"} | changes))  # type: ignore[arg-type]


def sureness(login: bytes, *patterns: Pattern) -> float:
    last = run_against(Imap(login=login), patterns=patterns, provider="example").last(Leg.IMAP)
    assert last.cause == "auth.rejected"
    assert last.confidence is not None
    return last.confidence


def test_the_better_known_the_words_the_surer_the_cause() -> None:
    words = b"NO [AUTHENTICATIONFAILED] Invalid credentials"
    falling = [
        sureness(words, pattern("Invalid cred", provider="example")),
        sureness(words, pattern("Invalid cred")),
        sureness(words),  # the code says it
        sureness(b"NO Invalid credentials"),  # words that mean this
        sureness(b"NO nope"),  # a bare refusal
    ]
    assert falling == sorted(set(falling), reverse=True)
    assert falling == [0.98, 0.965, 0.88, 0.85, 0.7]
    assert sureness(words, pattern("Invalid cred", priority=150)) == 0.7  # stands back behind the built-in rules


def test_what_the_portal_saw_itself_is_sure_and_what_it_does_not_know_is_not() -> None:
    seen = run_against(Imap(), reach=lambda one: one.server(port=1)).last(Leg.IMAP)
    assert (seen.cause, seen.confidence) == ("tcp.refused", 1.0)
    unknown = run_against(Imap(login=b"NO [X-WHAT] nein")).last(Leg.IMAP)
    assert (unknown.cause, unknown.confidence) == ("unknown.unknown", 0.0)
    assert run_against(Imap()).stage(Leg.IMAP, Stage.LOGIN).confidence is None


def test_codes_of_delivery_say_little_by_themselves() -> None:
    worded = run_against(Smtp(rcpt=b"550 5.1.1 No such user here")).last(Leg.SMTP)
    coded = run_against(Smtp(rcpt=b"550 5.1.1 nein")).last(Leg.SMTP)
    bare = run_against(Smtp(rcpt=b"550 nein")).last(Leg.SMTP)
    assert (worded.cause, worded.confidence) == ("rcpt.unknown", 0.85)
    assert (coded.cause, coded.confidence) == ("rcpt.unknown", 0.55)
    assert (bare.cause, bare.confidence) == ("rcpt.generic", 0.3)


def test_the_verdict_is_as_sure_as_its_stage_or_as_a_comparison() -> None:
    alone = run_against(Imap(login=b"NO [AUTHENTICATIONFAILED] no")).verdict
    assert (alone.cause, alone.confidence) == ("auth.rejected", 0.88)
    compared = run_against(Imap(login=b"NO [AUTHORIZATIONFAILED] no"), Pop3()).verdict
    assert (compared.cause, compared.confidence) == ("cross.imap_off", 0.85)
    assert run_against(Imap()).verdict.confidence is None


@pytest.mark.parametrize(("confidence", "cause", "unsure"), [
    (0.3, "rcpt.generic", True),
    (0.54, "rcpt.generic", True),
    (0.55, "rcpt.generic", False),
    (1.0, "tcp.refused", False),
    (0.0, "unknown.unknown", False),  # its own article says that nobody knows
    (None, None, False),
])  # fmt: skip
@pytest.mark.django_db
def test_a_visitor_reads_of_it_only_where_it_is_a_guess(
    confidence: float | None, cause: str | None, unsure: bool
) -> None:
    make_article("some", classes=(cause,) if cause else ())
    page = TestPage.prepare(
        TestPlan(ADDRESS, (Imap().server(port=993),)), Articles(PatternSet(), {cause or "": "some"}), "en"
    )
    stage = page.add(replace(REFUSED, cause=cause, confidence=confidence))
    page.fill_in(replace(FAILED, cause=cause, confidence=confidence))
    assert ("We are not sure." in stage) is unsure
    assert page.verdict is not None
    assert page.report is not None
    assert ("We are not sure." in page.whole().partition('class="legs"')[0]) is unsure
    assert ("We are not sure." in page.report.text) is unsure


# --- what next, and where it is written -------------------------------------------------------------------------


@pytest.fixture
def told() -> TestPage:
    plan = TestPlan(Address.parse("anna@example.net"), (Imap().server(port=993),))
    link = ArticleLink("wrong-password", "The password is refused", "", "/en/errors/wrong-password/")
    page = TestPage(plan, Articles(PatternSet(), {"auth.rejected": "wrong-password"}), "en", {link.slug: link})
    page.legs = TestPage.prepare(plan, page.articles, "en").legs
    page.fill_in(REFUSED)
    page.fill_in(FAILED)
    return page


@pytest.mark.django_db
def test_the_report_writes_all_three_down(told: TestPage, client: Client) -> None:
    assert told.report is not None
    data = json.loads(told.report.json)
    for record in (data["stages"][0], data["verdict"]):
        assert record["article"] == "wrong-password"
        assert record["next_step"] == "The password is refused"
        assert record["confidence"] == 0.88
    assert data["stages"][0]["started"] == "2026-11-24T14:02:01.123Z"
    text = told.report.text
    assert "* Signing in: failed, 120 ms [auth.rejected] 2026-11-24T14:02:01.123Z" in text
    assert "    How sure this is: 88 %" in text
    assert "    What to do, step by step: The password is refused" in text
    report = ConnectionReport.from_json(told.report.json)
    assert report.results[0].started == STARTED.replace(microsecond=123000)
    assert ConnectionReport.from_json(report.to_json()) == report
    html = client.post("/en/report/", {"report": told.report.json, "as": "page"}).content.decode()
    assert "2026-11-24T14:02:01.123Z" in html


@pytest.mark.django_db
def test_a_report_of_an_older_portal_lacks_them(told: TestPage) -> None:
    assert told.report is not None
    data = json.loads(told.report.json)
    for record in (data["stages"][0], data["verdict"]):
        for name in ("started", "next_step", "confidence"):
            record.pop(name, None)
    report = ConnectionReport.from_json(json.dumps(data))
    assert (report.results[0].started, report.results[0].confidence, report.results[0].next_step) == (None, None, "")


def shown_as(*, as_json: bool) -> str:
    stream = io.StringIO()
    articles = Articles(PatternSet(), {"auth.rejected": "wrong-password"})
    plan = TestPlan(ADDRESS, (Imap().server(port=993),))
    display: Display = display_for(
        stream, plan, articles, {"wrong-password": "The password is refused"}, as_json=as_json
    )
    display.stage(REFUSED)
    display.stage(StageResult(Leg.IMAP, Stage.MAILBOX, Outcome.BLOCKED))
    display.verdict(FAILED)
    return stream.getvalue()


def test_the_terminal_writes_them_down() -> None:
    stage, blocked, verdict = map(json.loads, shown_as(as_json=True).splitlines())
    assert stage["started"] == "2026-11-24T14:02:01.123Z"
    assert (blocked["started"], blocked["next_step"], blocked["confidence"]) == (None, None, None)
    for record in (stage, verdict["verdict"]):
        assert record["confidence"] == 0.88
        assert record["next_step"] == "The password is refused"
        assert record["article"] == "wrong-password"
    words = shown_as(as_json=False)
    assert words.count("next step: The password is refused") == 2


@pytest.mark.django_db
def test_the_command_knows_the_titles() -> None:
    make_article("wrong-password", classes=("auth.rejected",))
    assert {slug: title for slug, (title, _summary) in titles("en").items()} == {
        "wrong-password": "About wrong-password"
    }
