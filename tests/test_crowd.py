"""The crowd: what is remembered of servers, who waits for whom, and that an outage of the cache lifts no limit."""

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

from guides import budgets, ledger
from guides.crowd import memory, outages, queue
from guides.crowd.outages import Seen, ServerName
from guides.crowd.queue import HostQueue
from guides.ledger import HELD_SECONDS, Refused
from guides.mail.accounts import Address, Protocol, Security
from guides.mail.connection.shared import Place
from guides.mail.outcomes import Evidence, Leg, Outcome, Stage, StageResult
from tests.redis import LiveRedis

PLACE = Place(Protocol.IMAP, "imap.example.net", 993, Security.TLS)
OTHER_PORT = Place(Protocol.IMAP, "imap.example.net", 143, Security.STARTTLS)
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


@pytest.fixture(autouse=True)
def own_memory() -> Iterator[None]:
    """What this process keeps for itself begins and ends empty."""
    stores = (ledger.own._store, memory._own._store)
    for store in stores:
        store.clear()
    ledger._patience._until = 0.0
    yield
    for store in stores:
        store.clear()


def learn(times: int, *, looked: bool = False, place: Place = PLACE, **kind: object) -> None:
    for _ in range(times):
        memory.learn_failure(place, failing(**kind), looked=looked)  # type: ignore[arg-type]


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
    assert memory.outlook([PLACE]).known == {}
    learn(1, looked=True, cause=cause, stage=stage)
    known = memory.outlook([PLACE, OTHER_PORT]).known
    assert list(known) == [PLACE]
    assert known[PLACE].failure is not None
    assert known[PLACE].failure.cause == cause
    assert not known[PLACE].is_open
    clock.pass_(59)
    assert PLACE in memory.outlook([PLACE]).known
    clock.pass_(1)
    assert memory.outlook([PLACE]).known == {}


def test_what_was_only_shown_is_not_kept_longer_for_it(clock: Clock) -> None:
    learn(1, looked=True)
    clock.pass_(50)
    learn(1, looked=False)
    clock.pass_(10)
    assert memory.outlook([PLACE]).known == {}


def test_a_success_ends_all_that_was_known(clock: Clock) -> None:
    learn(5, looked=True)
    assert memory.outlook([PLACE]).known[PLACE].is_open
    clock.pass_(1)
    memory.learn_success(PLACE)
    assert memory.outlook([PLACE]) == memory.Outlook({}, frozenset())
    learn(4, looked=True)  # the five from before count no more
    assert not memory.outlook([PLACE]).known[PLACE].is_open


def test_places_of_two_protocols_are_two(clock: Clock) -> None:
    other = replace(PLACE, protocol=Protocol.SMTP)
    learn(5, looked=True, cause="greet.wrong_protocol", stage=Stage.GREETING, place=other)
    assert list(memory.outlook([PLACE, other]).known) == [other]


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
    learn(1, looked=True, cause=cause, stage=stage)
    learn(3, cause=cause, stage=stage)
    clock.pass_(30)
    learn(1, looked=True, cause=cause, stage=stage)
    known = memory.outlook([PLACE]).known
    assert known[PLACE].is_open is opens
    if opens:
        assert known[PLACE].since == began
        assert OTHER_PORT not in memory.outlook([OTHER_PORT]).known  # a closed port shuts no other


def test_four_in_a_minute_and_one_later_do_not(clock: Clock) -> None:
    learn(4, looked=True)
    clock.pass_(67)
    learn(1, looked=True)
    assert not memory.outlook([PLACE]).known[PLACE].is_open


def test_one_look_that_others_were_told_of_is_looked_at_again_before_it_opens_anything(clock: Clock) -> None:
    learn(1, looked=True)
    learn(2)
    assert memory.outlook([PLACE]).may_probe == frozenset()
    learn(1)
    due = [memory.outlook([PLACE]) for _ in range(3)]  # three come at once
    assert [outlook.may_probe for outlook in due] == [{PLACE}] * 3
    assert [memory.claim_probes(outlook) for outlook in due] == [{PLACE}, frozenset(), frozenset()]
    learn(20)  # who is told meanwhile opens nothing
    assert memory.outlook([PLACE]).may_probe == frozenset()
    assert not memory.outlook([PLACE]).known[PLACE].is_open
    clock.pass_(5)
    learn(1, looked=True)
    known = memory.outlook([PLACE]).known[PLACE]
    assert (known.is_open, known.since, known.at) == (True, clock.now - 5, clock.now)


