"""A server's words that fit several causes: all of them are shown, the likeliest first, and nothing is claimed."""

from __future__ import annotations

import io
import json
from html import unescape

import pytest
from django.test import Client
from django.utils import translation

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection import legs
from guides.mail.connection.test import TestPlan
from guides.mail.connection_report import ConnectionReport, ReportFault
from guides.mail.diagnosis.classes import owner_of
from guides.mail.diagnosis.codes import Reply, cause_of
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.diagnosis.refusals import AMBIGUOUS, MOST_CAUSES, judge_refusal
from guides.mail.outcomes import Leg, Outcome, Owner, PossibleCause, Stage, StageResult, Verdict
from guides.management.testmail_display import display_for
from guides.services.articles import Articles
from guides.views.result_page import TestPage
from tests.factories import make_article
from tests.scripted import ADDRESS, Imap, Pop3, Smtp, egress, run_against

EITHER = b"NO [AUTHENTICATIONFAILED] LOGIN invalid credentials or IMAP is disabled"
THREE = ("auth.user_or_disabled_ambiguous", "auth.rejected", "auth.protocol_disabled")


def names(found: StageResult | Verdict) -> list[str]:
    return [cause.name for cause in found.causes]


def pattern(name: str, expression: str, cause: str, **more: object) -> Pattern:
    return Pattern(name, expression, cause, **more)  # type: ignore[arg-type]


# --- which causes --------------------------------------------------------------------------------------------


def test_a_class_that_means_several_is_unclear() -> None:
    ran = run_against(Imap(login=EITHER), Smtp())
    last = ran.last(Leg.IMAP)
    assert (last.outcome, last.cause) == (Outcome.UNCLEAR, "auth.user_or_disabled_ambiguous")
    assert names(last) == list(THREE)
    assert [cause.owner for cause in last.causes] == [owner_of(name) for name in THREE]
    assert all(cause.confidence < last.causes[0].confidence for cause in last.causes[1:])
    assert ran.stage(Leg.SMTP, Stage.LOGIN).outcome is Outcome.BLOCKED  # the pair may have been refused
    assert (ran.verdict.outcome, ran.verdict.cause, names(ran.verdict)) == (Outcome.UNCLEAR, THREE[0], list(THREE))


def test_another_leg_can_clear_it_up() -> None:
    """What only one of the causes explains is no longer unclear."""
    verdict = run_against(Pop3(login=b"-ERR [AUTH] login failure or POP3 disabled"), Imap()).verdict
    assert (verdict.outcome, verdict.cause, verdict.causes) == (Outcome.FAIL, "cross.pop3_off", ())


def test_every_class_that_is_ambiguous_by_definition_names_its_causes() -> None:
    for name, meant in AMBIGUOUS.items():
        assert 1 < 1 + len(meant) <= MOST_CAUSES, name
        for cause in (name, *meant):
            owner_of(cause)  # raises for what is not in the vocabulary


def test_a_chain_that_tells_neither_is_unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    async def tells_nothing(fault: Exception, *_: object, **__: object) -> Exception:
        return fault

    monkeypatch.setattr(legs, "explain_certificate", tells_nothing)
    last = run_against(Imap(), through=egress(extra_ca_file=None)).last(Leg.IMAP)
    assert last.outcome is Outcome.UNCLEAR
    assert names(last) == ["tls.chain_or_unknown_ca", "tls.chain_incomplete", "tls.unknown_ca"]


def judged(words: str, *patterns: Pattern, code: str = "", stage: Stage = Stage.LOGIN) -> list[str]:
    reply = Reply(Protocol.IMAP, "NO", code, words)
    found = judge_refusal(
        reply, cause_of(reply, stage), PatternSet(patterns), protocol=Protocol.IMAP, stage=stage, provider="acme"
    )
    return [cause.name for cause in found]


def test_the_rank_of_patterns_decides() -> None:
    def two(first: str, second: str, **second_has: object) -> list[str]:
        return judged("blue frog", pattern("a", "blue", first), pattern("b", "frog", second, **second_has))

    assert two("auth.locked", "auth.account_disabled") == ["auth.locked", "auth.account_disabled"]
    assert two("auth.locked", "auth.account_disabled", priority=101) == ["auth.locked"]
    assert two("auth.locked", "auth.account_disabled", provider="acme") == ["auth.account_disabled"]
    assert two("auth.locked", "auth.account_disabled", protocol=Protocol.POP3) == ["auth.locked"]
    assert two("auth.locked", "auth.locked") == ["auth.locked"]
    assert two("auth.locked", "auth.rejected") == ["auth.locked"]  # a refusal without a reason rivals none
    many = [pattern(f"p{n}", "blue", cause) for n, cause in enumerate(
        ("auth.locked", "auth.policy", "auth.plan", "auth.throttled")
    )]  # fmt: skip
    assert judged("blue frog", *many) == ["auth.locked", "auth.policy", "auth.plan"]  # three are shown


