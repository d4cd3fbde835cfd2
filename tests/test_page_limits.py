"""Limits on the pages: known failures, 503 with words, the proof of work, the banner, the status page."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from altcha.v1 import ChallengeOptions, create_challenge, solve_challenge
from django.core.cache import caches
from django.test import Client, override_settings

from guides.limits import circuit_breaker, host_semaphore, outages, proof_of_work
from guides.limits.counters import RateLimited
from guides.limits.outages import ServerName
from guides.limits.rate_limits import acquire_test
from guides.mail.accounts import Protocol, Security
from guides.mail.connection.probes import Endpoint
from guides.mail.network import Egress
from guides.mail.outcomes import Evidence, Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.views import connection_test, result_page, result_stream
from tests.factories import make_article, make_provider
from tests.permits import free_permits

pytestmark = pytest.mark.django_db

IMAP = Endpoint(Protocol.IMAP, "imap.example.net", 993, Security.TLS)
SMTP = Endpoint(Protocol.SMTP, "smtp.example.net", 465, Security.TLS)
FORM = {"address": "anna@example.net", "password": "s3cret-of-anna"}


def failing(endpoint: Endpoint, cause: str = "tcp.timeout", outcome: Outcome = Outcome.FAIL) -> list[StageResult]:
    leg = Leg.IMAP if endpoint is IMAP else Leg.SMTP
    where = {"host": endpoint.host, "port": endpoint.port, "security": endpoint.security}
    return [
        StageResult(leg, Stage.DNS, Outcome.OK, **where),  # type: ignore[arg-type]
        StageResult(leg, Stage.CONNECT, outcome, cause, Owner.NOBODY, evidence=(Evidence("go away"),), **where),  # type: ignore[arg-type]
    ]


@pytest.fixture
def nobody_connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fails every way out, and counts who tried."""
    tried: list[str] = []

    async def resolve(_self: Egress, host: str) -> None:
        tried.append(host)
        raise AssertionError("nothing may be looked up")

    monkeypatch.setattr(Egress, "resolve", resolve)
    return tried


class Quick:
    """Stands in for the network: every test works at once."""

    def __init__(self) -> None:
        self.tests = 0

    async def run(self, *_arguments: object, **_more: object) -> AsyncIterator[StageResult | Verdict]:
        self.tests += 1
        yield StageResult(Leg.IMAP, Stage.INPUT, Outcome.OK)
        yield Verdict(Outcome.OK, {Leg.IMAP: Outcome.OK}, milliseconds=5)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Quick:
    quick = Quick()
    monkeypatch.setattr(result_stream, "run_test", quick.run)
    return quick


# --- a server that answers nobody ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_a_dead_known_server_is_answered_at_once_and_clears_the_visitor(
    client: Client, nobody_connects: list[str], language: str
) -> None:
    make_provider()
    for endpoint in (IMAP, SMTP):
        for _ in range(5):
            circuit_breaker.record_failure(endpoint, failing(endpoint), probed=True)
    response = client.post(f"/{language}/test/", FORM)
    html = response.content.decode()
    assert response.status_code == 200
    verdict = html[html.index('id="verdict"') : html.index('class="legs"')]
    words = {"en": "Your settings are right", "ja": "設定は正しい", "ru": "настройки верны"}
    assert words[language] in verdict
    assert '<time datetime="' in verdict
    assert "0.0" not in verdict  # nobody says how long it took to ask nobody
    assert "You can fix this yourself" not in html  # the report says so neither
    assert FORM["password"] not in html
    assert nobody_connects == []
    with override_settings(LIMIT_VISITOR_HOUR=1):  # and nothing was counted
        acquire_test("127.0.0.1", [("b@example.net", "imap.example.net")]).release()


def test_a_server_typed_by_hand_is_not_said_to_be_right(client: Client, nobody_connects: list[str]) -> None:
    own = Endpoint(Protocol.IMAP, "mail.own.example.net", 993, Security.TLS)
    for _ in range(5):
        circuit_breaker.record_failure(own, failing(own), probed=True)
    html = client.post("/en/test/", FORM | {"imap_host": own.host}).content.decode()
    assert "letter by letter" in html
    assert "there is nothing for you to change" not in html
    assert nobody_connects == []