def test_who_is_told_after_somebody_got_through_counts_no_more(clock: Clock) -> None:
    learn(2, looked=True)
    memory.learn_success(PLACE)
    learn(10)  # a test that still shows what it was told before
    assert memory.outlook([PLACE]) == memory.Outlook({}, frozenset())


@override_settings(LIMIT_UNREACHABLE_MINUTE=1)
def test_one_is_enough_where_the_operator_says_so(clock: Clock) -> None:
    learn(1, looked=True)
    assert memory.outlook([PLACE]).known[PLACE].is_open


def test_behind_an_open_breaker_one_a_minute_may_try(clock: Clock) -> None:
    learn(5, looked=True)
    assert memory.outlook([PLACE]).may_probe == frozenset()  # it was tried this moment
    clock.pass_(60)
    assert memory.outlook([PLACE]).may_probe == {PLACE}
    due = memory.outlook([PLACE])
    assert [memory.claim_probes(due) for _ in range(3)] == [{PLACE}, frozenset(), frozenset()]
    assert memory.outlook([PLACE]).may_probe == frozenset()
    learn(1, looked=True)  # the probe found it still down
    clock.pass_(599)
    assert memory.outlook([PLACE]).known[PLACE].is_open
    clock.pass_(1)  # nobody has come for ten minutes: the next one looks
    assert memory.outlook([PLACE]).known == {}


def test_since_when_it_has_not_answered_reaches_back_as_far_as_failures_follow_each_other(clock: Clock) -> None:
    learn(1, looked=True)
    clock.pass_(10 * 3600)  # nobody came: whether it answered meanwhile, nobody knows
    began = clock.now
    for _ in range(20):
        learn(1, looked=True)
        clock.pass_(500)
    learn(5, looked=True)
    assert memory.outlook([PLACE]).known[PLACE].since == began
    learn(10)
    clock.pass_(601)
    learn(5, looked=True)
    assert memory.outlook([PLACE]).known[PLACE].since == clock.now


def test_a_dead_host_is_tried_at_one_place_a_minute_each_in_its_turn(clock: Clock) -> None:
    places = [PLACE, OTHER_PORT, replace(PLACE, host="IMAP.example.net", port=995)]
    for place in places:
        learn(5, looked=True, place=place)
        clock.pass_(1)
    tried = []
    for _ in range(6):
        clock.pass_(61)
        claimed = [memory.claim_probes(memory.outlook(places)) for _visitor in range(3)]
        assert claimed[1:] == [frozenset(), frozenset()]
        tried += claimed[0]
        for place in claimed[0]:
            learn(1, looked=True, place=place)
    assert tried == [*places, *places]
    elsewhere = replace(PLACE, host="imap.example.org")
    learn(5, looked=True, place=elsewhere)
    clock.pass_(61)
    assert len(memory.claim_probes(memory.outlook([PLACE, elsewhere]))) == 2  # another host has a minute of its own


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
    learn(5, looked=True)
    clock.pass_(60)
    learn(1, looked=False, cause=cause, stage=stage, outcome=outcome)  # told what was found before
    assert memory.outlook([PLACE]).known[PLACE].is_open
    learn(1, looked=True, cause=cause, stage=stage, outcome=outcome)
    known = memory.outlook([PLACE]).known[PLACE]
    assert known.failure is not None
    assert (known.failure.cause, known.is_open) == (cause, False)
    clock.pass_(1801)
    assert memory.outlook([PLACE]).known == {}
    learn(5, looked=True)
    assert memory.outlook([PLACE]).known[PLACE].since == clock.now  # a new silence


@pytest.mark.parametrize("cause", ["tcp.unreachable", "dns.temp"])
def test_this_portals_own_trouble_does_not_close_it(clock: Clock, cause: str) -> None:
    learn(5, looked=True)
    clock.pass_(60)
    learn(1, looked=True, cause=cause)
    known = memory.outlook([PLACE]).known[PLACE]
    assert known.is_open
    assert known.failure is not None
    assert known.failure.cause == "tcp.timeout"