@pytest.mark.parametrize(
    ("code", "words", "causes"),
    [
        ("", "Invalid credentials or account locked", ["auth.locked", "auth.rejected"]),
        ("", "account is disabled or password expired", ["auth.expired_password", "auth.account_disabled"]),
        ("", "password expired または account locked", ["auth.expired_password", "auth.locked"]),
        ("", "Invalid credentials. The account is locked", ["auth.locked"]),
        ("", "IMAP is disabled; ask for an app password", ["auth.protocol_disabled"]),
        ("", "Invalid user name or password", ["auth.rejected"]),
        ("EXPIRED", "Account is locked", ["auth.locked", "auth.expired_password"]),
        ("EXPIRED", "no", ["auth.expired_password"]),
        ("EXPIRED", "Your password has expired", ["auth.expired_password"]),
        ("CONTACTADMIN", "Account is locked", ["auth.locked"]),  # that code says nothing of the reason
        ("UNAVAILABLE", "Invalid credentials or account locked", ["auth.locked"]),  # it will pass: no refusal
    ],
)
def test_words_and_codes(code: str, words: str, causes: list[str]) -> None:
    assert judged(words, code=code) == causes


def test_what_may_be_the_portals_address_is_called_so() -> None:
    last = run_against(Smtp(login=(b"535 Invalid credentials or IP blocked",))).last(Leg.SMTP)
    assert last.outcome is Outcome.UNCLEAR
    assert [(cause.name, cause.owner) for cause in last.causes] == [
        ("auth.rejected", Owner.VISITOR),
        ("cross.portal_blocked", Owner.PORTAL),
    ]


# --- where they are shown ------------------------------------------------------------------------------------

CAUSES = (
    PossibleCause("auth.locked", Owner.NOBODY, 0.85),
    PossibleCause("auth.account_disabled", Owner.ADMIN, 0.8),
    PossibleCause("auth.rejected", Owner.VISITOR, 0.7),
)
REFUSED = StageResult(
    Leg.IMAP, Stage.LOGIN, Outcome.UNCLEAR, "auth.locked", Owner.NOBODY, host="imap.example.net", port=993,
    security=Security.TLS, confidence=0.85, causes=CAUSES,
)  # fmt: skip
UNCLEAR = Verdict(
    Outcome.UNCLEAR, {Leg.IMAP: Outcome.UNCLEAR}, "auth.locked", Owner.NOBODY, 900, leg=Leg.IMAP, confidence=0.85,
    causes=CAUSES,
)  # fmt: skip
SLUGS = {"auth.locked": "account-locked", "auth.account_disabled": "ask-somebody", "auth.rejected": "wrong-password"}


def shown(language: str = "en", by_class: dict[str, str] | None = None) -> TestPage:
    for cause, slug in SLUGS.items():
        make_article(slug, languages=("en", "ja", "ru"), classes=(cause,))
    plan = TestPlan(ADDRESS, (Server(Protocol.IMAP, "imap.example.net", 993, Security.TLS),))
    with translation.override(language):
        page = TestPage.prepare(plan, Articles(PatternSet(), by_class or SLUGS), language)
        page.stage_fragment = page.add(REFUSED)  # type: ignore[attr-defined]
        page.fill_in(UNCLEAR)
    return page


def positions(text: str, *parts: str) -> list[int]:
    for part in parts:
        assert part in text, part
    return [text.index(part) for part in parts]


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_stage_and_verdict_show_each_with_its_article(language: str) -> None:
    page = shown(language)
    links = [f"/{language}/errors/{slug}/?at=example.test" for slug in SLUGS.values()]
    row: str = page.stage_fragment  # type: ignore[attr-defined]
    verdict = page.whole().partition('class="legs"')[0]
    for html in (row, verdict):
        found = positions(html, *links)
        assert found == sorted(found)
    with translation.override(language):
        sentence = translation.gettext("There are several possible reasons")
    assert sentence in verdict
    assert (sentence == "There are several possible reasons") is (language == "en")


