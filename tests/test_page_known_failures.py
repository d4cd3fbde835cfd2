"""Known failures and limits through the page: what counts, what waits, what is refused, what is freed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from guides.limits import circuit_breaker, host_semaphore
from guides.mail.accounts import Protocol, Security
from guides.mail.connection.probes import SEEN_AT, Endpoint
from guides.mail.connection.test import TestPlan
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult, Verdict
from guides.views import result_stream
from tests.factories import make_provider
from tests.permits import free_permits

pytestmark = pytest.mark.django_db

IMAP = Endpoint(Protocol.IMAP, "imap.example.net", 993, Security.TLS)
SMTP = Endpoint(Protocol.SMTP, "smtp.example.net", 465, Security.TLS)
FORM = {"address": "anna@example.net", "password": "s3cret-of-anna"}


class Script:
    """Stands in for the network: each test ends with one stage, as it is told."""

    def __init__(self) -> None:
        self.tests = 0
        self.end = StageResult(Leg.IMAP, Stage.LOGIN, Outcome.OK)

    async def run(self, _plan: TestPlan, *_arguments: object, **_more: object) -> AsyncIterator[StageResult | Verdict]:
        self.tests += 1
        yield StageResult(Leg.IMAP, Stage.INPUT, Outcome.OK)
        yield self.end
        yield Verdict(self.end.outcome, {Leg.IMAP: self.end.outcome}, self.end.cause, milliseconds=5)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr(result_stream, "run_test", script.run)
    return script


def failed(cause: str, stage: Stage = Stage.TLS) -> list[StageResult]:
    return [StageResult(Leg.IMAP, Stage.DNS, Outcome.OK), StageResult(Leg.IMAP, stage, Outcome.FAIL, cause)]


def told(cause: str) -> StageResult:
    """What another test has found."""
    return StageResult(Leg.IMAP, Stage.TLS, Outcome.FAIL, cause, details={SEEN_AT: "2026-11-24T14:02:00+00:00"})


# --- all places are known to fail, but other settings would be looked for -------------------------------------


@pytest.mark.parametrize(
    ("cause", "asks"),
    [
        ("tls.not_tls", True),
        ("greet.wrong_protocol", True),
        ("cap.login_disabled", True),
        ("dns.nxdomain", True),  # the provider's own servers would be tried
        ("tcp.timeout", False),
        ("tcp.refused", False),
        ("greet.closed", False),
    ],
)
def test_who_looks_for_other_settings_connects_and_so_counts(
    client: Client, script: Script, cause: str, asks: bool
) -> None:
    make_provider()
    typed = Endpoint(Protocol.IMAP, "mail.example.net", 143, Security.TLS)
    circuit_breaker.record_failure(typed, failed(cause), probed=True)
    script.end = told(cause)
    form = FORM | {"imap_host": typed.host, "imap_port": "143", "imap_security": "tls"}
    with override_settings(LIMIT_VISITOR_HOUR=2, LIMIT_PROOF_HOUR=0):
        answers = [client.post("/en/test/", form).status_code for _ in range(4)]
    assert answers == ([200, 200, 429, 429] if asks else [200] * 4)
    permit = host_semaphore.acquire({typed.host: 4})
    assert permit is not None
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        other = Client(REMOTE_ADDR="192.0.2.7")
        assert other.post("/en/test/", form).status_code == (503 if asks else 200)
    permit.release()
    assert free_permits(typed.host) == 4


def test_where_no_other_settings_may_be_tried_nothing_counts(client: Client, script: Script) -> None:
    """A hidden host's own are never tried, and of its domain nothing is known."""
    typed = Endpoint(Protocol.IMAP, "mail.stranger.org", 993, Security.TLS, hidden=True)
    circuit_breaker.record_failure(typed, failed("tls.not_tls"), probed=True)
    script.end = told("tls.not_tls")
    form = FORM | {"imap_host": typed.host}
    with override_settings(LIMIT_VISITOR_HOUR=1, LIMIT_PROOF_HOUR=0):
        assert [client.post("/en/test/", form).status_code for _ in range(3)] == [200] * 3


# --- a probe that is not made -------------------------------------------------------------------------------------


@pytest.mark.parametrize("looks", [5, 1])
def test_who_is_refused_in_the_queue_leaves_the_probe_to_the_next(client: Client, script: Script, looks: int) -> None:
    """Behind an open breaker, and as well when one look must be made again."""
    make_provider()
    for number in range(5):
        circuit_breaker.record_failure(IMAP, failed("tcp.timeout"), probed=number < looks)
        circuit_breaker.record_failure(SMTP, failed("tcp.timeout"), probed=True)
    cache.delete(circuit_breaker._half_open_key(IMAP))  # a minute later
    assert circuit_breaker.known_failures([IMAP]).half_open == {IMAP}
    permit = host_semaphore.acquire({IMAP.host: 4})
    assert permit is not None
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        assert client.post("/en/test/", FORM).status_code == 503
    permit.release()
    assert free_permits(IMAP.host) == 4
    assert circuit_breaker.known_failures([IMAP]).half_open == {IMAP}
    script.end = StageResult(Leg.IMAP, Stage.CONNECT, Outcome.FAIL, "tcp.timeout")
    assert client.post("/en/test/", FORM).status_code == 200
    assert circuit_breaker.known_failures([IMAP]).half_open == frozenset()  # it was tried
