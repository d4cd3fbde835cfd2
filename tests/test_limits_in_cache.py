"""Circuit breaker, host semaphore and outages: what is known of servers, which test waits, and a cache that dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from django.core.cache import cache
from django.test import override_settings

from guides.limits import circuit_breaker, host_semaphore, outages
from guides.limits.counters import RateLimited
from guides.limits.outages import Seen, ServerName
from guides.limits.rate_limits import acquire_test, visitor_name
from guides.limits.shared_cache import SharedCacheDown
from guides.mail.accounts import Protocol, Security
from guides.mail.connection.probes import Endpoint
from guides.mail.outcomes import Evidence, Leg, Outcome, Stage, StageResult
from tests.redis import LiveRedis

ENDPOINT = Endpoint(Protocol.IMAP, "imap.example.net", 993, Security.TLS)
OTHER_PORT = Endpoint(Protocol.IMAP, "imap.example.net", 143, Security.STARTTLS)
DNS = StageResult(Leg.IMAP, Stage.DNS, Outcome.OK)


def failing(
    cause: str = "tcp.timeout", stage: Stage = Stage.CONNECT, outcome: Outcome = Outcome.FAIL
) -> list[StageResult]:
    return [DNS, StageResult(Leg.IMAP, stage, outcome, cause, evidence=(Evidence("words"),))]


class Clock:
    """Time for the portal and for its cache in local memory."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def record(times: int, *, probed: bool = False, endpoint: Endpoint = ENDPOINT, **kind: object) -> None:
    for _ in range(times):
        circuit_breaker.record_failure(endpoint, failing(**kind), probed=probed)  # type: ignore[arg-type]


# --- failures are shown to others for a minute ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "stage"),
    [
        ("dns.nxdomain", Stage.DNS),
        ("dns.servfail", Stage.DNS),
        ("tcp.refused", Stage.CONNECT),
        ("tls.cert_expired", Stage.TLS),
        ("greet.wrong_protocol", Stage.GREETING),
        ("cap.no_auth", Stage.CAPABILITIES),
    ],
)
def test_a_failure_before_login_is_known_for_a_minute(clock: Clock, cause: str, stage: Stage) -> None:
    assert circuit_breaker.known_failures([ENDPOINT]).known == {}
    record(1, probed=True, cause=cause, stage=stage)
    known = circuit_breaker.known_failures([ENDPOINT, OTHER_PORT]).known
    assert list(known) == [ENDPOINT]
    assert known[ENDPOINT].failure is not None
    assert known[ENDPOINT].failure.cause == cause
    assert not known[ENDPOINT].is_open
    clock.pass_(59)
    assert ENDPOINT in circuit_breaker.known_failures([ENDPOINT]).known
    clock.pass_(1)
    assert circuit_breaker.known_failures([ENDPOINT]).known == {}


def test_what_was_only_shown_is_not_kept_longer_for_it(clock: Clock) -> None:
    record(1, probed=True)
    clock.pass_(50)
    record(1, probed=False)
    clock.pass_(10)
    assert circuit_breaker.known_failures([ENDPOINT]).known == {}


def test_a_success_ends_all_that_was_known(clock: Clock) -> None:
    record(5, probed=True)
    assert circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].is_open
    clock.pass_(1)
    circuit_breaker.record_success(ENDPOINT)
    assert circuit_breaker.known_failures([ENDPOINT]) == circuit_breaker.KnownFailures({}, frozenset())
    record(4, probed=True)  # the five from before count no more
    assert not circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].is_open


def test_places_of_two_protocols_are_two(clock: Clock) -> None:
    other = replace(ENDPOINT, protocol=Protocol.SMTP)
    record(5, probed=True, cause="greet.wrong_protocol", stage=Stage.GREETING, endpoint=other)
    assert list(circuit_breaker.known_failures([ENDPOINT, other]).known) == [other]


