"""Abuse budgets: who is refused when, when there is room again, and what happens when the cache is down."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from guides import budgets, ledger
from guides.budgets import HELD_SECONDS, Refused, admit
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
    monkeypatch.setattr(budgets.time, "time", lambda: clock.now)
    cache.clear()
    budgets._own._store.clear()
    yield clock
    cache.clear()
    budgets._own._store.clear()


def try_once(
    visitor: str = "198.51.100.1", address: Address = ANNA, hosts: list[str] = HOSTS, fails_at: str | None = None
) -> None:
    with admit(visitor, address, hosts) as admission:
        if fails_at:
            admission.failed_login(fails_at)


def refusal(*args: object, **options: object) -> Refused:
    with pytest.raises(Refused) as caught:
        try_once(*args, **options)  # type: ignore[arg-type]
    assert caught.value.retry_after > 0
    return caught.value


def test_a_visitor_has_ten_tests_an_hour(clock: Clock) -> None:
    for _ in range(10):
        try_once()
    refused = refusal()
    assert refused.budget == "visitor_hour"
    assert 50 * MINUTE < refused.retry_after <= 66 * MINUTE
    try_once("198.51.100.2")  # somebody else
    clock.pass_(refused.retry_after)
    try_once()


def test_a_visitor_has_thirty_tests_a_day(clock: Clock) -> None:
    for _ in range(30):
        try_once()
        clock.pass_(10 * MINUTE)
    refused = refusal()
    assert refused.budget == "visitor_day"
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
    assert refusal().budget == "visitor_hour"


def test_a_visitor_has_two_tests_at_once() -> None:
    with admit("198.51.100.1", ANNA, HOSTS) as first, admit("198.51.100.1", BORIS, HOSTS):
        assert refusal(address=Address("clara", "example.com")).budget == "visitor_at_once"
        try_once("198.51.100.2", Address("clara", "example.com"))
        first.release()
        try_once(address=Address("clara", "example.com"))
        first.release()  # again: nothing is freed twice
        with admit("198.51.100.1", Address("clara", "example.com"), HOSTS):
            assert refusal(address=Address("dora", "example.com")).budget == "visitor_at_once"


def test_a_slot_of_a_worker_that_crashed_is_free_again_later(clock: Clock) -> None:
    lost = [admit("198.51.100.1", ANNA, HOSTS), admit("198.51.100.1", BORIS, HOSTS)]
    assert HELD_SECONDS > 60
    clock.pass_(HELD_SECONDS - 1)
    assert refusal(address=Address("clara", "example.com")).budget == "visitor_at_once"
    clock.pass_(2)
    with admit("198.51.100.1", Address("clara", "example.com"), HOSTS):
        lost[0].release()  # late: the slot is another's by now
        with admit("198.51.100.1", Address("dora", "example.com"), HOSTS):
            assert refusal(address=Address("emil", "example.com")).budget == "visitor_at_once"
    lost[1].release()


def test_a_place_in_the_process_that_was_never_given_back_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(LIMIT_TESTS_PER_PROCESS=1):
        lost = admit("198.51.100.1", ANNA, HOSTS)
        assert refusal("198.51.100.2").budget == "busy"
        later = budgets.time.monotonic() + HELD_SECONDS + 1
        monkeypatch.setattr(budgets.time, "monotonic", lambda: later)
        try_once("198.51.100.2", BORIS)
        lost.release()


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
        assert refusal(second).budget == "visitor_hour"
    else:
        try_once(second)


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_an_account_has_two_failures_in_ten_minutes(clock: Clock) -> None:
    try_once(fails_at=HOSTS[0])
    for _ in range(5):
        try_once()  # tests that do not fail count nothing
    try_once("198.51.100.2", fails_at=HOSTS[0])
    refused = refusal("198.51.100.3")
    assert refused.budget == "account"
    assert 9 * MINUTE < refused.retry_after <= 11 * MINUTE
    assert refusal("198.51.100.3", Address("ANNA", "mail.example.com")).budget == "account"
    try_once("198.51.100.3", BORIS)
    clock.pass_(refused.retry_after)
    try_once("198.51.100.3")


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_an_account_has_five_failures_an_hour_and_ten_a_day(clock: Clock) -> None:
    for number in range(5):
        try_once(f"198.51.100.{number}", fails_at=HOSTS[0])
        clock.pass_(7 * MINUTE)
    refused = refusal("198.51.100.100")
    assert refused.budget == "account"
    assert 10 * MINUTE < refused.retry_after < HOUR
    for number in range(5, 10):
        clock.pass_(2 * HOUR)
        try_once(f"198.51.100.{number}", fails_at=HOSTS[0])
    clock.pass_(2 * HOUR)
    refused = refusal("198.51.100.100")
    assert refused.budget == "account"
    assert HOUR < refused.retry_after < DAY
    clock.pass_(refused.retry_after)
    try_once("198.51.100.100")


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_tests_at_the_same_time_do_not_use_up_more_failures_than_are_left() -> None:
    try_once("198.51.100.1", fails_at=HOSTS[0])
    with admit("198.51.100.2", ANNA, HOSTS) as second:
        assert refusal("198.51.100.3").budget == "account"
        second.failed_login(HOSTS[0])
    assert refusal("198.51.100.3").budget == "account"


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_each_failure_of_one_test_counts() -> None:
    with admit("198.51.100.1", ANNA, HOSTS) as admission:
        admission.failed_login(HOSTS[0])
        admission.failed_login(HOSTS[1])
    assert refusal("198.51.100.2").budget == "account"


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_invented_addresses_do_not_open_another_budget_for_one_user_name() -> None:
    for number in range(2):
        with admit("198.51.100.1", Address(f"x{number}", "example.org"), HOSTS, ["anna"]) as admission:
            admission.failed_login(HOSTS[0])
    with pytest.raises(Refused) as caught:
        admit("198.51.100.1", Address("x3", "example.org"), HOSTS, ["Anna"])
    assert caught.value.budget == "account"
    with admit("198.51.100.1", Address("x3", "example.org"), ["imap.example.net"], ["anna"]):
        pass


def test_a_host_has_four_failures_in_ten_minutes(clock: Clock) -> None:
    for number in range(4):
        address = Address(f"user{number}", "example.com")
        try_once(f"198.51.100.{number}", address, ["IMAP.example.com"], fails_at="imap.EXAMPLE.com")
    refused = refusal("198.51.100.9", BORIS)
    assert refused.budget == "host"
    try_once("198.51.100.9", BORIS, ["smtp.example.com"])
    with override_settings(LIMIT_HOST_EXEMPT=frozenset({"imap.example.com"})):
        try_once("198.51.100.9", BORIS)
    clock.pass_(refused.retry_after)
    try_once("198.51.100.9", BORIS)


def addresses(count: int) -> list[Address]:
    return [Address(f"user{number}", "example.com") for number in range(count)]


def test_twenty_at_once_do_not_use_up_more_failures_than_a_host_has_left() -> None:
    admissions = [admit(f"198.51.100.{n}", address, HOSTS[:1]) for n, address in enumerate(addresses(20))]
    reserved = [admission.reserve_failures(HOSTS[:1]) for admission in admissions]
    assert reserved == [True] * 4 + [False] * 16  # all were let in before the first one failed
    admit("198.51.100.99", BORIS, HOSTS[:1]).release()  # what is only reserved refuses nobody
    admissions[0].release()
    assert admissions[4].reserve_failures(HOSTS[:1])
    for admission in admissions[1:5]:
        admission.failed_login(HOSTS[0])
    for admission in admissions:
        admission.release()
    with pytest.raises(Refused) as caught:
        admissions[5].reserve_failures(HOSTS[:1])
    assert caught.value.budget == "host"
    assert caught.value.retry_after > 9 * MINUTE
    assert refusal("198.51.100.99", BORIS, HOSTS[:1]).budget == "host"


def test_a_reservation_that_nobody_took_back_is_forgotten_with_its_test(clock: Clock) -> None:
    lost = [admit(f"198.51.100.{number}", address, HOSTS) for number, address in enumerate(addresses(4))]
    assert all(one.reserve_failures(HOSTS) for one in lost)
    clock.pass_(HELD_SECONDS - 1)
    with admit("198.51.100.99", BORIS, HOSTS) as admission:
        assert not admission.reserve_failures(HOSTS)
        clock.pass_(HELD_SECONDS // 10 + 1)
        assert admission.reserve_failures(HOSTS)
    for one in lost:
        one.release()  # late: it takes back nobody else's
    with admit("198.51.100.99", BORIS, HOSTS) as admission:
        assert admission.reserve_failures(HOSTS)


def test_a_failure_reserved_at_a_host_is_taken_back_unless_it_happened_there() -> None:
    for number, address in enumerate(addresses(9)):  # each reserves at both hosts, and works
        with admit(f"198.51.100.{number}", address, HOSTS) as admission:
            assert admission.reserve_failures(HOSTS)
    for number, address in enumerate(addresses(4)):
        with admit(f"198.51.100.{number}", address, HOSTS) as admission:
            assert admission.reserve_failures(HOSTS)
            admission.failed_login("IMAP.example.com")
    assert refusal("198.51.100.99", BORIS, HOSTS[:1]).budget == "host"
    with admit("198.51.100.99", BORIS, HOSTS[1:]) as admission:
        assert admission.reserve_failures(HOSTS[1:])


def test_what_is_refused_at_one_host_reserves_nothing_at_another() -> None:
    for number, address in enumerate(addresses(4)):
        try_once(f"198.51.100.{number}", address, HOSTS[1:], fails_at=HOSTS[1])
    for number, address in enumerate(addresses(9)):
        with admit(f"198.51.100.{number}", address, HOSTS[:1]) as admission, pytest.raises(Refused):
            admission.reserve_failures(HOSTS)
    with admit("198.51.100.99", BORIS, HOSTS[:1]) as admission:
        assert admission.reserve_failures(HOSTS[:1])


@override_settings(LIMIT_HOST_EXEMPT=frozenset(HOSTS))
def test_nothing_is_reserved_at_an_exempt_host() -> None:
    with admit("198.51.100.1", ANNA, HOSTS) as admission:
        assert admission.reserve_failures(HOSTS)
        for _ in range(9):
            admission.failed_login(HOSTS[0])
        assert admission.reserve_failures(HOSTS)


def test_two_refusals_at_one_host_are_two_failures() -> None:
    with admit("198.51.100.1", ANNA, HOSTS[:1]) as admission:
        admission.reserve_failures(HOSTS[:1])
        admission.failed_login(HOSTS[0])
        admission.failed_login(HOSTS[0])
    for number, address in enumerate(addresses(2)):
        try_once(f"198.51.100.{number}", address, HOSTS[:1], fails_at=HOSTS[0])
    assert refusal("198.51.100.99", BORIS, HOSTS[:1]).budget == "host"


@override_settings(LIMIT_TESTS_PER_PROCESS=2)
def test_a_process_runs_a_bounded_number_of_tests() -> None:
    with admit("198.51.100.1", ANNA, HOSTS), admit("198.51.100.2", BORIS, HOSTS):
        assert refusal("198.51.100.3", Address("clara", "example.com")).budget == "busy"
    try_once("198.51.100.3", Address("clara", "example.com"))
    for _ in range(5):
        with override_settings(LIMIT_VISITOR_HOUR=1):
            assert refusal("198.51.100.3").budget == "visitor_hour"  # a refusal holds no place
    try_once("198.51.100.4")


def test_counting_is_atomic() -> None:
    def attempt(number: int) -> bool:
        try:
            admit("198.51.100.1", Address(f"user{number}", "example.com"), HOSTS)
        except Refused:
            return False
        return True

    with override_settings(LIMIT_VISITOR_AT_ONCE=100), ThreadPoolExecutor(20) as pool:
        admitted = sum(pool.map(attempt, range(60)))
    assert admitted <= 10
    for slot in list(budgets._process._held):
        budgets._process.let_go(slot)


def test_the_cache_holds_nobodys_address() -> None:
    with admit("198.51.100.77", ANNA, HOSTS, ["anna.secretname"]) as admission:
        admission.failed_login(HOSTS[0])
        kept = repr(cache._cache)
        assert "budget:" in kept
        for word in ("anna", "198.51", "mail.example", "imap.example", "secretname"):
            assert word not in kept
    with override_settings(SECRET_KEY="another key " * 5):
        assert ledger.hashed("account", "anna@mail.example.com") not in kept


class BrokenCache(LocMemCache):
    """A cache that can be switched off."""

    down = True

    def _fail(self, *args: object, **options: object) -> None:
        if self.down:
            raise ConnectionError("no cache")

    def add(self, *args: object, **options: object) -> bool:
        self._fail()
        return super().add(*args, **options)  # type: ignore[arg-type]

    def incr(self, *args: object, **options: object) -> int:
        self._fail()
        return super().incr(*args, **options)  # type: ignore[arg-type]

    def get(self, *args: object, **options: object) -> object:
        self._fail()
        return super().get(*args, **options)  # type: ignore[arg-type]

    def get_many(self, *args: object, **options: object) -> dict[str, object]:
        self._fail()
        return super().get_many(*args, **options)  # type: ignore[arg-type]


BROKEN = {"default": {"BACKEND": "tests.test_budgets.BrokenCache", "LOCATION": "broken"}}


@override_settings(CACHES=BROKEN)
def test_without_the_cache_each_process_grants_a_share(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):  # a quarter of ten
        try_once()
    assert refusal().budget == "visitor_hour"
    assert "The cache does not answer (ConnectionError)" in caplog.text
    assert "198.51" not in caplog.text
    with admit("198.51.100.2", ANNA, HOSTS) as admission:
        admission.failed_login(HOSTS[0])
    assert refusal("198.51.100.3").budget in ("account", "host")
    with admit("198.51.100.4", BORIS, ["imap.example.net"]):
        assert (
            refusal("198.51.100.4", Address("clara", "example.com"), ["imap.example.net"]).budget == "visitor_at_once"
        )


@override_settings(CACHES=BROKEN)
def test_a_cache_that_goes_away_during_a_test_still_counts_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BrokenCache, "down", False)
    with admit("198.51.100.1", ANNA, HOSTS) as admission:
        monkeypatch.setattr(BrokenCache, "down", True)
        admission.failed_login(HOSTS[0])
    assert refusal("198.51.100.2", BORIS).budget == "host"
    assert not budgets._process._held
    monkeypatch.setattr(BrokenCache, "down", False)
    try_once("198.51.100.3", fails_at=HOSTS[1])
    assert refusal("198.51.100.4").budget == "account"  # the first failure was counted before the cache went away


@override_settings(CACHES=BROKEN)
def test_a_reservation_in_a_cache_that_goes_away_is_no_failure_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BrokenCache, "down", False)
    cache.clear()
    with admit("198.51.100.1", ANNA, HOSTS) as admission:
        assert admission.reserve_failures(HOSTS)
        monkeypatch.setattr(BrokenCache, "down", True)
        admission.failed_login(HOSTS[0])
    assert refusal("198.51.100.2", BORIS, HOSTS[:1]).budget == "host"
    with admit("198.51.100.3", BORIS, HOSTS[1:]) as admission:
        assert admission.reserve_failures(HOSTS[1:])  # with this process's own share
