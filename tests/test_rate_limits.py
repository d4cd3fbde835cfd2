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
from guides.limits.rate_limits import RateLimitHold, acquire_test, visitor_name
from guides.limits.shared_cache import Refused, SharedCacheDown

HOSTS = ["imap.example.com", "smtp.example.com"]
ANNA = [("anna@mail.example.com", host) for host in HOSTS]
MINUTE, HOUR = 60, 3600


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


def try_once(visitor: str = "198.51.100.1") -> None:
    acquire_test(visitor, ANNA).release()


def refusal(visitor: str = "198.51.100.1") -> Refused:
    with pytest.raises(Refused) as caught:
        try_once(visitor)
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
    with acquire_test("198.51.100.1", ANNA) as first, acquire_test("198.51.100.1", ANNA):
        assert refusal().limit == "visitor_at_once"
        try_once("198.51.100.2")
        first.release()
        try_once()
        first.release()  # again: nothing is freed twice
        with acquire_test("198.51.100.1", ANNA):
            assert refusal().limit == "visitor_at_once"


def test_a_slot_of_a_worker_that_crashed_is_free_again_later(clock: Clock) -> None:
    lost = [acquire_test("198.51.100.1", ANNA), acquire_test("198.51.100.1", ANNA)]
    assert SLOT_SECONDS > 60
    clock.pass_(SLOT_SECONDS - 1)
    assert refusal().limit == "visitor_at_once"
    clock.pass_(2)
    with acquire_test("198.51.100.1", ANNA):
        lost[0].release()  # late: the slot is another's by now
        with acquire_test("198.51.100.1", ANNA):
            assert refusal().limit == "visitor_at_once"
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


@override_settings(LIMIT_TESTS_PER_PROCESS=2)
def test_a_process_runs_a_bounded_number_of_tests() -> None:
    with acquire_test("198.51.100.1", ANNA), acquire_test("198.51.100.2", ANNA):
        assert refusal("198.51.100.3").limit == "busy"
    try_once("198.51.100.3")
    for _ in range(5):
        with override_settings(LIMIT_VISITOR_HOUR=1):
            assert refusal("198.51.100.3").limit == "visitor_hour"  # a refusal holds no place
    try_once("198.51.100.4")


def test_counting_is_atomic() -> None:
    holds: list[RateLimitHold] = []

    def attempt(number: int) -> None:
        with suppress(RateLimited):
            holds.append(acquire_test("198.51.100.1", ANNA))

    with override_settings(LIMIT_VISITOR_AT_ONCE=100), ThreadPoolExecutor(20) as pool:
        list(pool.map(attempt, range(60)))
    assert 1 <= len(holds) <= 10
    for hold in holds:
        hold.release()


def test_the_cache_holds_nobodys_address() -> None:
    with acquire_test("198.51.100.77", ANNA):
        kept = repr(cache._cache)
        assert "count:" in kept
        for word in ("anna", "198.51", "mail.example", "imap.example"):
            assert word not in kept
        assert visitor_name("198.51.100.77") in kept
    with override_settings(SECRET_KEY="another key " * 5):
        assert visitor_name("198.51.100.77") not in kept


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
    with acquire_test("198.51.100.1", ANNA):
        monkeypatch.setattr(BrokenCache, "down", True)
    assert "The cache does not answer (ConnectionError): what a test held expires by itself" in caplog.text
    assert "198.51" not in caplog.text
    monkeypatch.setattr(BrokenCache, "down", False)
    try_once("198.51.100.2")  # the process's one test is free again
