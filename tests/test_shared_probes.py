"""What tests of the same server share: one probe for all, known failures, and never more than two connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from guides.limits.address_semaphore import AddressSemaphore
from guides.limits.single_flight import ProbeSingleFlight
from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection import alternatives
from guides.mail.connection.limits import ChannelFault
from guides.mail.connection.probes import (
    PUBLIC_STAGES,
    SEEN_AT,
    SILENT_SINCE,
    Endpoint,
    LegProbe,
    ProbeResult,
    SharedState,
    shareable,
)
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress, Resolution
from guides.mail.outcomes import Evidence, Leg, Outcome, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from tests.scripted import (
    ADDRESS,
    HOST,
    PASSWORD,
    QUICK,
    Connection,
    Imap,
    LoopbackEgress,
    Scripted,
    Smtp,
    egress,
    saying,
)

ENDPOINT = Endpoint(Protocol.IMAP, HOST, 993, Security.TLS)
FAILED = (
    StageResult(Leg.IMAP, Stage.DNS, Outcome.OK, milliseconds=3),
    StageResult(Leg.IMAP, Stage.CONNECT, Outcome.FAIL, "tcp.refused", milliseconds=4),
)
WORKED = (StageResult(Leg.IMAP, Stage.DNS, Outcome.OK), StageResult(Leg.IMAP, Stage.CAPABILITIES, Outcome.OK))


@pytest.fixture(autouse=True)
def no_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alternatives connect as well; here the connections for the settings themselves are counted."""
    monkeypatch.setattr(alternatives, "may_be_mended", lambda _result: False)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def state(
    flights: ProbeSingleFlight | None = None, addresses: AddressSemaphore | None = None, **more: object
) -> SharedState:
    return SharedState(flights or ProbeSingleFlight(), addresses or AddressSemaphore(), **more)  # type: ignore[arg-type]


async def one_test(
    server: Server, shared: SharedState | None, through: Egress | None = None, password: str = PASSWORD, **plan: object
) -> list[StageResult | Verdict]:
    made = TestPlan(address=ADDRESS, servers=(server,), **plan)  # type: ignore[arg-type]
    results = run_test(made, Secret(password), through or egress(), PatternSet(()), QUICK, shared)
    async with aclosing(results):
        return [result async for result in results]


def outcomes(results: list[StageResult | Verdict]) -> list[str]:
    return [f"{r.stage} {r.outcome} {r.cause or ''}".strip() for r in results if isinstance(r, StageResult)]


async def closing(connection: Connection) -> None:
    """Connects and hangs up, after a while in which others come as well."""
    await asyncio.sleep(0.2)