def test_a_failure_of_the_last_minute_is_shown_as_another_tests(client: Client, nobody_connects: list[str]) -> None:
    make_provider()
    make_article("connection-timed-out", classes=("tcp.timeout",))
    for endpoint in (IMAP, SMTP):
        circuit_breaker.record_failure(endpoint, failing(endpoint), probed=True)
    html = client.post("/en/test/", FORM).content.decode()
    assert "Another test saw this at" in html
    assert "About connection-timed-out" in html
    assert nobody_connects == []


def test_a_server_that_refuses_the_portal_gets_no_password_and_the_form_says_so(
    client: Client, nobody_connects: list[str]
) -> None:
    make_provider()
    for endpoint in (IMAP, SMTP):
        circuit_breaker.record_failure(endpoint, failing(endpoint, "cross.portal_blocked", Outcome.OURS), probed=True)
    form = client.get("/en/test/?at=example.net").content.decode()
    assert "has refused this portal" in form
    assert form.index("has refused this portal") < form.index('id="test-form"')
    html = client.post("/en/test/", FORM).content.decode()
    assert "This portal is the cause, not you." in html
    assert nobody_connects == []
    circuit_breaker.record_success(IMAP)
    circuit_breaker.record_success(SMTP)
    assert "has refused this portal" not in client.get("/en/test/?at=example.net").content.decode()


def test_the_form_says_that_a_server_answers_nobody(client: Client) -> None:
    make_provider()
    assert "has not answered anybody" not in client.get("/en/test/?at=example.net").content.decode()
    for _ in range(5):
        circuit_breaker.record_failure(IMAP, failing(IMAP), probed=True)
    html = client.get("/en/test/?at=example.net").content.decode()
    assert html.count("imap.example.net has not answered anybody since") == 1


def test_a_stream_of_a_dead_server_is_told_in_full(client: Client, nobody_connects: list[str]) -> None:
    make_provider()
    for endpoint in (IMAP, SMTP):
        for _ in range(5):
            circuit_breaker.record_failure(endpoint, failing(endpoint), probed=True)
    response = client.post("/en/test/", FORM, headers={"hx-request": "true", "hx-request-type": "partial"})
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    event = b"".join(response.streaming_content).decode()
    assert event.endswith("\n\n")
    assert all(line.startswith(("data: ", ":")) or not line for line in event.splitlines())
    assert "Your settings are right" in event
    assert 'id="report-text"' in event
    assert nobody_connects == []


# --- a full queue ---------------------------------------------------------------------------------------------


def test_a_full_queue_is_503_with_words_and_costs_nothing(client: Client, quick: Quick) -> None:
    make_provider()
    permit = host_semaphore.acquire({"imap.example.net": 4})
    assert permit is not None
    try:
        with override_settings(LIMIT_QUEUE_SECONDS=0, LIMIT_VISITOR_HOUR=1, LIMIT_VISITOR_AT_ONCE=1):
            for _ in range(3):  # a refusal is no test
                response = client.post("/en/test/", FORM)
                html = response.content.decode()
                assert response.status_code == 503
                assert response["Retry-After"] == "10"
                assert "Many people are testing this mail server" in html
                assert FORM["password"] not in html
                assert 'value="anna@example.net"' in html
                assert client.get("/en/guides/").status_code == 200
            permit.release()
            assert client.post("/en/test/", FORM).status_code == 200
    finally:
        permit.release()
    assert quick.tests == 1
    assert free_permits("imap.example.net") == 4