# --- the server refuses the portal -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "stage"), [("cross.portal_blocked", Stage.GREETING), ("smtp.reputation", Stage.LOGIN)]
)
def test_that_a_server_refuses_the_portal_is_known_for_half_an_hour(clock: Clock, cause: str, stage: Stage) -> None:
    learn(1, looked=True, cause=cause, stage=stage, outcome=Outcome.OURS)
    clock.pass_(1799)
    known = memory.outlook([PLACE]).known[PLACE]
    assert known.failure is not None
    assert (known.failure.cause, known.is_open) == (cause, False)
    clock.pass_(1)
    assert memory.outlook([PLACE]).known == {}


# --- the queue -----------------------------------------------------------------------------------------------------


def test_a_host_has_four_places_and_a_queue_of_a_few_seconds() -> None:
    line = HostQueue()
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        first = line.enter({"a.example": 2, "b.example": 1})
        second = line.enter({"a.example": 2})
        assert first is not None
        assert second is not None
        assert line.held("a.example") == 4
        with pytest.raises(Refused) as refused:
            line.enter({"a.example": 1})
        assert (refused.value.budget, refused.value.retry_after) == ("queue", 10)
        other = line.enter({"b.example": 3})  # another host's crowd is no reason to wait
        assert other is not None
        first.release()
        first.release()
        assert line.held("a.example") == 2
        again = line.enter({"a.example": 2})
        assert again is not None
        for entry in (second, other, again):
            entry.release()
    assert (line.held("a.example"), line.held("b.example")) == (0, 0)


def test_those_who_wait_are_let_in_in_their_order() -> None:
    line = HostQueue()
    entry = line.enter({"a.example": 4})
    assert entry is not None
    order: list[int] = []

    def visit(number: int) -> None:
        mine = line.enter({"a.example": 3})
        assert mine is not None
        order.append(number)
        mine.release()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=visit, args=(number,)))
        threads[-1].start()
        while len(line._waiting) <= number:
            time.sleep(0.001)
    entry.release()
    for thread in threads:
        thread.join(5)
    assert order == [0, 1, 2, 3, 4]


def waiters(line: HostQueue, *wants: dict[str, int]) -> tuple[list[int], list[threading.Thread]]:
    """Those who want these places, one after the other; and in which order they are let in. Each stays inside."""
    order: list[int] = []
    threads = []
    for number, hosts in enumerate(wants):

        def visit(number: int = number, hosts: dict[str, int] = hosts) -> None:
            if line.enter(hosts) is not None:
                order.append(number)

        threads.append(threading.Thread(target=visit))
        threads[-1].start()
        while len(line._waiting) + len(order) <= number:
            time.sleep(0.001)
    return order, threads


def test_nobody_overtakes_one_who_waits_for_the_same_host() -> None:
    line = HostQueue()
    entries = [line.enter({"a.example": 2}), line.enter({"a.example": 1})]
    order, threads = waiters(
        line, {"a.example": 3, "b.example": 1}, {"a.example": 1}, {"c.example": 4}, {"b.example": 1}
    )
    threads[2].join(5)
    assert order == [2]  # whose host nobody waits for
    for entry in entries:
        assert entry is not None
        entry.release()
    for thread in threads:
        thread.join(5)
    assert sorted(order[1:]) == [0, 1, 3]
    assert line.held("a.example") == 4


@override_settings(LIMIT_PROCESS_CONNECTIONS=4)
def test_nobody_overtakes_one_who_waits_for_room_in_the_process() -> None:
    line = HostQueue()
    entry = line.enter({"a.example": 2})
    order, threads = waiters(line, {"b.example": 3}, {"c.example": 1})
    assert order == []
    assert entry is not None
    entry.release()
    for thread in threads:
        thread.join(5)
    assert sorted(order) == [0, 1]