def run(servers: list[Scripted], work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            await work()

    asyncio.run(main())


# --- one look for all -----------------------------------------------------------------------------------


def test_twenty_who_come_at_once_look_once_at_a_server_that_fails() -> None:
    server = Imap(security=Security.STARTTLS, talk=closing)

    async def work() -> None:
        shared = state()
        runs = await asyncio.gather(*(one_test(server.server(), shared) for _ in range(20)))
        assert server.connections == 1
        assert {tuple(outcomes(results)) for results in runs} == {tuple(outcomes(runs[0]))}
        assert outcomes(runs[0])[3] == "greeting fail greet.closed"
        told = [
            result
            for results in runs
            for result in results
            if isinstance(result, StageResult) and result.details.get(SEEN_AT)
        ]
        assert len(told) == 19
        assert all(result.milliseconds == 0 for result in told)
        again = await one_test(server.server(), shared)  # within the minute
        assert outcomes(again) == outcomes(runs[0])
        assert server.connections == 1
        alone = await one_test(server.server(), None)  # a terminal looks for itself
        assert outcomes(alone) == outcomes(runs[0])
        assert server.connections == 2

    run([server], work)


def test_those_who_waited_for_a_success_connect_for_themselves_two_at_a_time() -> None:
    server = Imap()
    most = 0

    async def watched(connection: Connection) -> None:
        nonlocal most
        most = max(most, server.now_open)
        await Imap.speak(server, connection)

    server.talk = watched

    async def work() -> None:
        shared = state()
        runs = await asyncio.gather(*(one_test(server.server(), shared) for _ in range(8)))
        assert all("mailbox ok" in outcomes(results) for results in runs)
        assert server.logins == server.connections == 8
        assert most == 2
        assert shared.addresses.held("127.0.0.1", server.port) == 0

    run([server], work)


@pytest.mark.parametrize(
    ("server", "ends"),
    [
        (Imap(login=b"NO [AUTHENTICATIONFAILED] no"), "login fail auth.rejected"),
        (Smtp(login=(b"554 5.7.1 Your IP is blocked using spamhaus, anna.kovacs",)), "login ours cross.portal_blocked"),
    ],
)
def test_nothing_with_a_credential_in_it_is_shared(server: Scripted, ends: str) -> None:
    async def work() -> None:
        shared = state()
        for _ in range(2):
            results = await one_test(server.server(), shared)
            assert ends in outcomes(results)
        assert server.logins == 2
        answer = shared.flights.fresh(Endpoint.of(server.server()))
        assert answer is not None
        assert answer.failure is None
        assert {result.stage for result in answer.results} <= set(PUBLIC_STAGES)

    run([server], work)


def test_when_the_first_leaves_the_next_one_looks() -> None:
    server = Imap(talk=closing, security=Security.STARTTLS)

    async def work() -> None:
        shared = state()
        first = asyncio.create_task(one_test(server.server(), shared))
        second = asyncio.create_task(one_test(server.server(), shared))
        while server.connections == 0:  # noqa: ASYNC110 (the server is a stand-in without an event)
            await asyncio.sleep(0.01)
        first.cancel()
        assert "greeting fail greet.closed" in outcomes(await second)
        assert server.connections == 2

    run([server], work)


def test_a_minute_later_somebody_looks_again() -> None:
    async def work() -> None:
        clock = Clock()
        flights = ProbeSingleFlight(clock=clock)
        assert await flights.join_or_lead(ENDPOINT) is None
        flights.resolve(ENDPOINT, FAILED)
        clock.now += 59
        assert (await flights.join_or_lead(ENDPOINT)) is not None
        clock.now += 1
        assert await flights.join_or_lead(ENDPOINT) is None

    asyncio.run(work())


def test_what_is_remembered_is_bounded() -> None:
    flights = ProbeSingleFlight()
    for number in range(2500):
        flights.resolve(replace(ENDPOINT, port=number), FAILED)
    assert flights.fresh(replace(ENDPOINT, port=0)) is None
    assert flights.fresh(replace(ENDPOINT, port=2499)) is not None
    assert len(flights._results) == 2000


@pytest.mark.parametrize("cause", ["limit.deadline", "limit.busy", "unknown.unknown"])
def test_what_only_one_visitor_ran_into_is_not_told_to_others(cause: str) -> None:
    async def work() -> None:
        shared = state()
        probe = LegProbe(shared, ENDPOINT, Leg.IMAP)
        assert await probe.known_failure() == ()
        probe.record(StageResult(Leg.IMAP, Stage.CONNECT, Outcome.FAIL, cause))
        assert shared.flights.fresh(ENDPOINT) is None
        assert await LegProbe(shared, ENDPOINT, Leg.IMAP).known_failure() == ()

    asyncio.run(work())


def test_what_was_cut_out_for_one_visitor_is_not_shown_to_others() -> None:
    said = StageResult(
        Leg.IMAP,
        Stage.GREETING,
        Outcome.FAIL,
        "greet.bye",
        evidence=(Evidence("* BYE [password] off"),),
        details={"a": "b"},
    )
    plain = replace(said, evidence=(Evidence("* BYE off"),))
    assert shareable([said])[0].evidence == ()
    assert shareable([said])[0].details == {}
    assert shareable([plain]) == (plain,)
    later = replace(plain, stage=Stage.LOGIN, article="own")
    assert shareable([later]) == (replace(later, evidence=(), details={}, article=None),)


def test_who_speaks_another_protocol_finds_nothing_out_for_others() -> None:
    """Somebody who typed the IMAP server for SMTP, or a stranger who would like it to look broken."""
    server = Imap()

    async def work() -> None:
        shared = state()
        wrong = await one_test(server.server(protocol=Protocol.SMTP), shared)
        assert "greeting fail greet.wrong_protocol" in outcomes(wrong)
        assert "mailbox ok" in outcomes(await one_test(server.server(), shared))

    run([server], work)


# --- what other processes found ---------------------------------------------------------------------------


def test_a_failure_that_another_process_found_is_shown_and_nothing_is_connected() -> None:
    server = Imap()

    async def work() -> None:
        at = 1_800_000_000.0
        known = ProbeResult(FAILED, at, since=at - 600, is_open=True)
        shared = state(known={Endpoint.of(server.server()): known})
        results = await one_test(server.server(), shared)
        told = next(r for r in results if isinstance(r, StageResult) and r.cause == "tcp.refused")
        assert told.details == {SEEN_AT: "2027-01-15T08:00:00+00:00", SILENT_SINCE: "2027-01-15T07:50:00+00:00"}
        assert server.connections == 0
        assert [r.stage for r in results if isinstance(r, StageResult)][-1] is Stage.FOLDERS
        assert isinstance(results[-1], Verdict)
        assert results[-1].cause == "tcp.refused"

    run([server], work)


class FourAddresses(LoopbackEgress):
    """An egress whose names have four addresses that refuse."""

    async def resolve(self, host: str) -> Resolution:
        return Resolution(host, tuple(IPv4Address(f"127.0.0.{n}") for n in (11, 12, 13, 14)), host)


def test_a_probe_goes_although_the_breaker_is_open_and_tries_two_addresses() -> None:
    server = Imap()
    wanted = replace(server.server(), port=1)
    endpoint = Endpoint.of(wanted)

    async def work() -> None:
        through = FourAddresses(egress().config, egress().limits)
        shared = state(known={endpoint: ProbeResult(FAILED, 0.0, is_open=True)}, half_open=frozenset({endpoint}))
        results = await one_test(wanted, shared, through)
        assert "connect fail tcp.refused" in outcomes(results)
        (connect,) = (one for one in results if isinstance(one, StageResult) and one.stage is Stage.CONNECT)
        assert [attempt.split()[0] for attempt in connect.details["attempts"].split(", ")] == [
            "127.0.0.11",
            "127.0.0.12",
        ]
        assert shared.flights.fresh(endpoint) is not None  # others are told what it found

    run([], work)


@pytest.mark.parametrize(("is_probe", "connections"), [(True, 1), (False, 2)])
def test_a_probe_takes_no_second_look_at_a_silent_server(is_probe: bool, connections: int) -> None:
    """Another visitor's test asks whether it waits for TLS; behind an open breaker nothing more is asked."""
    server = Imap(security=Security.STARTTLS, talk=saying())

    async def work() -> None:
        wanted = server.server()
        endpoint = Endpoint.of(wanted)
        shared = (
            state(known={endpoint: ProbeResult(FAILED, 0.0, is_open=True)}, half_open={endpoint})
            if is_probe
            else state()
        )
        plan, quick = TestPlan(ADDRESS, (wanted,)), replace(QUICK, greeting=0.2)
        through = LoopbackEgress(egress().config, replace(quick, tls=0.2))
        results = [r async for r in run_test(plan, Secret("x"), through, PatternSet(()), quick, shared)]
        assert "greeting fail greet.timeout" in outcomes(results)
        assert server.connections == connections

    run([server], work)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """The servers for which other settings were looked for."""
    searched: list[Server] = []

    async def find(server: Server, *_: object) -> None:
        searched.append(server)

    monkeypatch.setattr(alternatives, "may_be_mended", lambda _result: True)
    monkeypatch.setattr(alternatives, "find_alternative", find)
    return searched


def test_other_settings_are_looked_for_by_the_one_who_looked_only(searches: list[Server]) -> None:
    async def work() -> None:
        server = replace(Imap().server(), port=1)
        shared = state()
        for _ in range(3):
            await one_test(server, shared)
        assert searches == [server]
        endpoint = Endpoint.of(server)
        await one_test(server, state(known={endpoint: ProbeResult(FAILED, 0.0, is_open=True)}))
        await one_test(server, state(half_open=frozenset({endpoint})))  # two addresses, and no more
        assert searches == [server]

    run([], work)


# --- hidden hosts -------------------------------------------------------------------------------------------


def test_a_hidden_host_never_learns_what_others_found_of_the_same_name() -> None:
    async def work() -> None:
        flights = ProbeSingleFlight()
        server = replace(Imap().server(), port=1)
        open_results = await one_test(server, state(flights))
        assert "connect fail tcp.refused" in outcomes(open_results)
        quick = replace(QUICK, connect_total=0.2)
        made = TestPlan(address=ADDRESS, servers=(server,), hidden_hosts=frozenset({HOST}))
        through = LoopbackEgress(egress().config, quick)
        results = [r async for r in run_test(made, Secret("x"), through, PatternSet(()), quick, state(flights))]
        failed = next(r for r in results if isinstance(r, StageResult) and r.outcome is Outcome.FAIL)
        assert (failed.cause, SEEN_AT in failed.details) == ("tcp.timeout", False)
        again = [r async for r in run_test(made, Secret("x"), through, PatternSet(()), quick, state(flights))]
        failed = next(r for r in again if isinstance(r, StageResult) and r.outcome is Outcome.FAIL)
        assert (failed.cause, SEEN_AT in failed.details) == ("tcp.timeout", True)

    run([], work)


# --- addresses ----------------------------------------------------------------------------------------------


def test_an_address_has_two_places_and_a_queue() -> None:
    async def work() -> None:
        addresses = AddressSemaphore(2, seconds=0.05)
        first, second = IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2")
        one = await addresses.acquire([first, second], 993)
        assert "127.0.0.1" in one
        one.keep_only("127.0.0.1")
        two = await addresses.acquire([first], 993)
        with pytest.raises(ChannelFault, match=r"limit\.busy"):
            await addresses.acquire([first], 993)
        other = await addresses.acquire([first, second], 993)  # it goes to the address that has room
        assert ("127.0.0.1" in other, "127.0.0.2" in other) == (False, True)
        assert "127.0.0.1" in await addresses.acquire([first], 465)  # another port is another address
        two.release()
        two.release()
        assert "127.0.0.1" in await addresses.acquire([first], 993)
        assert addresses.held("127.0.0.1", 993) == 2

    asyncio.run(work())


def test_who_came_first_is_let_in_first() -> None:
    async def work() -> None:
        addresses = AddressSemaphore(1, seconds=5)
        address = [IPv4Address("127.0.0.1")]
        order: list[int] = []

        async def visit(number: int) -> None:
            permit = await addresses.acquire(address, 993)
            order.append(number)
            await asyncio.sleep(0)
            permit.release()

        await asyncio.gather(*(visit(number) for number in range(10)))
        assert order == list(range(10))

    asyncio.run(work())


def test_a_test_that_finds_no_room_says_busy_and_blames_nobody() -> None:
    server = Imap()

    async def work() -> None:
        addresses = AddressSemaphore(1, seconds=0.05)
        held = await addresses.acquire([IPv4Address("127.0.0.1")], server.port)
        results = await one_test(server.server(), state(addresses=addresses))
        assert "connect ours limit.busy" in outcomes(results)
        assert server.connections == 0
        held.release()
        assert "mailbox ok" in outcomes(await one_test(server.server(), state(addresses=addresses)))

    run([server], work)


@pytest.mark.parametrize("certificate", ["expired", "self_signed"])
@pytest.mark.parametrize("make", [Imap, Smtp])
def test_a_second_look_at_a_certificate_is_no_second_connection(certificate: str, make: type[Scripted]) -> None:
    server = make(certificate=certificate)
    most = 0

    async def watched(connection: Connection) -> None:
        nonlocal most
        most = max(most, server.now_open)
        await make.speak(server, connection)

    server.talk = watched

    async def work() -> None:
        results = await one_test(server.server(), state())
        assert any("tls fail tls.cert" in line for line in outcomes(results))
        assert most <= 1

    run([server], work)