# --- the breaker -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "stage", "opens"),
    [
        ("tcp.timeout", Stage.CONNECT, True),
        ("tcp.refused", Stage.CONNECT, True),
        ("dns.servfail", Stage.DNS, True),
        ("greet.timeout", Stage.GREETING, True),
        ("tls.handshake_timeout", Stage.TLS, True),
        ("dns.nxdomain", Stage.DNS, False),  # answers, all of these
        ("tls.cert_expired", Stage.TLS, False),
        ("greet.wrong_protocol", Stage.GREETING, False),
        ("greet.421", Stage.GREETING, False),
        ("tcp.unreachable", Stage.CONNECT, False),  # our own trouble, more likely
        ("dns.temp", Stage.DNS, False),
        ("auth.rejected", Stage.LOGIN, False),
    ],
)
def test_five_unreachable_in_a_minute_open_the_breaker(clock: Clock, cause: str, stage: Stage, opens: bool) -> None:
    began = clock.now
    record(1, probed=True, cause=cause, stage=stage)
    record(3, cause=cause, stage=stage)
    clock.pass_(30)
    record(1, probed=True, cause=cause, stage=stage)
    known = circuit_breaker.known_failures([ENDPOINT]).known
    assert known[ENDPOINT].is_open is opens
    if opens:
        assert known[ENDPOINT].since == began
        assert OTHER_PORT not in circuit_breaker.known_failures([OTHER_PORT]).known  # a closed port shuts no other


def test_four_in_a_minute_and_one_later_do_not(clock: Clock) -> None:
    record(4, probed=True)
    clock.pass_(67)
    record(1, probed=True)
    assert not circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].is_open


def test_one_look_that_others_were_told_of_is_looked_at_again_before_it_opens_anything(clock: Clock) -> None:
    record(1, probed=True)
    record(2)
    assert circuit_breaker.known_failures([ENDPOINT]).half_open == frozenset()
    record(1)
    due = [circuit_breaker.known_failures([ENDPOINT]) for _ in range(3)]  # three come at once
    assert [failures.half_open for failures in due] == [{ENDPOINT}] * 3
    assert [circuit_breaker.claim_half_open(failures) for failures in due] == [{ENDPOINT}, frozenset(), frozenset()]
    record(20)  # who is told meanwhile opens nothing
    assert circuit_breaker.known_failures([ENDPOINT]).half_open == frozenset()
    assert not circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].is_open
    clock.pass_(5)
    record(1, probed=True)
    known = circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT]
    assert (known.is_open, known.since, known.at) == (True, clock.now - 5, clock.now)


def test_who_is_told_after_somebody_got_through_counts_no_more(clock: Clock) -> None:
    record(2, probed=True)
    circuit_breaker.record_success(ENDPOINT)
    record(10)  # a test that still shows what it was told before
    assert circuit_breaker.known_failures([ENDPOINT]) == circuit_breaker.KnownFailures({}, frozenset())


@override_settings(LIMIT_UNREACHABLE_MINUTE=1)
def test_one_is_enough_where_the_operator_says_so(clock: Clock) -> None:
    record(1, probed=True)
    assert circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].is_open


def test_behind_an_open_breaker_one_a_minute_may_try(clock: Clock) -> None:
    record(5, probed=True)
    assert circuit_breaker.known_failures([ENDPOINT]).half_open == frozenset()  # it was tried this moment
    clock.pass_(60)
    assert circuit_breaker.known_failures([ENDPOINT]).half_open == {ENDPOINT}
    due = circuit_breaker.known_failures([ENDPOINT])
    assert [circuit_breaker.claim_half_open(due) for _ in range(3)] == [{ENDPOINT}, frozenset(), frozenset()]
    assert circuit_breaker.known_failures([ENDPOINT]).half_open == frozenset()
    record(1, probed=True)  # the probe found it still down
    clock.pass_(599)
    assert circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].is_open
    clock.pass_(1)  # nobody has come for ten minutes: the next one looks
    assert circuit_breaker.known_failures([ENDPOINT]).known == {}