def test_a_fault_of_our_own_frees_all_that_is_held(
    client: Client, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_provider()

    def broken(*_arguments: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(result_page.TestPage, "prepare", broken)
    with pytest.raises(RuntimeError):
        client.post("/en/test/", FORM)
    with override_settings(LIMIT_VISITOR_AT_ONCE=1):
        acquire_test("127.0.0.1", [("b@example.net", "imap.example.net")]).release()
    assert free_permits("imap.example.net") == 4


# --- the proof of work ------------------------------------------------------------------------------------------


def solved(html: str) -> str:
    """What the page's script makes of a page's challenge."""
    digest, salt, signature, most = (
        re.search(rf'data-{name}="([^"]*)"', html)[1].replace("&amp;", "&")  # type: ignore[index]
        for name in ("digest", "salt", "signature", "most")
    )
    found = solve_challenge(digest, salt, "SHA-256", int(most))
    assert found is not None
    payload = {
        "algorithm": "SHA-256",
        "challenge": digest,
        "number": found.number,
        "salt": salt,
        "signature": signature,
    }
    return base64.b64encode(json.dumps(payload).encode()).decode()


@pytest.fixture
def tight() -> Iterator[None]:
    with override_settings(LIMIT_VISITOR_HOUR=1, LIMIT_PROOF_HOUR=2, LIMIT_PROOF_WORK=100):
        yield


def test_beyond_the_budget_a_proof_leads_on_and_then_waiting(client: Client, quick: Quick, tight: None) -> None:
    make_provider()
    assert client.post("/en/test/", FORM).status_code == 200
    response = client.post("/en/test/", FORM)
    assert response.status_code == 429
    html = response.content.decode()
    assert "Please try again in about" in html
    solution = solved(html)
    assert client.post("/en/test/", FORM | {"proof": solution}).status_code == 200
    again = client.post("/en/test/", FORM | {"proof": solution})  # it counts once
    assert again.status_code == 429
    assert client.post("/en/test/", FORM | {"proof": solved(again.content.decode())}).status_code == 200
    assert quick.tests == 3
    last = client.post("/en/test/", FORM)
    final = client.post("/en/test/", FORM | {"proof": solved(last.content.decode())})
    assert final.status_code == 429
    assert "data-proof" not in final.content.decode()  # nothing but waiting
    assert quick.tests == 3


@pytest.mark.parametrize(
    "solution",
    ["", "x", "!!!", "e30=", base64.b64encode(b"[1]").decode(), "A" * 3000, base64.b64encode(b"[" * 1400).decode()],
)
def test_nonsense_is_no_proof(client: Client, quick: Quick, tight: None, solution: str) -> None:
    make_provider()
    client.post("/en/test/", FORM)
    assert client.post("/en/test/", FORM | {"proof": solution}).status_code == 429
    assert quick.tests == 1


def test_a_proof_is_for_one_visitor_signed_and_expires(tight: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def solution(made: proof_of_work.Challenge, **changes: object) -> str:
        found = solve_challenge(made.digest, made.salt, "SHA-256", made.most)
        assert found is not None
        payload: dict[str, object] = {
            "algorithm": "SHA-256",
            "challenge": made.digest,
            "number": found.number,
            "salt": made.salt,
            "signature": made.signature,
        }
        return base64.b64encode(json.dumps(payload | changes).encode()).decode()

    assert proof_of_work.is_solved(solution(proof_of_work.challenge("anna")), "anna")
    assert not proof_of_work.is_solved(solution(proof_of_work.challenge("anna")), "boris")
    for changes in (
        {"number": -1},
        {"number": "1"},
        {"number": True},
        {"salt": None},
        {"signature": "0" * 64},
        {"algorithm": "SHA-1"},
        {"challenge": ["a"]},
    ):
        assert not proof_of_work.is_solved(solution(proof_of_work.challenge("anna"), **changes), "anna"), changes
    foreign = create_challenge(ChallengeOptions(max_number=10, hmac_key="another key", params={"for": "anna"}))
    made = proof_of_work.Challenge(foreign.challenge, foreign.salt, foreign.signature, 10)
    assert not proof_of_work.is_solved(solution(made), "anna")
    endless = create_challenge(ChallengeOptions(max_number=10, hmac_key=proof_of_work._key(), params={"for": "anna"}))
    made = proof_of_work.Challenge(endless.challenge, endless.salt, endless.signature, 10)
    assert not proof_of_work.is_solved(
        solution(made), "anna"
    )  # one without an end would count anew each time it is forgotten
    monkeypatch.setattr(proof_of_work, "VALID_SECONDS", -1)
    assert not proof_of_work.is_solved(solution(proof_of_work.challenge("anna")), "anna")


@pytest.mark.parametrize(("limit", "status_code"), [("account", 429), ("host", 429), ("busy", 503)])
def test_no_proof_helps_where_a_mailbox_or_a_server_is_protected(
    client: Client, monkeypatch: pytest.MonkeyPatch, limit: str, status_code: int
) -> None:
    make_provider()

    def refuse(*_arguments: object, **_more: object) -> None:
        raise RateLimited(limit, 30)

    monkeypatch.setattr(connection_test, "acquire_test", refuse)
    response = client.post("/en/test/", FORM)
    assert response.status_code == status_code
    assert "data-proof" not in response.content.decode()


# --- the front page and the status page ----------------------------------------------------------------------------


def test_the_front_page_says_quietly_that_a_provider_fails_for_everybody(client: Client) -> None:
    make_provider(name="Example Mail")
    server = ServerName("imap.example.net", 993, Security.TLS)
    assert "Not your fault" not in client.get("/en/").content.decode()
    for visitor in "abc":
        outages.record_outcome(server, visitor, "tcp.timeout")
    caches["pages"].delete("outages")  # kept for some seconds
    html = client.get("/en/").content.decode()
    assert "Not your fault" in html
    assert "Example Mail, Incoming mail (IMAP): has not worked for anybody here since" in html
    outages.record_outcome(server, "d", None)
    caches["pages"].delete("outages")
    assert "Not your fault" not in client.get("/en/").content.decode()


def test_a_visitors_own_failure_is_no_outage(client: Client) -> None:
    make_provider()
    outages.record_outcome(ServerName("imap.example.net", 993, Security.TLS), "a", "tcp.timeout")
    assert "Not your fault" not in client.get("/en/").content.decode()
    html = client.get("/en/status/").content.decode()
    assert "so far only for few" in html


def test_the_status_page_shows_the_last_checks_of_known_servers_only(client: Client) -> None:
    make_provider(name="Example Mail")
    assert "Nobody has tested a known server" in client.get("/en/status/").content.decode()
    outages.record_outcome(ServerName("imap.example.net", 993, Security.TLS), "a", None)
    for visitor in "abc":
        outages.record_outcome(ServerName("smtp.example.net", 465, Security.TLS), visitor, "greet.421")
        outages.record_outcome(ServerName("private.example.org", 465, Security.TLS), visitor, "greet.421")
    html = client.get("/en/status/").content.decode()
    assert "Example Mail" in html
    assert "answered at" in html
    assert "fails for everybody since" in html
    assert "private.example.org" not in html
    assert "pop3.example.net" not in html
    assert "no-store" in client.get("/en/status/")["Cache-Control"]


def test_a_test_tells_the_status_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_provider()

    async def run(*_arguments: object, **_more: object) -> AsyncIterator[StageResult | Verdict]:
        yield StageResult(Leg.IMAP, Stage.INPUT, Outcome.OK)
        yield StageResult(Leg.IMAP, Stage.DNS, Outcome.OK)
        yield StageResult(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, "auth.rejected", Owner.VISITOR)
        yield StageResult(Leg.IMAP, Stage.MAILBOX, Outcome.BLOCKED)
        yield StageResult(Leg.SMTP, Stage.INPUT, Outcome.OK)
        for result in failing(SMTP):
            yield result
        yield StageResult(Leg.SMTP, Stage.TLS, Outcome.BLOCKED)
        yield Verdict(Outcome.FAIL, {Leg.IMAP: Outcome.FAIL, Leg.SMTP: Outcome.FAIL}, "auth.rejected", Owner.VISITOR)

    monkeypatch.setattr(result_stream, "run_test", run)
    client.post("/en/test/", FORM)
    imap, smtp = ServerName("imap.example.net", 993, Security.TLS), ServerName("smtp.example.net", 465, Security.TLS)
    seen = outages.seen([imap, smtp])
    assert seen[imap].works  # a refused password proves that the server answers
    assert (seen[smtp].works, seen[smtp].cause) == (False, "tcp.timeout")
    assert list(circuit_breaker.known_failures([IMAP, SMTP]).known) == [SMTP]