@pytest.mark.django_db
def test_who_can_fix_it_stands_at_each_unless_it_is_the_same_for_all() -> None:
    verdict = unescape(shown().whole().partition('class="legs"')[0])
    owners = ("This usually passes by itself.", "The administrator of your mailbox", "You can fix this yourself.")
    found = positions(verdict, *owners)
    assert found == sorted(found)


@pytest.mark.django_db
def test_what_one_article_explains_stands_there_once() -> None:
    page = shown(by_class=dict.fromkeys(SLUGS, "account-locked"))
    assert page.whole().count('href="/en/errors/account-locked/') == 2  # the verdict's button, the stage
    assert "several possible reasons" not in page.whole()


@pytest.mark.django_db
def test_the_report_holds_and_shows_them(client: Client) -> None:
    page = shown()
    assert page.report is not None
    data = json.loads(page.report.json)
    for record in (data["stages"][0], data["verdict"]):
        assert record["class"] == record["causes"][0]["class"] == "auth.locked"
        assert [cause["class"] for cause in record["causes"]] == list(SLUGS)
        assert [cause["article"] for cause in record["causes"]] == list(SLUGS.values())
        assert record["causes"][1]["next_step"] == "About ask-somebody"
        assert record["causes"][1]["who"] == "admin"
    report = ConnectionReport.from_json(page.report.json)
    assert names(report.results[0]) == names(report.verdict) == list(SLUGS)
    text = page.report.text
    assert "Result: There are several possible reasons [auth.locked]" in text
    assert "2. [auth.account_disabled, 80 %] About ask-somebody" in text
    assert "2. About ask-somebody (/en/errors/ask-somebody/?at=example.test)" in text
    html = client.post("/en/report/", {"report": page.report.json, "as": "page"}).content.decode()
    for slug in SLUGS.values():
        assert html.count(f'href="/en/errors/{slug}/?at=example.test"') == 2
    assert "There are several possible reasons" in html


@pytest.mark.django_db
@pytest.mark.parametrize(
    "causes",
    [
        {},
        [{"class": "auth.locked"}],
        [{"class": None, "who": "visitor", "confidence": 1, "article": None, "next_step": None}],
        [{"class": "auth.locked", "who": "me", "confidence": 1, "article": None, "next_step": None}],
        [{"class": "auth.locked", "who": "visitor", "confidence": 2, "article": None, "next_step": None}],
        [{"class": "auth.locked", "who": "visitor", "confidence": 1, "article": "../x", "next_step": None}],
        [{"class": "auth.locked", "who": "visitor", "confidence": 1, "article": None, "next_step": None}] * 4,
    ],
)
def test_no_strangers_causes(causes: object) -> None:
    page = shown()
    assert page.report is not None
    data = json.loads(page.report.json)
    data["stages"][0]["causes"] = causes
    with pytest.raises(ReportFault):
        ConnectionReport.from_json(json.dumps(data))


def test_the_terminal_shows_them() -> None:
    plan = TestPlan(ADDRESS, (Server(Protocol.IMAP, "imap.example.net", 993, Security.TLS),))
    shelf = Articles(PatternSet(), SLUGS)
    titles = {slug: f"About {slug}" for slug in SLUGS.values()}
    outputs = []
    for as_json in (True, False):
        stream = io.StringIO()
        display = display_for(stream, plan, shelf, titles, as_json=as_json)
        display.stage(REFUSED)
        display.verdict(UNCLEAR)
        outputs.append(stream.getvalue())
    for record in map(json.loads, outputs[0].splitlines()):
        record = record.get("verdict", record)
        assert record["class"] == "auth.locked"
        assert [(cause["class"], cause["article"], cause["next_step"]) for cause in record["causes"]] == [
            (name, slug, f"About {slug}") for name, slug in SLUGS.items()
        ]
    assert outputs[1].count("or: auth.account_disabled (who: admin), article: ask-somebody") == 2


def test_a_single_cause_is_a_list_of_one() -> None:
    stream = io.StringIO()
    plan = TestPlan(ADDRESS, (Server(Protocol.IMAP, "imap.example.net", 993, Security.TLS),))
    display = display_for(stream, plan, Articles(PatternSet(), {}), {}, as_json=True)
    display.stage(StageResult(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, "auth.locked", Owner.NOBODY, confidence=0.85))
    display.stage(StageResult(Leg.IMAP, Stage.MAILBOX, Outcome.BLOCKED))
    failed, blocked = map(json.loads, stream.getvalue().splitlines())
    assert [cause["class"] for cause in failed["causes"]] == ["auth.locked"]
    assert blocked["causes"] == []
