"""How many logins may be refused to one mailbox and at one mail server, by any combination of names and tests at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import override_settings
from redis import Redis

from guides.limits import refused_logins
from guides.limits.counters import RateLimited
from guides.limits.shared_cache import SharedCacheDown
from guides.mail.connection.legs import is_refused
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult
from tests.redis import LiveRedis

HOST, ADDRESS = "imap.example.com", "192.0.2.1"
EXEMPT = frozenset({HOST})
MINUTE, HOUR, DAY = 60, 3600, 86400


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now)
    with override_settings(LIMIT_QUEUE_SECONDS=0):
        yield clock


async def attempt(username: str, host: str, address: str, *, accepted: bool, seconds: float = 0.0) -> bool:
    """One login; returns whether it was sent."""
    async with refused_logins.attempt(username, host, address) as made:
        if made is None:
            return False
        await asyncio.sleep(seconds)
        made.counts = not accepted
        return True


def log_in(
    username: str = "anna@example.com", host: str = HOST, address: str = ADDRESS, *, accepted: bool = False
) -> bool:
    return asyncio.run(attempt(username, host, address, accepted=accepted))


def sent(logins: Iterable[tuple[str, str, str]], *, accepted: bool = False) -> int:
    """How many of these logins are sent when all come at once."""

    async def all_at_once() -> list[bool]:
        return await asyncio.gather(*(attempt(*login, accepted=accepted, seconds=0.05) for login in logins))

    return sum(asyncio.run(all_at_once()))


def refusal(username: str = "anna@example.com", host: str = HOST) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        refused_logins.check([(username, host)])
    assert caught.value.retry_after > 0
    return caught.value


# --- one mailbox ------------------------------------------------------------------------------------------------------


@override_settings(LIMIT_HOST_EXEMPT=EXEMPT)
def test_two_logins_in_ten_minutes_are_refused_to_a_mailbox(clock: Clock) -> None:
    for _ in range(5):
        assert log_in(accepted=True)  # these count nothing
    assert [log_in() for _ in range(3)] == [True, True, False]
    refused = refusal()
    assert (refused.limit, refused.retry_after) == ("account", 10 * MINUTE)
    refused_logins.check([("boris@example.com", HOST)])
    clock.pass_(refused.retry_after - 1)
    assert not log_in()
    clock.pass_(2)
    assert log_in()


@override_settings(LIMIT_HOST_EXEMPT=EXEMPT)
def test_five_in_an_hour_and_ten_in_a_day(clock: Clock) -> None:
    for _ in range(5):
        assert log_in()
        clock.pass_(7 * MINUTE)
    assert not log_in()
    assert 10 * MINUTE < refusal().retry_after < HOUR
    for _ in range(5):
        clock.pass_(2 * HOUR)
        assert log_in()
    clock.pass_(2 * HOUR)
    assert not log_in()
    retry_after = refusal().retry_after
    assert HOUR < retry_after < DAY
    clock.pass_(retry_after + 1)
    assert log_in()


@override_settings(LIMIT_HOST_EXEMPT=EXEMPT)
def test_logins_at_once_do_not_use_up_more_than_an_hour_has_left(clock: Clock) -> None:
    for _ in range(4):
        assert log_in()
        clock.pass_(11 * MINUTE)
    assert sent([("anna@example.com", HOST, ADDRESS)] * 20) == 1


@pytest.mark.parametrize(
    "names",
    [
        [
            "anna@example.com",
            "ANNA@example.com",
            "anna",
            "a.nna",
            "anna+x@example.com",
            "EXAMPLE\\anna",
            "anna%example.com",
        ],
        ["anna@example.com", "anna@mail.example.com", "ａnna@example.com", "anna@EXAMPLE.com"],
        ["anna@example.com", "an\u00adna@example.com", "an\u200bna@example.com", "an\ufe0fna", '"anna"@example.com'],
        ["anna@example.com", "EXAMPLE\\anna\\shared1", "EXAMPLE/anna/shared2", "anna@example.com\\shared3"],
        ["anna@example.com", "anna@stranger.example", "anna@other.example", "anna"],  # the server may cut it off
    ],
)
def test_other_spellings_of_a_user_name_are_the_same_mailbox(names: list[str]) -> None:
    assert sent((name, HOST, ADDRESS) for name in names * 3) == 2


@override_settings(LIMIT_HOST_EXEMPT=EXEMPT)
def test_a_domain_in_its_own_script_is_the_same_mailbox_at_an_exempt_server() -> None:
    assert sent((f"anna@{domain}", HOST, ADDRESS) for domain in ["пример.рф", "xn--e1afmkfd.xn--p1ai"] * 3) == 2


def test_other_names_of_a_server_lead_to_the_same_mailbox() -> None:
    hosts = [f"{label}.example.com" for label in ("imap", "pop", "smtp", "mail", "mx")]
    assert sent(("anna", host, f"198.51.{number}.1") for number, host in enumerate(hosts * 4)) == 2


def test_names_of_other_domains_lead_to_the_same_mailbox() -> None:
    hosts = [f"mail.customer{number}.example" for number in range(5)]
    assert sent(("anna", host, ADDRESS) for host in hosts * 4) == 2


def test_the_same_name_at_another_provider_is_another_mailbox() -> None:
    assert [log_in("info", HOST) for _ in range(3)] == [True, True, False]
    assert log_in("info", "imap.example.net", "198.51.100.1")


@override_settings(LIMIT_HOST_EXEMPT=EXEMPT)
def test_at_an_exempt_server_the_domains_customers_are_apart() -> None:
    assert [log_in(f"info@customer{number}.net") for number in range(5)] == [True] * 5


# --- one server -------------------------------------------------------------------------------------------------------


def people(number: int) -> list[str]:
    return [f"user{one}@customer{one}.net" for one in range(number)]


@pytest.mark.parametrize(
    "places",
    [
        [(HOST, ADDRESS)],
        [("IMAP.example.com", ADDRESS), (HOST, ADDRESS)],
        [(f"{label}.example.com", ADDRESS) for label in ("imap", "pop", "smtp", "mail", "mx")],
        [(f"mail.customer{number}.example", ADDRESS) for number in range(5)],
        [(f"mail{number}.example.com", f"192.0.2.{number + 1}") for number in range(5)],
        [(f"mail{number}.example.com", f"2001:db8:0:1{number}::1") for number in range(5)],  # a /56
        [(HOST, f"198.51.{number}.1") for number in range(5)],  # one name with many addresses
    ],
)
def test_four_logins_are_refused_at_a_server(clock: Clock, places: list[tuple[str, str]]) -> None:
    names = people(20)
    assert sent((name, *places[number % len(places)]) for number, name in enumerate(names)) == 4
    assert sent([(names[0], *places[0])]) == 0
    clock.pass_(10 * MINUTE + 1)
    assert log_in(names[0], *places[0])


@pytest.mark.parametrize("address", ["192.0.3.1", "2001:db8:0:200::1"])
def test_another_network_is_another_server(address: str) -> None:
    near = "2001:db8:0:100::1" if ":" in address else ADDRESS
    for name in people(4):
        assert log_in(name, "imap.example.com", near)
    assert not log_in("eva@customer.net", "imap.example.net", near)
    assert log_in("eva@customer.net", "imap.example.net", address)


def test_an_exempt_server_has_no_limit_of_its_own() -> None:
    with override_settings(LIMIT_HOST_EXEMPT=EXEMPT):
        assert sent((name, HOST, ADDRESS) for name in people(9)) == 9
    for name in people(9)[5:]:
        assert log_in(name, "mail.example.net")  # nothing was counted for its network either


def test_a_server_that_has_refused_enough_is_known_before_the_next_test() -> None:
    refused_logins.check([("eva@customer.net", HOST)])
    for name in people(4):
        assert log_in(name)
    assert refusal("eva@customer.net").limit == "host"


# --- logins under way -------------------------------------------------------------------------------------------------


@override_settings(LIMIT_QUEUE_SECONDS=5)
def test_honest_visitors_wait_for_each_other_and_are_not_refused() -> None:
    assert sent([(name, HOST, ADDRESS) for name in people(12)], accepted=True) == 12
    refused_logins.check([("anna@example.com", HOST)])


def test_a_login_under_way_refuses_no_test_before_it_has_ended() -> None:
    async def run() -> None:
        async with refused_logins.attempt("anna", HOST, ADDRESS), refused_logins.attempt("anna", HOST, ADDRESS):
            assert not await attempt("anna", HOST, ADDRESS, accepted=True)
            refused_logins.check([("anna", HOST)])

    asyncio.run(run())


def test_a_visitor_who_leaves_before_the_answer_has_used_up_a_login() -> None:
    async def leave() -> None:
        task = asyncio.create_task(attempt("anna", HOST, ADDRESS, accepted=True, seconds=60))
        await asyncio.sleep(0.2)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    for _ in range(2):
        asyncio.run(leave())
    assert refusal("anna").limit == "account"


def test_a_visitor_who_leaves_before_the_login_has_used_up_none() -> None:
    async def leave(moment: float) -> None:
        task = asyncio.create_task(attempt("anna", HOST, ADDRESS, accepted=True))
        await asyncio.sleep(moment)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.get_running_loop().shutdown_default_executor()

    asyncio.run(leave(0))
    assert sent([("anna", HOST, ADDRESS)] * 5) == 2


@override_settings(LIMIT_HOST_10_MINUTES=100_000, LIMIT_ACCOUNT_10_MINUTES=100_000, LIMIT_ACCOUNT_HOUR=100_000)
def test_a_huge_limit_reads_few_keys() -> None:
    keys = [
        key
        for limit in refused_logins._limits("anna", HOST, ADDRESS)
        for window in limit.windows
        for key in window.keys
    ]
    assert len(keys) < 150
    assert sent((name, HOST, ADDRESS) for name in people(30)) == 30


def test_the_cache_holds_no_name() -> None:
    assert log_in("anna.secretname@example.com")
    kept = repr(cache._cache)
    assert "refused:" in kept
    for word in ("anna", "secretname", "example", "192.0"):
        assert word not in kept


def test_without_the_cache_no_login_is_sent(tmp_path: Path) -> None:
    with LiveRedis(tmp_path) as redis, override_settings(CACHES=redis.caches):
        assert log_in()
        assert sent([("anna@example.com", HOST, ADDRESS)] * 9) == 1
        redis.kill()
        assert not log_in("boris@example.com")
        with pytest.raises(SharedCacheDown):
            refused_logins.check([("boris@example.com", HOST)])


def test_a_login_costs_six_operations_of_the_cache(tmp_path: Path) -> None:
    with LiveRedis(tmp_path) as redis, override_settings(CACHES=redis.caches):
        client = Redis.from_url(redis.url)
        client.config_resetstat()
        assert log_in(accepted=True)
        calls = {name.removeprefix("cmdstat_"): each["calls"] for name, each in client.info("commandstats").items()}
        client.close()
    assert {name: calls.get(name) for name in ("mget", "set", "del")} == {"mget": 1, "set": 4, "del": 1}


@pytest.mark.parametrize(
    ("cause", "outcome", "counts"),
    [
        (None, Outcome.OK, False),
        ("auth.login_delay", Outcome.WARN, False),
        ("auth.rejected", Outcome.FAIL, True),
        ("auth.locked", Outcome.FAIL, True),
        ("auth.protocol_disabled", Outcome.FAIL, True),
        ("cross.portal_blocked", Outcome.OURS, True),
        ("unknown.unknown", Outcome.UNCLEAR, True),
        ("unknown.unknown", Outcome.OURS, True),
        ("net.closed", Outcome.FAIL, True),
        ("limit.deadline", Outcome.FAIL, True),  # another server can use up the time of a test on purpose
        ("auth.temp_unavailable", Outcome.FAIL, False),  # when a login is down, its mailboxes keep what they have left
        ("net.timeout", Outcome.FAIL, False),
        ("cap.no_password_mech", Outcome.FAIL, False),
    ],
)
def test_what_a_server_may_have_counted_counts(cause: str | None, outcome: Outcome, counts: bool) -> None:
    assert is_refused(StageResult(Leg.IMAP, Stage.LOGIN, outcome, cause)) == counts
