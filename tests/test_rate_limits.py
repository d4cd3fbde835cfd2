"""Rate limits: which test is refused when, when there is room again, and what happens when the cache is down."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from guides.limits import counters
from guides.limits.counters import SLOT_SECONDS, RateLimited
from guides.limits.rate_limits import RateLimitHold, acquire_test
from guides.limits.shared_cache import Refused, SharedCacheDown, keyed_hash
from guides.mail.accounts import Address

ANNA = Address("anna", "mail.example.com")
BORIS = Address("boris", "mail.example.com")
HOSTS = ["imap.example.com", "smtp.example.com"]
MINUTE, HOUR, DAY = 60, 3600, 86400


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(counters.time, "time", lambda: clock.now)
    cache.clear()
    yield clock
    cache.clear()


def try_once(
    visitor: str = "198.51.100.1", address: Address = ANNA, hosts: list[str] = HOSTS, fails_at: str | None = None
) -> None:
    with acquire_test(visitor, address, hosts) as hold:
        if fails_at:
            hold.record_failed_login(fails_at)


def refusal(*args: object, **options: object) -> Refused:
    with pytest.raises(Refused) as caught:
        try_once(*args, **options)  # type: ignore[arg-type]
    assert caught.value.retry_after > 0
    return caught.value


def test_a_visitor_has_ten_tests_an_hour(clock: Clock) -> None:
    for _ in range(10):
        try_once()
    refused = refusal()
    assert refused.limit == "visitor_hour"
    assert 50 * MINUTE < refused.retry_after <= 66 * MINUTE
    try_once("198.51.100.2")  # somebody else
    clock.pass_(refused.retry_after)
    try_once()


def test_a_visitor_has_thirty_tests_a_day(clock: Clock) -> None:
    for _ in range(30):
        try_once()
        clock.pass_(10 * MINUTE)
    refused = refusal()
    assert refused.limit == "visitor_day"
    clock.pass_(refused.retry_after)
    try_once()


def test_being_refused_does_not_put_off_the_time(clock: Clock) -> None:
    for _ in range(10):
        try_once()
    first = refusal().retry_after
    for _ in range(20):
        refusal()
    clock.pass_(100)
    assert refusal().retry_after == first - 100


def test_windows_slide(clock: Clock) -> None:
    clock.pass_(-clock.now % HOUR - 30)  # just before a full hour
    for _ in range(10):
        try_once()
    clock.pass_(60)
    assert refusal().limit == "visitor_hour"


def test_a_visitor_has_two_tests_at_once() -> None:
    with acquire_test("198.51.100.1", ANNA, HOSTS) as first, acquire_test("198.51.100.1", BORIS, HOSTS):
        assert refusal(address=Address("clara", "example.com")).limit == "visitor_at_once"
        try_once("198.51.100.2", Address("clara", "example.com"))
        first.release()
        try_once(address=Address("clara", "example.com"))
        first.release()  # again: nothing is freed twice
        with acquire_test("198.51.100.1", Address("clara", "example.com"), HOSTS):
            assert refusal(address=Address("dora", "example.com")).limit == "visitor_at_once"


def test_a_slot_of_a_worker_that_crashed_is_free_again_later(clock: Clock) -> None:
    lost = [acquire_test("198.51.100.1", ANNA, HOSTS), acquire_test("198.51.100.1", BORIS, HOSTS)]
    assert SLOT_SECONDS > 60
    clock.pass_(SLOT_SECONDS - 1)
    assert refusal(address=Address("clara", "example.com")).limit == "visitor_at_once"
    clock.pass_(2)
    with acquire_test("198.51.100.1", Address("clara", "example.com"), HOSTS):
        lost[0].release()  # late: the slot is another's by now
        with acquire_test("198.51.100.1", Address("dora", "example.com"), HOSTS):
            assert refusal(address=Address("emil", "example.com")).limit == "visitor_at_once"
    lost[1].release()


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("198.51.100.1", "198.51.100.2", False),
        ("::ffff:198.51.100.1", "198.51.100.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "127.0.0.1", False),
    ],
)
@override_settings(LIMIT_VISITOR_HOUR=1)
def test_who_counts_as_one_visitor(first: str, second: str, same: bool) -> None:
    try_once(first)
    if same:
        assert refusal(second).limit == "visitor_hour"
    else:
        try_once(second)


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_an_account_has_two_failures_in_ten_minutes(clock: Clock) -> None:
    try_once(fails_at=HOSTS[0])
    for _ in range(5):
        try_once()  # tests that do not fail count nothing
    try_once("198.51.100.2", fails_at=HOSTS[0])
    refused = refusal("198.51.100.3")
    assert refused.limit == "account"
    assert 9 * MINUTE < refused.retry_after <= 11 * MINUTE
    assert refusal("198.51.100.3", Address("ANNA", "mail.example.com")).limit == "account"
    try_once("198.51.100.3", BORIS)
    clock.pass_(refused.retry_after)
    try_once("198.51.100.3")


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_an_account_has_five_failures_an_hour_and_ten_a_day(clock: Clock) -> None:
    for number in range(5):
        try_once(f"198.51.100.{number}", fails_at=HOSTS[0])
        clock.pass_(7 * MINUTE)
    refused = refusal("198.51.100.100")
    assert refused.limit == "account"
    assert 10 * MINUTE < refused.retry_after < HOUR
    for number in range(5, 10):
        clock.pass_(2 * HOUR)
        try_once(f"198.51.100.{number}", fails_at=HOSTS[0])
    clock.pass_(2 * HOUR)
    refused = refusal("198.51.100.100")
    assert refused.limit == "account"
    assert HOUR < refused.retry_after < DAY
    clock.pass_(refused.retry_after)
    try_once("198.51.100.100")


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_tests_at_the_same_time_do_not_use_up_more_failures_than_are_left() -> None:
    try_once("198.51.100.1", fails_at=HOSTS[0])
    with acquire_test("198.51.100.2", ANNA, HOSTS) as second, acquire_test("198.51.100.3", ANNA, HOSTS) as third:
        assert second.reserve_failures(HOSTS) == ""
        assert third.reserve_failures(HOSTS) == "account"  # what is left is reserved; no server is blamed for it
        second.record_failed_login(HOSTS[0])
        with pytest.raises(RateLimited) as caught:
            third.reserve_failures(HOSTS)
        assert caught.value.limit == "account"
    assert refusal("198.51.100.3").limit == "account"


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_a_failure_reserved_for_an_account_is_given_back_by_a_test_that_works() -> None:
    for _ in range(5):
        with acquire_test("198.51.100.1", ANNA, HOSTS) as hold:
            assert hold.reserve_failures(HOSTS) == ""


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_each_failure_of_one_test_counts() -> None:
    with acquire_test("198.51.100.1", ANNA, HOSTS) as hold:
        hold.record_failed_login(HOSTS[0])
        hold.record_failed_login(HOSTS[1])
    assert refusal("198.51.100.2").limit == "account"


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_invented_addresses_do_not_open_another_budget_for_one_user_name() -> None:
    for number in range(2):
        with acquire_test("198.51.100.1", Address(f"x{number}", "example.org"), HOSTS, ["anna"]) as hold:
            hold.record_failed_login(HOSTS[0])
    with pytest.raises(Refused) as caught:
        acquire_test("198.51.100.1", Address("x3", "example.org"), HOSTS, ["Anna"])
    assert caught.value.limit == "account"
    with acquire_test("198.51.100.1", Address("x3", "example.org"), ["imap.example.net"], ["anna"]):
        pass


def test_a_host_has_four_failures_in_ten_minutes(clock: Clock) -> None:
    for number in range(4):
        address = Address(f"user{number}", "example.com")
        try_once(f"198.51.100.{number}", address, ["IMAP.example.com"], fails_at="imap.EXAMPLE.com")
    refused = refusal("198.51.100.9", BORIS)
    assert refused.limit == "host"
    try_once("198.51.100.9", BORIS, ["smtp.example.com"])
    with override_settings(LIMIT_HOST_EXEMPT=frozenset({"imap.example.com"})):
        try_once("198.51.100.9", BORIS)
    clock.pass_(refused.retry_after)
    try_once("198.51.100.9", BORIS)


def addresses(count: int) -> list[Address]:
    return [Address(f"user{number}", "example.com") for number in range(count)]


def test_twenty_at_once_do_not_use_up_more_failures_than_a_host_has_left() -> None:
    holds = [acquire_test(f"198.51.100.{n}", address, HOSTS[:1]) for n, address in enumerate(addresses(20))]
    reserved = [hold.reserve_failures(HOSTS[:1]) for hold in holds]
    assert reserved == [""] * 4 + ["host"] * 16  # all were let in before the first one failed
    acquire_test("198.51.100.99", BORIS, HOSTS[:1]).release()  # what is only reserved refuses nobody
    holds[0].release()
    assert holds[4].reserve_failures(HOSTS[:1]) == ""
    for hold in holds[1:5]:
        hold.record_failed_login(HOSTS[0])
    for hold in holds:
        hold.release()
    with pytest.raises(Refused) as caught:
        holds[5].reserve_failures(HOSTS[:1])
    assert caught.value.limit == "host"
    assert caught.value.retry_after > 9 * MINUTE
    assert refusal("198.51.100.99", BORIS, HOSTS[:1]).limit == "host"


def test_a_reservation_that_nobody_took_back_is_forgotten_with_its_test(clock: Clock) -> None:
    lost = [acquire_test(f"198.51.100.{number}", address, HOSTS) for number, address in enumerate(addresses(4))]
    assert not any(one.reserve_failures(HOSTS) for one in lost)
    clock.pass_(SLOT_SECONDS - 1)
    with acquire_test("198.51.100.99", BORIS, HOSTS) as hold:
        assert hold.reserve_failures(HOSTS) != ""
        clock.pass_(SLOT_SECONDS // 10 + 1)
        assert hold.reserve_failures(HOSTS) == ""
    for one in lost:
        one.release()  # late: it takes back nobody else's
    with acquire_test("198.51.100.99", BORIS, HOSTS) as hold:
        assert hold.reserve_failures(HOSTS) == ""


def test_a_failure_reserved_at_a_host_is_taken_back_unless_it_happened_there() -> None:
    for number, address in enumerate(addresses(9)):  # each reserves at both hosts, and works
        with acquire_test(f"198.51.100.{number}", address, HOSTS) as hold:
            assert hold.reserve_failures(HOSTS) == ""
    for number, address in enumerate(addresses(4)):
        with acquire_test(f"198.51.100.{number}", address, HOSTS) as hold:
            assert hold.reserve_failures(HOSTS) == ""
            hold.record_failed_login("IMAP.example.com")
    assert refusal("198.51.100.99", BORIS, HOSTS[:1]).limit == "host"
    with acquire_test("198.51.100.99", BORIS, HOSTS[1:]) as hold:
        assert hold.reserve_failures(HOSTS[1:]) == ""


def test_what_is_refused_at_one_host_reserves_nothing_at_another() -> None:
    for number, address in enumerate(addresses(4)):
        try_once(f"198.51.100.{number}", address, HOSTS[1:], fails_at=HOSTS[1])
    for number, address in enumerate(addresses(9)):
        with acquire_test(f"198.51.100.{number}", address, HOSTS[:1]) as hold, pytest.raises(Refused):
            hold.reserve_failures(HOSTS)
    with acquire_test("198.51.100.99", BORIS, HOSTS[:1]) as hold:
        assert hold.reserve_failures(HOSTS[:1]) == ""


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_nothing_is_reserved_at_an_exempt_host() -> None:
    for number, address in enumerate(addresses(9)):
        try_once(f"198.51.100.{number}", address, fails_at=HOSTS[0])
    with acquire_test("198.51.100.99", ANNA, HOSTS) as hold:
        assert hold.reserve_failures(HOSTS) == ""


def test_two_refusals_at_one_host_are_two_failures() -> None:
    with acquire_test("198.51.100.1", ANNA, HOSTS[:1]) as hold:
        hold.reserve_failures(HOSTS[:1])
        hold.record_failed_login(HOSTS[0])
        hold.record_failed_login(HOSTS[0])
    for number, address in enumerate(addresses(2)):
        try_once(f"198.51.100.{number}", address, HOSTS[:1], fails_at=HOSTS[0])
    assert refusal("198.51.100.99", BORIS, HOSTS[:1]).limit == "host"


@override_settings(LIMIT_TESTS_PER_PROCESS=2)
def test_a_process_runs_a_bounded_number_of_tests() -> None:
    with acquire_test("198.51.100.1", ANNA, HOSTS), acquire_test("198.51.100.2", BORIS, HOSTS):
        assert refusal("198.51.100.3", Address("clara", "example.com")).limit == "busy"
    try_once("198.51.100.3", Address("clara", "example.com"))
    for _ in range(5):
        with override_settings(LIMIT_VISITOR_HOUR=1):
            assert refusal("198.51.100.3").limit == "visitor_hour"  # a refusal holds no place
    try_once("198.51.100.4")


def test_counting_is_atomic() -> None:
    holds: list[RateLimitHold] = []

    def attempt(number: int) -> None:
        with suppress(RateLimited):
            holds.append(acquire_test("198.51.100.1", Address(f"user{number}", "example.com"), HOSTS))

    with override_settings(LIMIT_VISITOR_AT_ONCE=100), ThreadPoolExecutor(20) as pool:
        list(pool.map(attempt, range(60)))
    assert 1 <= len(holds) <= 10
    for hold in holds:
        hold.release()


def test_the_cache_holds_nobodys_address() -> None:
    with acquire_test("198.51.100.77", ANNA, HOSTS, ["anna.secretname"]) as hold:
        hold.record_failed_login(HOSTS[0])
        kept = repr(cache._cache)
        assert "count:" in kept
        for word in ("anna", "198.51", "mail.example", "imap.example", "secretname"):
            assert word not in kept
    with override_settings(SECRET_KEY="another key " * 5):
        assert keyed_hash("account", "anna@mail.example.com") not in kept


class BrokenCache(LocMemCache):
    """A cache that can be switched off."""

    down = True

    def get_many(self, *args: object, **options: object) -> dict[str, object]:
        if self.down:
            raise ConnectionError("no cache")
        return super().get_many(*args, **options)  # type: ignore[arg-type]

    def add(self, *args: object, **options: object) -> bool:
        if self.down:
            raise ConnectionError("no cache")
        return super().add(*args, **options)  # type: ignore[arg-type]


BROKEN = {"default": {"BACKEND": "tests.test_rate_limits.BrokenCache", "LOCATION": "broken"}}


@override_settings(CACHES=BROKEN, LIMIT_TESTS_PER_PROCESS=1)
def test_without_the_cache_a_test_is_refused_and_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        refused = refusal()
        assert isinstance(refused, SharedCacheDown)
        assert refused.limit == "cache"
    monkeypatch.setattr(BrokenCache, "down", False)
    try_once()


@override_settings(CACHES=BROKEN, LIMIT_TESTS_PER_PROCESS=1)
def test_a_cache_that_goes_away_during_a_test_does_not_break_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(BrokenCache, "down", False)
    with acquire_test("198.51.100.1", ANNA, HOSTS) as hold:
        assert hold.reserve_failures(HOSTS) == ""
        monkeypatch.setattr(BrokenCache, "down", True)
        hold.record_failed_login(HOSTS[0])
    assert "The cache does not answer (ConnectionError): a refused login is not counted" in caplog.text
    assert "198.51" not in caplog.text
    monkeypatch.setattr(BrokenCache, "down", False)
    try_once("198.51.100.2", BORIS, fails_at=HOSTS[1])  # the process's one test is free again