def test_since_when_it_has_not_answered_reaches_back_as_far_as_failures_follow_each_other(clock: Clock) -> None:
    record(1, probed=True)
    clock.pass_(10 * 3600)  # nobody came: whether it answered meanwhile, nobody knows
    began = clock.now
    for _ in range(20):
        record(1, probed=True)
        clock.pass_(500)
    record(5, probed=True)
    assert circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].since == began
    record(10)
    clock.pass_(601)
    record(5, probed=True)
    assert circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].since == clock.now


def test_a_dead_host_is_tried_at_one_place_a_minute_each_in_its_turn(clock: Clock) -> None:
    places = [ENDPOINT, OTHER_PORT, replace(ENDPOINT, host="IMAP.example.net", port=995)]
    for place in places:
        record(5, probed=True, endpoint=place)
        clock.pass_(1)
    tried = []
    for _ in range(6):
        clock.pass_(61)
        claimed = [circuit_breaker.claim_half_open(circuit_breaker.known_failures(places)) for _visitor in range(3)]
        assert claimed[1:] == [frozenset(), frozenset()]
        tried += claimed[0]
        for place in claimed[0]:
            record(1, probed=True, endpoint=place)
    assert tried == [*places, *places]
    elsewhere = replace(ENDPOINT, host="imap.example.org")
    record(5, probed=True, endpoint=elsewhere)
    clock.pass_(61)
    assert (
        len(circuit_breaker.claim_half_open(circuit_breaker.known_failures([ENDPOINT, elsewhere]))) == 2
    )  # another host has a minute of its own


@pytest.mark.parametrize(
    ("cause", "stage", "outcome"),
    [
        ("greet.421", Stage.GREETING, Outcome.FAIL),
        ("dns.nxdomain", Stage.DNS, Outcome.FAIL),
        ("tls.cert_expired", Stage.TLS, Outcome.FAIL),
        ("cross.portal_blocked", Stage.GREETING, Outcome.OURS),
    ],
)
def test_whoever_gets_an_answer_closes_it_whatever_the_answer_is(
    clock: Clock, cause: str, stage: Stage, outcome: Outcome
) -> None:
    record(5, probed=True)
    clock.pass_(60)
    record(1, probed=False, cause=cause, stage=stage, outcome=outcome)  # told what was found before
    assert circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].is_open
    record(1, probed=True, cause=cause, stage=stage, outcome=outcome)
    known = circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT]
    assert known.failure is not None
    assert (known.failure.cause, known.is_open) == (cause, False)
    clock.pass_(1801)
    assert circuit_breaker.known_failures([ENDPOINT]).known == {}
    record(5, probed=True)
    assert circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].since == clock.now  # a new silence


@pytest.mark.parametrize("cause", ["tcp.unreachable", "dns.temp"])
def test_this_portals_own_trouble_does_not_close_it(clock: Clock, cause: str) -> None:
    record(5, probed=True)
    clock.pass_(60)
    record(1, probed=True, cause=cause)
    known = circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT]
    assert known.is_open
    assert known.failure is not None
    assert known.failure.cause == "tcp.timeout"


# --- the server refuses the portal -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "stage"), [("cross.portal_blocked", Stage.GREETING), ("smtp.reputation", Stage.LOGIN)]
)
def test_that_a_server_refuses_the_portal_is_known_for_half_an_hour(clock: Clock, cause: str, stage: Stage) -> None:
    record(1, probed=True, cause=cause, stage=stage, outcome=Outcome.OURS)
    clock.pass_(1799)
    known = circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT]
    assert known.failure is not None
    assert (known.failure.cause, known.is_open) == (cause, False)
    clock.pass_(1)
    assert circuit_breaker.known_failures([ENDPOINT]).known == {}


# --- the host semaphore --------------------------------------------------------------------------------------------

acquire = host_semaphore.acquire


