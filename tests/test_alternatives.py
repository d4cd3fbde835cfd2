"""Other settings that could have been meant: found without the password, within the deadline, never for hidden hosts."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection import alternatives
from guides.mail.connection.alternatives import candidates, may_be_mended
from guides.mail.connection.channel import Channel
from guides.mail.connection.places import AddressPlaces
from guides.mail.connection.shared import Crowd, SharedLooks
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress, Resolution
from guides.mail.outcomes import Leg, Outcome, StageResult, Verdict
from guides.mail.secret import Secret
from tests.hostile import GREETINGS
from tests.scripted import (
    ADDRESS,
    HOST,
    PASSWORD,
    QUICK,
    Connection,
    Imap,
    LoopbackEgress,
    Pop3,
    Scripted,
    Smtp,
    egress,
    saying,
)

IMAP, POP3, SMTP = Protocol.IMAP, Protocol.POP3, Protocol.SMTP
TLS, STARTTLS = Security.TLS, Security.STARTTLS
BRIEF = replace(QUICK, alternatives=1.0, greeting=0.4)


def verdict_of(
    *servers: Scripted, typed: dict[int, dict[str, object]], known: tuple[int, ...] = (), **plan: object
) -> Verdict:
    """Start the servers, test what was typed instead of their settings, and return the verdict.

    `typed`: position of a server -> what the visitor got wrong; `known`: positions of the provider's own servers.
    """

    async def run() -> Verdict:
        async with AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            made = TestPlan(
                ADDRESS,
                tuple(servers[at].server(**wrong) for at, wrong in typed.items()),
                known_servers=tuple(servers[at].server() for at in known),
                **plan,  # type: ignore[arg-type]
            )
            *_, verdict = [one async for one in run_test(made, Secret(PASSWORD), egress(), PatternSet(), BRIEF)]
            assert isinstance(verdict, Verdict)
            return verdict

    return asyncio.run(run())


@pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])
@pytest.mark.parametrize("right", [TLS, STARTTLS])
def test_the_other_encryption_on_the_same_port(kind: type[Scripted], right: Security) -> None:
    server = kind(security=right)
    wrong = STARTTLS if right is TLS else TLS
    verdict = verdict_of(server, typed={0: {"security": wrong}})
    (found,) = verdict.alternatives
    assert verdict.outcome is Outcome.FAIL
    assert (found.leg, found.instead_of.security, found.server.security) == (Leg(server.protocol), wrong, right)
    assert (found.server.host, found.server.port) == (HOST, server.port)
    assert server.logins == 0
    assert not any(PASSWORD.encode() in line for line in server.heard)


def test_the_providers_own_server_comes_first() -> None:
    typed, own = Imap(greeting=b"* BYE no"), Imap()
    verdict = verdict_of(typed, own, typed={0: {}}, known=(1,))
    assert [found.server.port for found in verdict.alternatives] == [own.port]
    assert (typed.logins, own.logins) == (0, 0)


def test_another_protocols_port() -> None:
    """POP3's port was typed for IMAP: the provider's IMAP server is named, not its POP3 server."""
    pop3, imap = Pop3(), Imap()
    verdict = verdict_of(pop3, imap, typed={0: {"protocol": IMAP}}, known=(0, 1))
    assert [(found.leg, found.server.port) for found in verdict.alternatives] == [(Leg.IMAP, imap.port)]


def test_only_the_legs_that_failed_before_their_login() -> None:
    good, refused = Imap(), Smtp(login=(b"535 5.7.8 no",))
    other = Smtp()
    assert verdict_of(good, refused, other, typed={0: {}, 1: {}}, known=(2,)).alternatives == ()
    assert other.connections == 0


def test_never_for_hidden_hosts() -> None:
    server = Imap()
    typed = {0: {"security": STARTTLS}}
    assert verdict_of(server, typed=typed, known=(0,), hidden_hosts=frozenset({HOST})).alternatives == ()
    assert server.connections <= 2  # the leg's own, and its look at what waits in silence


def test_the_providers_own_host_is_tried_although_the_typed_one_is_hidden() -> None:
    """What is hidden is how a stranger's host answers, not what the visitor's own provider offers."""

    async def run() -> tuple[Verdict, int]:
        async with Imap() as typed, Imap() as beside, Imap(certificate="other_name") as own:
            known = own.server(host="other.example.test")
            plan = TestPlan(
                ADDRESS,
                (typed.server(security=STARTTLS),),
                known_servers=(known, beside.server()),
                hidden_hosts=frozenset({HOST}),
            )
            *_, verdict = [one async for one in run_test(plan, Secret(PASSWORD), egress(), PatternSet(), BRIEF)]
            assert isinstance(verdict, Verdict)
            assert (own.connections, own.logins) == (1, 0)
            return verdict, beside.connections

    verdict, connections = asyncio.run(run())
    assert [found.server.host for found in verdict.alternatives] == ["other.example.test"]
    assert connections == 0  # another port of the hidden host


def test_a_candidate_that_does_not_answer_as_it_should_is_none() -> None:
    """A closed port, a server of another kind, one without a way to sign in, one that says nothing."""
    for other in (Imap(talk=saying()), Imap(greeting=b"220 SMTP"), Imap(capabilities=b"IMAP4rev1 LOGINDISABLED")):
        verdict = verdict_of(Imap(greeting=b"* BYE no"), other, typed={0: {}}, known=(1,))
        assert verdict.alternatives == ()


def test_the_search_has_a_deadline() -> None:
    began = time.monotonic()
    other = Imap(talk=saying(hold=30))
    verdict_of(Imap(greeting=b"* BYE no"), other, typed={0: {}}, known=(1,))
    assert time.monotonic() - began < 4


def test_a_port_that_the_egress_does_not_let_through_is_not_tried() -> None:
    async def run() -> tuple[Verdict, int]:
        async with Imap() as imap, Imap() as other:
            narrow = egress(allowed_ports=frozenset({imap.port}))
            plan = TestPlan(ADDRESS, (imap.server(security=STARTTLS),), known_servers=(other.server(),))
            *_, verdict = [one async for one in run_test(plan, Secret("x"), narrow, PatternSet(), BRIEF)]
            assert isinstance(verdict, Verdict)
            return verdict, other.connections

    verdict, connections = asyncio.run(run())
    assert [found.server.security for found in verdict.alternatives] == [TLS]
    assert connections == 0


# --- how many connections that takes, and how long -------------------------------------------------------


class Counted:
    """Talks of several servers, and how many clients they had at once, all together."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def talk(self, server: Scripted, *, patient: bool = False) -> Scripted:
        """Have the server count, and then speak; or greet, and say no more."""

        async def talk(connection: Connection) -> None:
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                if not patient:
                    await type(server).speak(server, connection)
                    return
                await connection.say(GREETINGS[server.protocol])
                while await connection.reader.read(100):
                    pass
            finally:
                self.now -= 1

        server.talk = talk
        return server