def test_a_test_alone_always_fits() -> None:
    line = HostQueue()
    with override_settings(LIMIT_HOST_CONNECTIONS=1, LIMIT_PROCESS_CONNECTIONS=3, LIMIT_QUEUE_SECONDS=0):
        entry = line.enter({"a.example": 3})
        assert entry is not None
        with pytest.raises(Refused):
            line.enter({"b.example": 1})  # the process has its three
        entry.release()


def test_who_learns_meanwhile_that_waiting_makes_no_sense_stops_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "LOOK_SECONDS", 0.01)
    line = HostQueue()
    entry = line.enter({"a.example": 4})
    assert entry is not None
    asked: list[int] = []
    assert line.enter({"a.example": 1}, lambda: bool(asked.append(1) or len(asked) > 2)) is None
    assert len(asked) == 3

    def broken() -> bool:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        line.enter({"a.example": 1}, broken)
    assert not line._waiting
    entry.release()
    assert line.held("a.example") == 0


def test_a_place_that_nobody_gave_back_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = HostQueue()
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        lost = line.enter({"a.example": 4})
        assert lost is not None
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + HELD_SECONDS + 1)
        cache.clear()  # there it has expired as well
        assert line.enter({"a.example": 4}) is not None


# --- a real cache between processes, and its end -------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRedis]:
    with LiveRedis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def in_redis(redis: LiveRedis) -> Iterator[LiveRedis]:
    settings = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis.url,
            "OPTIONS": {"socket_timeout": 1.0, "socket_connect_timeout": 1.0},
        }
    }
    with override_settings(CACHES=settings):
        cache.clear()
        yield redis
    with suppress(AssertionError):
        redis.start() if redis._process is None else None


def test_two_processes_share_what_they_know_and_the_places_at_a_host(in_redis: LiveRedis) -> None:
    learn(1, looked=True)
    learn(3)
    due = memory.outlook([PLACE])
    assert [memory.claim_probes(due) for _ in range(2)] == [{PLACE}, frozenset()]
    memory.give_probes_back(due)
    assert [memory.claim_probes(due) for _ in range(2)] == [{PLACE}, frozenset()]
    learn(1, looked=True)
    assert memory.outlook([PLACE]).known[PLACE].is_open
    memory.learn_refusal(OTHER_PORT, failing("cross.portal_blocked", Stage.LOGIN, Outcome.OURS), "a")
    assert OTHER_PORT not in memory.outlook([OTHER_PORT]).known
    memory.learn_refusal(OTHER_PORT, failing("cross.portal_blocked", Stage.LOGIN, Outcome.OURS), "b")
    assert OTHER_PORT in memory.outlook([OTHER_PORT]).known
    one, two = HostQueue(), HostQueue()  # as two processes have them
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        first = one.enter({"a.example": 3})
        assert first is not None
        with pytest.raises(Refused):
            two.enter({"a.example": 2})
        assert two.held("a.example") == 0
        second = two.enter({"a.example": 1})
        assert second is not None
        first.release()
        third = two.enter({"a.example": 3})
        assert third is not None
        second.release()
        third.release()


def test_when_the_cache_dies_in_the_middle_each_process_grants_a_share(in_redis: LiveRedis) -> None:
    anna, hosts = Address("anna", "example.net"), ["imap.example.net"]
    line = HostQueue()
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        entry = line.enter({"a.example": 2})
        assert entry is not None
        with budgets.admit("198.51.100.1", anna, hosts) as admission:
            learn(5, looked=True)
            in_redis.kill()
            began = time.monotonic()
            admission.failed_login(hosts[0])
            entry.release()
            assert memory.outlook([PLACE]).known == {}  # forgotten, and nothing breaks
        for _ in range(2):  # a quarter of ten
            budgets.admit("198.51.100.2", Address("boris", "example.net"), ["imap.example.org"]).release()
        with pytest.raises(Refused) as refused:
            budgets.admit("198.51.100.2", Address("boris", "example.net"), ["imap.example.org"])
        assert refused.value.budget == "visitor_hour"
        learn(5, looked=True)
        assert memory.outlook([PLACE]).known[PLACE].is_open  # in this process
        outages.note(ServerName("imap.example.net", 993, Security.TLS), "x", "tcp.timeout")
        assert outages.failing_now() == {}
        one, two = line.enter({"a.example": 1}), line.enter({"b.example": 2})
        assert one is not None
        assert two is not None
        with pytest.raises(Refused):
            line.enter({"a.example": 1})  # a quarter of four, and what one test needs
        one.release()
        two.release()
        assert time.monotonic() - began < 3
        in_redis.start()
        assert memory.outlook([PLACE]).known == {}  # back, and empty
        budgets.admit("198.51.100.2", Address("clara", "example.net"), ["imap.example.org"]).release()