def test_a_host_has_four_permits_and_tests_wait_a_few_seconds_for_them() -> None:
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        first = acquire({"a.example": 2, "b.example": 1})
        second = acquire({"a.example": 2})
        assert first is not None
        assert second is not None
        with pytest.raises(RateLimited) as refused:
            acquire({"a.example": 1, "c.example": 4})
        assert (refused.value.limit, refused.value.retry_after) == ("queue", 10)
        other = acquire({"b.example": 3, "c.example": 4})  # what was refused holds nothing at any host
        assert other is not None
        first.release()
        first.release()
        again = acquire({"a.example": 2})
        assert again is not None
        with pytest.raises(RateLimited):
            acquire({"a.example": 1})
        for permit in (second, other, again):
            permit.release()


def test_a_test_that_waits_gets_its_permits_when_they_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_semaphore, "POLL_SECONDS", 0.01)
    held = acquire({"a.example": 4})
    assert held is not None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(acquire, {"a.example": 3})
        time.sleep(0.05)
        assert not waiting.done()
        held.release()
        permit = waiting.result(5)
    assert permit is not None
    permit.release()


def test_a_test_alone_always_fits() -> None:
    with override_settings(LIMIT_HOST_CONNECTIONS=1, LIMIT_PROCESS_CONNECTIONS=2, LIMIT_QUEUE_SECONDS=0):
        permit = acquire({"a.example": 3})
        assert permit is not None
        with pytest.raises(RateLimited):
            acquire({"b.example": 1})  # the process has its connections
        permit.release()


def test_a_test_that_needs_no_connection_any_more_stops_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_semaphore, "POLL_SECONDS", 0.01)
    held = acquire({"a.example": 4})
    assert held is not None
    asked: list[int] = []
    assert acquire({"a.example": 1}, lambda: bool(asked.append(1) or len(asked) > 2)) is None
    assert len(asked) == 3

    def broken() -> bool:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        acquire({"a.example": 1}, broken)
    held.release()
    again = acquire({"a.example": 4})
    assert again is not None
    again.release()


def test_permits_of_a_process_that_died_are_free_again(clock: Clock) -> None:
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        lost = acquire({"a.example": 4})
        assert lost is not None
        clock.pass_(89)
        with pytest.raises(RateLimited):
            acquire({"a.example": 4})
        clock.pass_(2)
        again = acquire({"a.example": 4})
        assert again is not None
        lost.release()  # late: the slots have another owner by now
        with pytest.raises(RateLimited):
            acquire({"a.example": 1})
        again.release()


# --- a real cache between processes, and its end -------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRedis]:
    with LiveRedis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def in_redis(redis: LiveRedis) -> Iterator[LiveRedis]:
    with override_settings(CACHES=redis.caches):
        cache.clear()
        yield redis
    with suppress(AssertionError):
        redis.start() if redis._process is None else None


def test_two_processes_share_what_they_know_and_the_places_at_a_host(in_redis: LiveRedis) -> None:
    record(1, probed=True)
    record(3)
    due = circuit_breaker.known_failures([ENDPOINT])
    assert [circuit_breaker.claim_half_open(due) for _ in range(2)] == [{ENDPOINT}, frozenset()]
    circuit_breaker.return_half_open(due)
    assert [circuit_breaker.claim_half_open(due) for _ in range(2)] == [{ENDPOINT}, frozenset()]
    record(1, probed=True)
    assert circuit_breaker.known_failures([ENDPOINT]).known[ENDPOINT].is_open
    circuit_breaker.record_refusal(OTHER_PORT, failing("cross.portal_blocked", Stage.LOGIN, Outcome.OURS), "a")
    assert OTHER_PORT not in circuit_breaker.known_failures([OTHER_PORT]).known
    circuit_breaker.record_refusal(OTHER_PORT, failing("cross.portal_blocked", Stage.LOGIN, Outcome.OURS), "b")
    assert OTHER_PORT in circuit_breaker.known_failures([OTHER_PORT]).known
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        permit = acquire({"a.example": 3})
        assert permit is not None
        with pytest.raises(RateLimited):
            acquire({"a.example": 2})
        permit.release()