async def run_all(
    typed: list[Server], known: list[Server], through: Egress | None = None, looks: SharedLooks | None = None
) -> Verdict:
    plan = TestPlan(ADDRESS, tuple(typed), known_servers=tuple(known))
    crowd = Crowd(looks or SharedLooks(), AddressPlaces())
    results = run_test(plan, Secret(PASSWORD), through or egress(), PatternSet(), BRIEF, crowd)
    *_, verdict = [one async for one in results]
    assert isinstance(verdict, Verdict)
    return verdict


def test_a_test_with_its_searches_has_no_more_connections_than_legs() -> None:
    """The queue has taken a place for each leg; a server that takes its time must not see one more."""

    async def run() -> None:
        counted = Counted()
        async with AsyncExitStack() as stack:
            kinds: tuple[type[Scripted], ...] = (Imap, Pop3, Smtp)
            typed = [counted.talk(kind(security=STARTTLS), patient=True) for kind in kinds]
            known = [counted.talk(kind(security=STARTTLS), patient=True) for kind in kinds]
            for server in (*typed, *known):
                await stack.enter_async_context(server)
            await run_all([one.server(security=TLS) for one in typed], [one.server() for one in known])
            assert counted.most == 3
            assert all(server.connections for server in (*typed, *known))

    asyncio.run(run())


def test_the_search_waits_until_its_leg_has_hung_up() -> None:
    """It says goodbye where it can, and the server may take its time to answer that."""

    class Slow(Imap):
        async def speak(self, connection: Connection) -> None:
            hear = connection.hear

            async def hear_slowly() -> bytes:
                line = await hear()
                await asyncio.sleep(0.2 if b"LOGOUT" in line else 0)
                return line

            connection.hear = hear_slowly  # type: ignore[method-assign]
            await super().speak(connection)

    async def run() -> None:
        counted = Counted()
        async with AsyncExitStack() as stack:
            typed = counted.talk(Slow(capabilities=b"IMAP4rev1 LOGINDISABLED"))
            right = counted.talk(Imap())
            for server in (typed, right):
                await stack.enter_async_context(server)
            verdict = await run_all([typed.server()], [right.server()])
            assert [found.server.port for found in verdict.alternatives] == [right.port]
            assert b"LOGOUT" in typed.heard[-1]
            assert counted.most == 1

    asyncio.run(run())


