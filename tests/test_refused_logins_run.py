"""Limits of refused logins in whole tests: what servers see, whatever a visitor does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing

import pytest
from django.db import connection
from django.test import Client, override_settings

from guides.limits import refused_logins
from guides.limits.address_semaphore import AddressSemaphore
from guides.limits.single_flight import ProbeSingleFlight
from guides.mail.accounts import Protocol, Security
from guides.mail.connection.probes import SharedState
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import Outcome, Stage, StageResult
from guides.mail.secret import Secret
from tests.lab import Lab
from tests.scripted import ADDRESS, PASSWORD, QUICK, Connection, Imap, Pop3, Scripted, Smtp, egress

REFUSING_IMAP = {"login": b"NO [AUTHENTICATIONFAILED] no"}
REFUSING_POP3 = {"login": b"-ERR [AUTH] no"}
REFUSING_SMTP = {"login": (b"535 5.7.8 no",)}


def run(servers: list[Scripted], work: Callable[[SharedState], Awaitable[None]]) -> None:
    async def started() -> None:
        async with AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            semaphore = AddressSemaphore(each=100)
            await work(SharedState(ProbeSingleFlight(), semaphore, login_limit=refused_logins.attempt))

    with override_settings(LIMIT_QUEUE_SECONDS=0):
        asyncio.run(started())


async def logins_of(servers: list[Scripted], shared: SharedState, username: str | None = None) -> list[StageResult]:
    """The results of the logins of one test."""
    plan = TestPlan(ADDRESS, tuple(server.server() for server in servers), username=username)
    async with aclosing(run_test(plan, Secret(PASSWORD), egress(), PatternSet(()), QUICK, shared)) as results:
        return [one async for one in results if isinstance(one, StageResult) and one.stage is Stage.LOGIN]


def test_the_third_wrong_password_is_not_sent() -> None:
    server = Imap(**REFUSING_IMAP)

    async def work(shared: SharedState) -> None:
        results = [(await logins_of([server], shared))[0] for _ in range(3)]
        assert [result.cause for result in results] == ["auth.rejected", "auth.rejected", "limit.busy"]
        assert results[-1].outcome is Outcome.OURS
        assert server.logins == 2

    run([server], work)


def test_an_own_server_that_accepts_all_opens_no_more_logins_at_others() -> None:
    """The other legs log in side by side once one was accepted."""
    servers = [Imap(), Pop3(**REFUSING_POP3), Smtp(**REFUSING_SMTP)]

    async def work(shared: SharedState) -> None:
        await asyncio.gather(*(logins_of(servers, shared) for _ in range(6)))
        assert servers[1].logins + servers[2].logins <= 2

    run(servers, work)


def test_twenty_visitors_with_other_mailboxes_at_once_get_four_refusals_of_three_protocols() -> None:
    servers = [Imap(**REFUSING_IMAP), Pop3(**REFUSING_POP3), Smtp(**REFUSING_SMTP)]

    async def work(shared: SharedState) -> None:
        await asyncio.gather(*(logins_of([servers[n % 3]], shared, f"user{n}@example.test") for n in range(20)))
        assert sum(server.logins for server in servers) == 4

    run(servers, work)


@pytest.mark.parametrize("seconds", [1.0, None])
def test_a_server_that_waits_with_its_refusal_counts_all_the_same(seconds: float | None) -> None:
    """A visitor who closes the page meanwhile, or whose test ends, has seen no result; the server goes on to refuse."""

    async def talk(connection: Connection) -> None:
        await connection.say(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready")
        while b"AUTHENTICATE" not in (line := await connection.hear()):
            await connection.say(b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN", line.split()[0] + b" OK done")
        server.logins += 1
        if seconds is None:
            return  # it hangs up instead
        await asyncio.sleep(60)

    server = Imap(talk=talk)

    async def work(shared: SharedState) -> None:
        for _ in range(4):
            task = asyncio.create_task(logins_of([server], shared))
            await asyncio.wait([task], timeout=seconds or 5)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert server.logins == 2

    run([server], work)


# --- one Dovecot behind many names, through the page ------------------------------------------------------------------


def post(lab: Lab, number: int, language: str, label: str, username: str) -> None:
    """One visitor's test of two legs, with a wrong password."""
    form = {"address": f"x{number}@lab.test", "username": username, "password": "wrong", "anyway": "on"}
    for protocol in (Protocol.IMAP, Protocol.POP3, Protocol.SMTP):
        if protocol is Protocol.IMAP or number % 2:
            port = lab.port(protocol, Security.TLS)
            form |= {
                f"{protocol}_host": f"{label}.lab.test",
                f"{protocol}_port": str(port),
                f"{protocol}_security": "tls",
            }
    try:
        Client(REMOTE_ADDR=f"192.0.2.{number + 1}").post(f"/{language}/test/", form)
    finally:
        connection.close()


def all_at_once(lab: Lab, usernames: list[str]) -> int:
    """The refused logins that Dovecot saw, for itself and for Postfix, when a visitor comes with each of these names."""
    before = len(lab.attempts())
    labels, languages = ("imap", "pop", "smtp", "mail"), ("en", "ja", "ru")
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(post, lab, number, languages[number % 3], labels[number % 4], username)
            for number, username in enumerate(usernames)
        ]
        for job in jobs:
            job.result()
    return sum(not attempt.success for attempt in lab.attempts()[before:])


@pytest.mark.lab
@pytest.mark.django_db(transaction=True)
@override_settings(LIMIT_QUEUE_SECONDS=1)
def test_one_dovecot_behind_four_names_sees_two_refused_logins_of_a_mailbox(portal_at_lab: Lab) -> None:
    names = ["anna@lab.test", "anna", "ANNA@lab.test", "Anna@Lab.Test"]
    assert all_at_once(portal_at_lab, names * 4) == 2


@pytest.mark.lab
@pytest.mark.django_db(transaction=True)
@override_settings(LIMIT_QUEUE_SECONDS=1)
def test_one_dovecot_behind_four_names_sees_four_refused_logins_of_all_visitors(portal_at_lab: Lab) -> None:
    assert all_at_once(portal_at_lab, [f"user{number}@lab.test" for number in range(16)]) == 4