def test_when_the_cache_dies_tests_are_refused_and_what_runs_goes_on(in_redis: LiveRedis) -> None:
    logins = [("anna@example.net", "imap.example.net")]
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        permit = acquire({"a.example": 2})
        assert permit is not None
        hold = acquire_test("198.51.100.1", logins)
        in_redis.kill()
        began = time.monotonic()
        permit.release()
        hold.release()
        with pytest.raises(SharedCacheDown):
            circuit_breaker.known_failures([ENDPOINT])
        with pytest.raises(SharedCacheDown):
            acquire_test("198.51.100.2", logins)
        with pytest.raises(SharedCacheDown):
            acquire({"a.example": 1})
        outages.record_outcome(ServerName("imap.example.net", 993, Security.TLS), "x", "tcp.timeout")
        assert outages.failing_now() == {}
        assert time.monotonic() - began < 3
        in_redis.start()
        assert circuit_breaker.known_failures([ENDPOINT]).known == {}  # back, and empty
        acquire_test("198.51.100.2", logins).release()


# --- outages of known servers ------------------------------------------------------------------------------------------

SERVER = ServerName("imap.example.net", 993, Security.TLS)


def test_a_server_that_fails_three_visitors_is_failing_for_everybody(clock: Clock) -> None:
    began = clock.now
    for visitor in ("a", "a", "a", "b"):
        outages.record_outcome(SERVER, visitor, "tcp.timeout")
        clock.pass_(10)
    assert outages.failing_now() == {}
    outages.record_outcome(SERVER, "c", "tcp.timeout")
    assert outages.failing_now() == {SERVER: began}
    assert outages.seen([SERVER])[SERVER] == Seen(clock.now, False, "tcp.timeout", 0.0, began)
    clock.pass_(601)  # nobody has come for ten minutes: we do not know any more
    assert outages.failing_now() == {}


def test_one_who_gets_through_ends_it(clock: Clock) -> None:
    outages.record_outcome(SERVER, "z", None)
    for visitor in "abc":
        outages.record_outcome(SERVER, visitor, "auth.temp_unavailable")
    assert SERVER in outages.failing_now()
    clock.pass_(1)
    outages.record_outcome(SERVER, "d", None)
    assert outages.failing_now() == {}
    for visitor in "ab":  # those from before count no more
        outages.record_outcome(SERVER, visitor, "tcp.timeout")
    assert outages.failing_now() == {}
    outages.record_outcome(SERVER, "e", "tcp.timeout")
    assert SERVER in outages.failing_now()


def test_an_outage_began_when_failures_began_to_follow_each_other(clock: Clock) -> None:
    outages.record_outcome(SERVER, "a", "tcp.timeout")
    clock.pass_(10 * 3600)
    began = clock.now
    for visitor in "abc":
        outages.record_outcome(SERVER, visitor, "tcp.timeout")
        clock.pass_(200)
    assert outages.failing_now() == {SERVER: began}
    assert outages.seen([SERVER])[SERVER].failing_since == began


def test_two_servers_fail_apart(clock: Clock) -> None:
    other = ServerName("smtp.example.net", 465, Security.TLS)
    for visitor in "abc":
        outages.record_outcome(SERVER, visitor, "tcp.timeout")
        outages.record_outcome(other, visitor, "tcp.timeout")
    assert set(outages.failing_now()) == {SERVER, other}
    outages.record_outcome(other, "a", None)
    assert set(outages.failing_now()) == {SERVER}


def test_no_address_is_kept(clock: Clock) -> None:
    visitor = visitor_name("198.51.100.77")
    for name in (visitor, "b", "c"):
        outages.record_outcome(SERVER, name, "tcp.timeout")
    record(5, probed=True)
    assert "198.51" not in repr(cache._cache)


def test_many_at_once_never_exceed_the_permits_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_semaphore, "POLL_SECONDS", 0.005)
    most, inside = 0, 0
    lock = threading.Lock()

    def visit(_: int) -> bool:
        nonlocal most, inside
        permit = acquire({"a.example": 2})
        assert permit is not None
        with lock:
            inside += 2
            most = max(most, inside)
        time.sleep(0.001)
        with lock:
            inside -= 2
        permit.release()
        return True

    with ThreadPoolExecutor(30) as pool:
        assert all(pool.map(visit, range(60)))
    assert most == 4