def test_a_cache_that_hangs_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def hang(one: object) -> str:
        calls.append(1)
        if one == "shared":
            clock["now"] += 1.0
            raise TimeoutError
        return "own"

    clock = {"now": 1000.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])
    assert [ledger.either("shared", "own", hang) for _ in range(3)] == ["own"] * 3
    assert len(calls) == 4  # the shared one was asked once
    clock["now"] += 6
    ledger.either("shared", "own", hang)
    assert len(calls) == 6


# --- outages of known servers ------------------------------------------------------------------------------------------

SERVER = ServerName("imap.example.net", 993, Security.TLS)


def test_a_server_that_fails_three_visitors_is_failing_for_everybody(clock: Clock) -> None:
    began = clock.now
    for visitor in ("a", "a", "a", "b"):
        outages.note(SERVER, visitor, "tcp.timeout")
        clock.pass_(10)
    assert outages.failing_now() == {}
    outages.note(SERVER, "c", "tcp.timeout")
    assert outages.failing_now() == {SERVER: began}
    assert outages.seen([SERVER])[SERVER] == Seen(clock.now, False, "tcp.timeout", 0.0, began)
    clock.pass_(601)  # nobody has come for ten minutes: we do not know any more
    assert outages.failing_now() == {}


def test_one_who_gets_through_ends_it(clock: Clock) -> None:
    outages.note(SERVER, "z", None)
    for visitor in "abc":
        outages.note(SERVER, visitor, "auth.temp_unavailable")
    assert SERVER in outages.failing_now()
    clock.pass_(1)
    outages.note(SERVER, "d", None)
    assert outages.failing_now() == {}
    for visitor in "ab":  # those from before count no more
        outages.note(SERVER, visitor, "tcp.timeout")
    assert outages.failing_now() == {}
    outages.note(SERVER, "e", "tcp.timeout")
    assert SERVER in outages.failing_now()


def test_an_outage_began_when_failures_began_to_follow_each_other(clock: Clock) -> None:
    outages.note(SERVER, "a", "tcp.timeout")
    clock.pass_(10 * 3600)
    began = clock.now
    for visitor in "abc":
        outages.note(SERVER, visitor, "tcp.timeout")
        clock.pass_(200)
    assert outages.failing_now() == {SERVER: began}
    assert outages.seen([SERVER])[SERVER].failing_since == began


def test_two_servers_fail_apart(clock: Clock) -> None:
    other = ServerName("smtp.example.net", 465, Security.TLS)
    for visitor in "abc":
        outages.note(SERVER, visitor, "tcp.timeout")
        outages.note(other, visitor, "tcp.timeout")
    assert set(outages.failing_now()) == {SERVER, other}
    outages.note(other, "a", None)
    assert set(outages.failing_now()) == {SERVER}


def test_no_address_is_kept(clock: Clock) -> None:
    visitor = budgets.visitor_name("198.51.100.77")
    for name in (visitor, "b", "c"):
        outages.note(SERVER, name, "tcp.timeout")
    learn(5, looked=True)
    assert "198.51" not in repr(cache._cache)


def test_many_at_once_never_exceed_the_places_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    line = HostQueue()
    most, inside = 0, 0
    lock = threading.Lock()

    def visit(_: int) -> bool:
        nonlocal most, inside
        entry = line.enter({"a.example": 2})
        assert entry is not None
        with lock:
            inside += 2
            most = max(most, inside)
        time.sleep(0.001)
        with lock:
            inside -= 2
        entry.release()
        return True

    with ThreadPoolExecutor(30) as pool:
        assert all(pool.map(visit, range(60)))
    assert most == 4
    assert line.held("a.example") == 0