class Filtered(LoopbackEgress):
    """An egress behind which some ports say nothing at all."""

    silent: frozenset[int] = frozenset()

    async def connect(self, resolution: Resolution, port: int, *ports: object, **options: object) -> Channel:
        if port in self.silent:
            await asyncio.sleep(30)
        return await super().connect(resolution, port, *ports, **options)  # type: ignore[arg-type]


def test_a_port_that_says_nothing_does_not_use_the_searchs_time_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alternatives, "CONNECT_SECONDS", 0.2)

    async def run() -> None:
        async with Imap(certificate="other_name") as typed, Imap() as silent, Imap() as right:
            through = Filtered(egress().config, BRIEF)
            through.silent = frozenset({silent.port})
            verdict = await run_all([typed.server()], [silent.server(), right.server()], through)
            assert [found.server.port for found in verdict.alternatives] == [right.port]
            assert (silent.connections, right.connections) == (0, 1)

    asyncio.run(run())


def test_what_another_test_has_found_a_moment_ago_is_not_asked_again() -> None:
    async def run() -> None:
        async with Imap(certificate="other_name") as typed, Imap(greeting=b"* BYE no") as wrong, Imap() as right:
            looks = SharedLooks()
            for _ in range(3):
                verdict = await run_all([typed.server()], [wrong.server(), right.server()], looks=looks)
                assert [found.server.port for found in verdict.alternatives] == [right.port]
            assert (wrong.connections, right.connections) == (1, 1)

    asyncio.run(run())


# --- which are tried -------------------------------------------------------------------------------------


def server(
    host: str = "mail.example.net", port: int = 143, security: Security = TLS, protocol: Protocol = IMAP
) -> Server:
    return Server(protocol, host, port, security)


def tried(typed: Server, cause: str, *known: Server, hidden: tuple[str, ...] = ()) -> list[tuple[str, int, str]]:
    plan = TestPlan(ADDRESS, (typed,), known_servers=known, hidden_hosts=frozenset(hidden))
    return [(one.host, one.port, one.security.value) for one in candidates(typed, cause, plan)]


OWN = server("imap.example.net", 993, TLS)
SAME = "mail.example.net"


@pytest.mark.parametrize(
    ("typed", "cause", "expected"),
    [
        (server(), "tls.not_tls", [(SAME, 143, "starttls"), (SAME, 993, "tls")]),
        (server(port=143, security=STARTTLS), "tcp.refused", [(SAME, 993, "tls")]),
        (server(port=993), "tcp.timeout", [(SAME, 143, "starttls")]),
        (server(port=25, protocol=SMTP), "input.port_security",
         [(SAME, 465, "tls"), (SAME, 587, "starttls")]),
        (server(port=995), "greet.wrong_protocol", [(SAME, 993, "tls"), (SAME, 143, "starttls")]),
        (server(port=143, security=STARTTLS), "greet.timeout", [(SAME, 143, "tls"), (SAME, 993, "tls")]),
        (server(), "dns.nxdomain", []),
        (server(), "tls.cert_hostname", []),
        (server(), "input.host_forbidden", []),
    ],
)  # fmt: skip
def test_what_is_tried(typed: Server, cause: str, expected: list[tuple[str, int, str]]) -> None:
    assert tried(typed, cause) == expected
    assert tried(typed, cause, server(protocol=POP3)) == expected  # another protocol's server helps nobody
    if typed.protocol is IMAP:
        assert tried(typed, cause, OWN)[0] == ("imap.example.net", 993, "tls")
    assert tried(typed, cause, hidden=(SAME,)) == []


def failed(cause: str, outcome: Outcome = Outcome.FAIL) -> StageResult:
    from guides.mail.outcomes import Stage

    return StageResult(Leg.IMAP, Stage.CONNECT, outcome, cause)


def test_what_other_settings_cannot_mend() -> None:
    assert may_be_mended(failed("tcp.refused"))
    assert may_be_mended(failed("cap.login_disabled"))
    for cause in ("input.oauth_only", "input.bridge", "input.username_form", "limit.deadline"):
        assert not may_be_mended(failed(cause))
    assert not may_be_mended(failed("cross.portal_blocked", Outcome.OURS))
    assert not may_be_mended(failed("input.port_security", Outcome.WARN))
