"""The report that a visitor hands on: what is in it, how it comes back, and what a stranger may paste."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest
from django.core.cache import cache
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.probes import SILENT_SINCE
from guides.mail.connection_report import LONGEST, ConnectionReport, ReportFault
from guides.mail.outcomes import Alternative, Evidence, Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.views import result_stream
from tests.factories import make_article
from tests.tables import each_row

RESULTS = (
    StageResult(
        Leg.IMAP, Stage.DNS, Outcome.OK, milliseconds=3, host="imap.example.net", port=993, security=Security.TLS
    ),
    StageResult(
        Leg.IMAP,
        Stage.LOGIN,
        Outcome.FAIL,
        "auth.rejected",
        Owner.VISITOR,
        milliseconds=120,
        host="imap.example.net",
        ip_address="192.0.2.7",
        port=993,
        security=Security.TLS,
        evidence=(Evidence("NO <script>alert(1)</script> \u202e[user]", before_encryption=True),),
        details={"protocol": "TLSv1.3"},
        article="wrong-password",
    ),
    StageResult(Leg.IMAP, Stage.MAILBOX, Outcome.BLOCKED, host="imap.example.net", port=993, security=Security.TLS),
)
REPORT = ConnectionReport(
    datetime(2026, 11, 24, 14, 2, 3, tzinfo=UTC),
    "Mail Helpdesk 0.1.0",
    "anna.kovacs@example.net",
    RESULTS,
    Verdict(Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, "auth.rejected", Owner.VISITOR, 1234, "wrong-password", Leg.IMAP),
)


REACHED = {"host": "imap.example.net", "port": 993, "security": "tls"}


def changed(**changes: object) -> str:
    return json.dumps(json.loads(REPORT.to_json()) | changes)


def changed_stage(**changes: object) -> str:
    data = json.loads(REPORT.to_json())
    data["stages"][1] |= changes
    return json.dumps(data)


def changed_verdict(**changes: object) -> str:
    data = json.loads(REPORT.to_json())
    data["verdict"] |= changes
    return json.dumps(data)


def test_it_comes_back_as_it_went() -> None:
    again = ConnectionReport.from_json(REPORT.to_json())
    assert again.verdict == REPORT.verdict
    assert again.made_at == REPORT.made_at
    assert again.results[0] == RESULTS[0]
    assert again.results[1].evidence[0].text == "NO <script>alert(1)</script> ⟨U+202E⟩[user]"  # disarmed
    assert ConnectionReport.from_json(again.to_json()) == again


def test_a_report_of_an_older_portal_still_opens() -> None:
    data = json.loads(REPORT.to_json())
    for name in ("listed", "alternatives", "local_part", "in_between"):
        del data["verdict"][name]
    assert ConnectionReport.from_json(json.dumps(data)) == ConnectionReport.from_json(REPORT.to_json())


def test_the_address_can_be_masked() -> None:
    masked = REPORT.masked()
    assert masked.address == "a…@example.net"
    assert "kovacs" not in masked.to_json()


@each_row(
    ("text", "fault"),
    [
        ("", "json"),
        ("hello", "json"),
        ("[" * 100_000, "json"),
        ("x" * (LONGEST + 1), "json"),
        ("[]", "shape"),
        ("null", "shape"),
        ("{}", "shape"),
        (changed(report="else"), "shape"),
        (changed(format=2), "shape"),
        (changed(format=True), "shape"),
        (changed(more=1), "shape"),
        (changed(made_at="yesterday"), "shape"),
        (changed(made_at="2026-11-24T14:02:03"), "shape"),
        (changed(address="a" * 400), "shape"),
        (changed(address=["a"]), "shape"),
        (changed(stages={}), "shape"),
        (changed(stages=[[]]), "shape"),
        (changed(stages=json.loads(REPORT.to_json())["stages"] * 40), "shape"),
        (changed(verdict=None), "shape"),
        (changed_verdict(legs={"imap": "great"}), "shape"),
        (changed_verdict(legs={"nntp": "ok"}), "shape"),
        (changed_verdict(article="../../admin"), "shape"),
        (changed_verdict(article={"a": 1}), "shape"),
        (changed_verdict(extra=""), "shape"),
        (changed_verdict(listed="yes"), "shape"),
        (changed_verdict(local_part=1), "shape"),
        (changed_verdict(in_between="../../admin"), "shape"),
        (changed_verdict(alternatives={}), "shape"),
        (changed_verdict(alternatives=[{"leg": "imap"}]), "shape"),
        (changed_verdict(alternatives=[REACHED | {"leg": "delivery", "instead_of": REACHED}]), "shape"),
        (changed_verdict(alternatives=[REACHED | {"leg": "imap", "instead_of": REACHED | {"port": 70000}}]), "shape"),
        (changed_verdict(alternatives=[REACHED | {"leg": "imap", "instead_of": REACHED}] * 9), "shape"),
        (changed_verdict(ms=-1), "shape"),
        (changed_stage(stage="magic"), "shape"),
        (changed_stage(stage=["dns"]), "shape"),
        (changed_stage(outcome=None), "shape"),
        (changed_stage(**{"class": "made.up"}), "shape"),
        (changed_stage(**{"class": ["auth.rejected"]}), "shape"),
        (changed_stage(who="me"), "shape"),
        (changed_stage(ms=10**30), "shape"),
        (changed_stage(ms=1.5), "shape"),
        (changed_stage(port=70000), "shape"),
        (changed_stage(security="none at all"), "shape"),
        (changed_stage(evidence=[{"text": "x"}]), "shape"),
        (changed_stage(evidence=[{"text": "x" * 2000, "before_encryption": False}]), "shape"),
        (changed_stage(evidence=[{"text": "x", "before_encryption": 1}]), "shape"),
        (changed_stage(details={"a": 1}), "shape"),
        (changed_stage(details={"a" * 50: "x"}), "shape"),
        (changed_stage(details={str(n): "x" for n in range(30)}), "shape"),
        (changed_stage(host="h" * 300), "shape"),
    ],
)
def test_what_is_no_report_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ReportFault) as refused:
        ConnectionReport.from_json(text)
    assert refused.value.fault == fault


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(st.sampled_from(sorted(json.loads(REPORT.to_json()))), json_values)
def test_nothing_but_a_report_fault_comes_of_any_value(name: str, value: object) -> None:
    with suppress(ReportFault):
        ConnectionReport.from_json(changed(**{name: value}))


@given(st.sampled_from(sorted(json.loads(REPORT.to_json())["stages"][1])), json_values)
def test_nor_of_any_value_in_a_stage(name: str, value: object) -> None:
    with suppress(ReportFault):
        ConnectionReport.from_json(changed_stage(**{name: value}))


# --- the page ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_support_person_sees_what_the_visitor_saw(client: Client) -> None:
    make_article("wrong-password", classes=("auth.rejected",), languages=("en", "ru"))
    assert client.get("/en/report/").status_code == 200
    response = client.post("/en/report/", {"report": REPORT.to_json(), "as": "page"})
    html = response.content.decode()
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    for text in ("anna.kovacs@example.net", "Signing in", "120 ms", "imap.example.net", "You can fix this yourself."):
        assert text in html
    assert "/en/errors/wrong-password/?at=example.net" in html
    assert "NO &lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html
    russian = client.post("/ru/report/", {"report": REPORT.to_json(), "as": "page"}).content.decode()
    assert "Вход" in russian
    assert "You can fix" not in russian


@pytest.mark.django_db
def test_it_can_be_saved_as_text_and_json_with_or_without_the_address(client: Client) -> None:
    text = client.post("/en/report/", {"report": REPORT.to_json(), "as": "text"})
    assert text["Content-Disposition"] == 'attachment; filename="mail-test-report.txt"'
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    body = text.content.decode()
    for line in (
        "Mail address: anna.kovacs@example.net",
        "Made: 2026-11-24 14:02:03 UTC",
        "Made by: Mail Helpdesk 0.1.0",
        "== Receiving by IMAP: imap.example.net:993 SSL/TLS",
        "* Signing in: failed, 120 ms [auth.rejected]",
        "    The server said, before encryption:",
        "    protocol: TLSv1.3",
    ):
        assert line in body.splitlines() or line in body, line
    masked = client.post("/en/report/", {"report": REPORT.to_json(), "as": "json", "mask": "on"})
    assert masked["Content-Disposition"] == 'attachment; filename="mail-test-report.json"'
    assert json.loads(masked.content)["address"] == "a…@example.net"
    assert ConnectionReport.from_json(masked.content.decode()).verdict == REPORT.verdict


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "hello", "{}", "[" * 5000, "\0", changed_stage(stage="magic")])
def test_bad_input_is_told_at_the_field(client: Client, text: str) -> None:
    response = client.post("/en/report/", {"report": text, "as": "json"})
    html = response.content.decode()
    assert response.status_code == 422
    assert 'id="id_report_error"' in html
    assert "<title>Error:" in html
    if text == "hello":
        assert ">\nhello</textarea>" in html  # what was typed is kept


@pytest.mark.django_db
def test_a_silent_server_in_a_report_may_say_any_time(client: Client) -> None:
    for when in ("2026-11-24T14:02:00+00:00", "yesterday", "0001-01-01T00:00:00+14:00"):
        text = changed_stage(details={"silent_since": when, "seen_at": when})
        assert client.post("/en/report/", {"report": text, "as": "page"}).status_code == 200


def silent() -> ConnectionReport:
    """A listed server that has answered nobody for a while."""
    told = replace(
        RESULTS[0],
        stage=Stage.CONNECT,
        outcome=Outcome.FAIL,
        cause="tcp.timeout",
        owner=Owner.PROVIDER,
        details={SILENT_SINCE: "2026-11-24T13:30:00+00:00"},
    )
    verdict = Verdict(Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, "tcp.timeout", Owner.NOBODY, 20, None, Leg.IMAP)
    return replace(REPORT, results=(told,), verdict=verdict, is_listed=True)


def as_support_sees_it(client: Client, report: ConnectionReport, language: str = "en") -> str:
    return client.post(f"/{language}/report/", {"report": report.to_json(), "as": "page"}).content.decode()


def as_text(client: Client, report: ConnectionReport, **fields: str) -> str:
    return client.post("/en/report/", {"report": report.to_json(), "as": "text"} | fields).content.decode()


@pytest.mark.django_db
def test_support_reads_that_the_settings_are_right_where_the_visitor_does(client: Client) -> None:
    html, text = as_support_sees_it(client, silent()), as_text(client, silent())
    for sentence in ("Your settings are right; there is nothing for you to change.", "has not answered anybody since"):
        assert sentence in html
        assert sentence in text
    assert "not answered anybody since 2026-11-24 13:30:00 UTC" in text
    for shown in (html, text):
        assert "Compare its name, port and encryption" not in shown
    assert "Server, port and encryption are the ones that this portal knows of the provider." in text
    stranger = as_support_sees_it(client, replace(silent(), is_listed=False))
    assert "Your settings are right" not in stranger
    assert "Compare its name, port and encryption" in stranger


ANSWERS = Alternative(
    Leg.IMAP,
    Server(Protocol.IMAP, "imap.example.net", 143, Security.STARTTLS),
    Server(Protocol.IMAP, "imap.example.net", 993, Security.TLS),
)


@pytest.mark.django_db
def test_support_reads_what_to_change_in_words_and_without_a_button(client: Client) -> None:
    report = replace(REPORT, verdict=replace(REPORT.verdict, alternatives=(ANSWERS,)))
    assert ConnectionReport.from_json(report.to_json()).verdict.alternatives == (ANSWERS,)
    html, text = as_support_sees_it(client, report), as_text(client, report)
    assert "These settings do answer." in html
    assert "Port: not <s>143</s>, but <strong>993</strong>" in html
    assert "Server: not" not in html  # only what is different
    assert "Port: not 143, but 993" in text
    assert "Encryption: not STARTTLS, but SSL/TLS" in text
    for absent in ('type="password"', "Test these settings"):
        assert absent not in html
    assert "<s>143</s>" in as_support_sees_it(client, report, "ru")


@pytest.mark.django_db
@pytest.mark.parametrize("mask", [False, True])
def test_support_reads_that_another_user_name_could_be_right(client: Client, mask: bool) -> None:
    report = replace(REPORT, suggests_local_part=True)
    text = as_text(client, report, **({"mask": "on"} if mask else {}))
    for shown in (as_support_sees_it(client, report), text):
        assert "Some servers want only the part of the address before the @ as user name." in shown
    assert ("kovacs" in text) is not mask
    assert ("Mail address: a…@example.net" in text) is mask


@pytest.mark.django_db
def test_support_reads_what_may_be_in_between(client: Client) -> None:
    make_article("something-in-between", classes=("cross.visitor_side",))
    verdict = Verdict(Outcome.OK, {Leg.IMAP: Outcome.OK}, milliseconds=900)
    report = replace(REPORT, results=RESULTS[:1], verdict=verdict, in_between="something-in-between")
    for shown in (as_support_sees_it(client, report), as_text(client, report)):
        assert "something between your device and the server is in the way" in shown
        assert "/en/errors/something-in-between/?at=example.net" in shown


@pytest.mark.django_db
def test_the_text_names_the_article_and_what_it_is_about(client: Client) -> None:
    make_article("wrong-password", classes=("auth.rejected",))
    text = as_text(client, REPORT)
    assert "About wrong-password" in text
    assert "What to do, step by step: /en/errors/wrong-password/?at=example.net" in text
    with override_settings(BASE_URL="https://help.example.net"):
        assert "https://help.example.net/en/errors/wrong-password/" in as_text(client, REPORT)


@pytest.mark.django_db
def test_the_report_on_the_tests_page_ends_as_the_page_does(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = replace(RESULTS[1], host="imap.other.net", article=None)
    verdict = replace(REPORT.verdict, article=None, alternatives=(ANSWERS,))

    async def scripted(*_plan: object, **_more: object) -> AsyncIterator[object]:
        yield refused
        yield verdict

    monkeypatch.setattr(result_stream, "run_test", scripted)
    data = {"address": "anna@example.net", "password": "x", "imap_host": "imap.other.net"}
    html = client.post("/en/test/", data).content.decode()
    cache.clear()
    given = re.search(r'name="report" value="([^"]*)"', html)
    assert given is not None
    report = ConnectionReport.from_json(unescape(given[1]))
    assert report.verdict.alternatives == (ANSWERS,)
    assert report.suggests_local_part
    assert not report.is_listed
    shown = as_support_sees_it(client, report)
    for words in ("Another user name", "Port: not <s>143</s>, but <strong>993</strong>"):
        assert words in html
        assert words in shown
