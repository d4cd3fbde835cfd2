"""The connection test against real servers: each cause ends its leg at the right stage, with at most one login."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass, replace

import pytest

from guides import runtime
from guides.mail.accounts import Address, Protocol, Security, Server
from guides.mail.connection.limits import Limits
from guides.mail.connection.test import TestPlan, run_test, stages_of
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from tests.lab import Lab, Person, hosts
from tests.lab.people import GONE

pytestmark = pytest.mark.lab

IMAP, POP3, SMTP = Protocol.IMAP, Protocol.POP3, Protocol.SMTP
TLS, STARTTLS = Security.TLS, Security.STARTTLS
ALL = (IMAP, POP3, SMTP)
PATIENT = Limits()
QUICK = Limits(dns=1, connect_each=0.5, connect_total=1, greeting=1, tls=1)  # where the answer never comes


@dataclass(frozen=True)
class Ran:
    """A finished test."""

    results: list[StageResult]
    verdict: Verdict

    def leg(self, protocol: Protocol) -> list[StageResult]:
        return [result for result in self.results if result.leg == protocol.value]

    def end(self, protocol: Protocol) -> StageResult:
        """The stage that decided a leg: the one that is not ok and not blocked, else the last."""
        told = [result for result in self.leg(protocol) if result.outcome not in (Outcome.OK, Outcome.BLOCKED)]
        blocked = [result for result in self.leg(protocol) if result.outcome is Outcome.BLOCKED]
        return (told or blocked or self.leg(protocol))[-1 if told or not blocked else 0]


async def collect(plan: TestPlan, password: str, limits: Limits = PATIENT) -> Ran:
    results = []
    egress = Egress(runtime.egress().config, limits)
    async for result in run_test(plan, Secret(password), egress, PatternSet(), limits):
        if isinstance(result, Verdict):
            return Ran(results, result)
        results.append(result)
    raise AssertionError("no verdict")


def ran(person: Person, *servers: Server, limits: Limits = PATIENT) -> Ran:
    plan = TestPlan(Address.parse(person.address), servers, username=person.login or None)
    return asyncio.run(collect(plan, person.password, limits))


def told(result: StageResult) -> tuple[str, str, str | None]:
    return str(result.stage), str(result.outcome), result.cause


# --- good accounts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", [TLS, STARTTLS])
@pytest.mark.parametrize("name", ["anna", "boris", "clara", "dmitri", "emiko", "short.login"])
def test_good_account(portal_at_lab: Lab, name: str, security: Security) -> None:
    """Passwords with letters of other scripts, blanks at the ends, quotes, backslashes, and 256 characters."""
    lab = portal_at_lab
    servers = [lab.server(protocol, security) for protocol in ALL]
    with lab.counting() as attempts:
        test = ran(lab.people[name], *servers)
    assert attempts == {"imap": 1, "pop3": 1, "smtp": 1}
    # Blanks around a password and letters outside ASCII are worth a word, but the login shows that they are right.
    outcomes = {result.outcome for result in test.results if result.stage is not Stage.INPUT}
    assert outcomes == {Outcome.OK}
    assert test.verdict.outcome in ((Outcome.OK,) if name in ("anna", "dmitri", "emiko", "short.login") else (
        Outcome.OK,
        Outcome.WARN,
    ))  # fmt: skip
    for server in servers:
        stages = test.leg(server.protocol)
        assert tuple(result.stage for result in stages) == stages_of(server)
        assert stages[-1].ip_address == lab.addresses[hosts.MAIL]
        assert stages[-1].port == server.port


# --- accounts that cannot --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """An account, what each leg ends in, and what the whole comes to."""

    person: str
    ends: dict[Protocol, tuple[str, str, str | None]]
    cause: str
    owner: Owner
    attempts: dict[str, int]
    password: str = ""
    name: str = ""


ACCOUNTS = {
    "wrong password": Row(
        "anna",
        {IMAP: ("login", "fail", "auth.rejected"), POP3: ("login", "blocked", None), SMTP: ("login", "blocked", None)},
        "auth.rejected",
        Owner.VISITOR,
        {"imap": 1},
        password="wrong",
    ),
    "unknown user": Row(
        "anna",
        {IMAP: ("login", "fail", "auth.rejected"), POP3: ("login", "blocked", None), SMTP: ("login", "blocked", None)},
        "auth.rejected",
        Owner.VISITOR,
        {"imap": 1},
        name="nobody",
    ),
    "disabled account": Row(
        "closed",
        {
            IMAP: ("login", "fail", "auth.protocol_disabled_by_admin"),
            POP3: ("login", "blocked", None),
            SMTP: ("login", "blocked", None),
        },
        "auth.protocol_disabled_by_admin",
        Owner.ADMIN,
        {"imap": 1},
    ),
    "denied account": Row(  # the server says no more than for a wrong password
        "denied",
        {IMAP: ("login", "fail", "auth.rejected"), POP3: ("login", "blocked", None), SMTP: ("login", "blocked", None)},
        "auth.rejected",
        Owner.VISITOR,
        {"imap": 1},
    ),
    "full mailbox": Row(
        "full",
        {
            IMAP: ("quota", "fail", "mbox.overquota"),
            POP3: ("mailbox", "ok", None),
            SMTP: ("envelope", "fail", "rcpt.full"),
        },
        "mbox.overquota",
        Owner.VISITOR,
        {"imap": 1, "pop3": 1, "smtp": 1},
    ),
    "refused sender": Row(
        "mute",
        {
            IMAP: ("folders", "ok", None),
            POP3: ("mailbox", "ok", None),
            SMTP: ("envelope", "fail", "smtp.sender_generic"),
        },
        "smtp.sender_generic",
        Owner.VISITOR,
        {"imap": 1, "pop3": 1, "smtp": 1},
    ),
    "broken mailbox": Row(
        "broken",
        {
            IMAP: ("mailbox", "fail", "mbox.temp"),
            POP3: ("mailbox", "fail", "mbox.temp"),
            SMTP: ("envelope", "ok", None),
        },
        "mbox.temp",
        Owner.NOBODY,
        {"imap": 1, "pop3": 1, "smtp": 1},
    ),
}


@pytest.mark.parametrize("security", [TLS, STARTTLS])
@pytest.mark.parametrize("title", ACCOUNTS)
def test_account_that_cannot(portal_at_lab: Lab, title: str, security: Security) -> None:
    lab, row = portal_at_lab, ACCOUNTS[title]
    person = lab.people[row.person]
    person = replace(person, password=row.password or person.password, name=row.name or person.name)
    with lab.counting() as attempts:
        test = ran(person, *(lab.server(protocol, security) for protocol in ALL))
    assert {protocol: told(test.end(protocol)) for protocol in ALL} == row.ends
    assert (test.verdict.cause, test.verdict.owner) == (row.cause, row.owner)
    assert attempts == row.attempts


@pytest.mark.parametrize(
    ("protocol", "cause"), [(IMAP, "auth.rejected"), (POP3, "auth.rejected"), (SMTP, "auth.rejected")]
)
def test_wrong_password_on_each_protocol_alone(portal_at_lab: Lab, protocol: Protocol, cause: str) -> None:
    lab = portal_at_lab
    with lab.counting() as attempts:
        test = ran(Person("anna", "wrong"), lab.server(protocol))
    assert told(test.end(protocol)) == ("login", "fail", cause)
    assert test.end(protocol).evidence[0].text
    assert attempts == {str(protocol): 1}


@pytest.mark.parametrize("protocol", [IMAP, POP3])
def test_disabled_account_on_each_protocol_alone(portal_at_lab: Lab, protocol: Protocol) -> None:
    lab = portal_at_lab
    test = ran(lab.people["closed"], lab.server(protocol))
    assert told(test.end(protocol)) == ("login", "fail", "auth.protocol_disabled_by_admin")
    assert "Login disabled for this user" in test.end(protocol).evidence[0].text


@pytest.mark.parametrize(
    ("name", "protocol", "cause"), [("no.pop3", POP3, "cross.pop3_off"), ("no.smtp", SMTP, "cross.smtp_off")]
)
def test_protocol_that_is_shut(portal_at_lab: Lab, name: str, protocol: Protocol, cause: str) -> None:
    """The right password is refused by one protocol alone: the other leg shows that it is right."""
    lab = portal_at_lab
    test = ran(lab.people[name], lab.server(IMAP), lab.server(protocol))
    assert told(test.end(IMAP)) == ("folders", "ok", None)
    assert told(test.end(protocol)) == ("login", "fail", "auth.rejected")
    assert test.verdict.cause == cause


def test_sender_that_is_not_owned(portal_at_lab: Lab) -> None:
    """Postfix lets people send from their own address only; here Anna signs in and sends as Boris."""
    lab = portal_at_lab
    anna = lab.people["anna"]
    plan = TestPlan(Address.parse("boris@lab.test"), (lab.server(SMTP),), username=anna.username)
    test = asyncio.run(collect(plan, anna.password))
    assert told(test.end(SMTP)) == ("envelope", "fail", "smtp.sender_not_owned")


def test_recipient_that_is_unknown(portal_at_lab: Lab) -> None:
    lab = portal_at_lab
    anna = lab.people["anna"]
    for address, cause in ((GONE, "rcpt.unknown"), ("nobody@lab.test", "smtp.sender_not_owned")):
        plan = TestPlan(Address.parse(address), (lab.server(SMTP),), username=anna.username)
        test = asyncio.run(collect(plan, anna.password))
        assert told(test.end(SMTP)) == ("envelope", "fail", cause)  # Postfix judges the sender first
        assert test.verdict.cause == cause


# --- hosts and connections -------------------------------------------------------------------------------

CERTIFICATES = {
    hosts.EXPIRED: "tls.cert_expired",
    hosts.NOT_YET: "tls.cert_not_yet",
    hosts.SELF_SIGNED: "tls.cert_self_signed",
    hosts.WRONG_NAME: "tls.cert_hostname",
    hosts.UNKNOWN_CA: "tls.unknown_ca",
    hosts.INCOMPLETE: "tls.chain_incomplete",
}


@pytest.mark.parametrize("security", [TLS, STARTTLS])
@pytest.mark.parametrize("host", CERTIFICATES, ids=lambda host: host.labels[0])
def test_faulty_certificate(portal_at_lab: Lab, host: hosts.Host, security: Security) -> None:
    lab = portal_at_lab
    with lab.counting() as attempts:
        test = ran(lab.people["anna"], *(lab.server(protocol, security, host) for protocol in ALL))
    expected = ("tls", "fail", CERTIFICATES[host])
    assert {protocol: told(test.end(protocol)) for protocol in ALL} == dict.fromkeys(ALL, expected)
    assert test.verdict.cause == CERTIFICATES[host]
    assert attempts == {}
    assert lab.connections(host) == []


NAMES = {
    "nowhere": "dns.nxdomain",
    "dangling": "dns.nxdomain",
    "noaddress": "dns.no_address",
    "servfail": "dns.servfail",
    "dnsmute": "dns.timeout",
    "private": "dns.forbidden_address",
    "mixed": "dns.forbidden_address",
    "metadata": "dns.forbidden_address",
    "loopback6": "dns.forbidden_address",
    "mapped": "dns.forbidden_address",
    "sixtofour": "dns.forbidden_address",
}


@pytest.mark.parametrize("label", NAMES)
def test_name_that_leads_nowhere(portal_at_lab: Lab, label: str) -> None:
    lab = portal_at_lab
    with lab.counting() as attempts:
        test = ran(lab.people["anna"], *(lab.server(protocol, host=f"{label}.lab.test") for protocol in ALL))
    expected = ("dns", "fail", NAMES[label])
    assert {protocol: told(test.end(protocol)) for protocol in ALL} == dict.fromkeys(ALL, expected)
    assert attempts == {}


@pytest.mark.parametrize(("label", "cause"), [("loop", "dns.servfail"), ("chain0", "dns.servfail")])
def test_endless_aliases_end(portal_at_lab: Lab, label: str, cause: str) -> None:
    lab = portal_at_lab
    test = ran(lab.people["anna"], lab.server(IMAP, host=f"{label}.lab.test"))
    assert told(test.end(IMAP)) == ("dns", "fail", cause)


def test_name_with_a_thousand_addresses(portal_at_lab: Lab) -> None:
    """Two of them are tried; the test ends as for any host that does not answer there."""
    lab = portal_at_lab
    began = time.monotonic()
    test = ran(lab.people["anna"], lab.server(IMAP, host="many.lab.test"))
    assert told(test.end(IMAP)) == ("connect", "fail", "tcp.refused")
    assert test.end(IMAP).details["attempts"].count("refused") == 2
    assert time.monotonic() - began < 8


def test_name_that_is_an_alias(portal_at_lab: Lab) -> None:
    """The certificate must hold the name that the visitor typed; where it leads to does not matter."""
    lab = portal_at_lab
    test = ran(lab.people["anna"], lab.server(IMAP, host="alias.lab.test"))
    assert told(test.end(IMAP)) == ("tls", "fail", "tls.cert_hostname")


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize(
    ("host", "security", "expected"),
    [
        (hosts.CLOSED, TLS, ("connect", "fail", "tcp.refused")),
        (hosts.CLOSED, STARTTLS, ("connect", "fail", "tcp.refused")),
        (hosts.BLACK_HOLE, TLS, ("connect", "fail", "tcp.timeout")),
        (hosts.HANG_UP, TLS, ("tls", "fail", "tls.eof")),
        (hosts.HANG_UP, STARTTLS, ("greeting", "fail", "greet.closed")),
        (hosts.SILENT, TLS, ("tls", "fail", "tls.handshake_timeout")),
        (hosts.SILENT, STARTTLS, ("greeting", "fail", "greet.timeout")),
        (hosts.PLAIN, STARTTLS, ("tls", "fail", "tls.starttls_missing")),
        (hosts.PLAIN, TLS, None),  # Dovecot closes, Postfix does not listen there
    ],
)
def test_host_that_cannot(
    portal_at_lab: Lab, host: hosts.Host, security: Security, expected: tuple[str, str, str] | None, protocol: Protocol
) -> None:
    lab = portal_at_lab
    with lab.counting() as attempts:
        test = ran(lab.people["anna"], lab.server(protocol, security, host), limits=QUICK)
    if expected is None:
        expected = ("connect", "fail", "tcp.refused") if protocol is SMTP else ("tls", "fail", "tls.eof")
    assert told(test.end(protocol)) == expected
    assert test.verdict.cause == expected[2]
    assert attempts == {}


@pytest.mark.parametrize("protocol", ALL)
def test_tls_on_a_clear_port_and_the_reverse(portal_at_lab: Lab, protocol: Protocol) -> None:
    lab = portal_at_lab
    with lab.counting() as attempts:
        swapped = lab.server(protocol, TLS, port=lab.port(protocol, STARTTLS))
        assert told(ran(lab.people["anna"], swapped).end(protocol)) == ("tls", "fail", "tls.not_tls")
        swapped = lab.server(protocol, STARTTLS, port=lab.port(protocol, TLS))
        test = ran(lab.people["anna"], swapped, limits=QUICK)
        assert told(test.end(protocol)) == ("greeting", "fail", "tls.tls_on_plain")
    assert attempts == {}


@pytest.mark.parametrize(("protocol", "spoken"), [(IMAP, SMTP), (POP3, IMAP), (SMTP, POP3)])
def test_another_protocol_on_the_port(portal_at_lab: Lab, protocol: Protocol, spoken: Protocol) -> None:
    lab = portal_at_lab
    test = ran(lab.people["anna"], lab.server(protocol, port=lab.port(spoken, TLS)))
    assert told(test.end(protocol)) == ("greeting", "fail", "greet.wrong_protocol")


def test_port_that_is_not_for_mail(portal_at_lab: Lab) -> None:
    lab = portal_at_lab
    test = ran(lab.people["anna"], replace(lab.server(IMAP), port=lab.ports.dns))
    assert test.end(IMAP).stage is Stage.INPUT
    assert test.end(IMAP).outcome is Outcome.FAIL


@pytest.mark.parametrize("protocol", ALL)
def test_server_that_repeats_the_password(
    portal_at_lab: Lab, protocol: Protocol, caplog: pytest.LogCaptureFixture
) -> None:
    lab = portal_at_lab
    before = len(lab.odd.heard)
    with caplog.at_level(logging.DEBUG):
        test = ran(Person("anna", "tr0ub4dor&3 tr0ub4dor"), lab.server(protocol, host=hosts.ECHO))
    assert told(test.end(protocol)) == ("login", "fail", "auth.rejected")
    assert len(lab.odd.heard) > before
    assert test.end(protocol).evidence  # words came back, without what was taken out of them
    for text in (repr(test), caplog.text):
        assert "tr0ub4dor" not in text


# --- leaving ---------------------------------------------------------------------------------------------


def await_no_connections(lab: Lab, host: hosts.Host, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while lab.connections(host):
        assert time.monotonic() < deadline, lab.connections(host)
        time.sleep(0.01)


def test_sockets_are_closed_after_a_test(portal_at_lab: Lab) -> None:
    ran(portal_at_lab.people["anna"], *(portal_at_lab.server(protocol) for protocol in ALL))
    await_no_connections(portal_at_lab, hosts.MAIL, 1)


@pytest.mark.parametrize("after", [Stage.CONNECT, Stage.CAPABILITIES, Stage.LOGIN])
def test_leaving_closes_the_sockets(portal_at_lab: Lab, after: Stage) -> None:
    """The visitor leaves in the middle: within a second the servers hold no connection of ours."""
    lab = portal_at_lab
    person = lab.people["anna"]
    plan = TestPlan(Address.parse(person.address), tuple(lab.server(protocol) for protocol in ALL))

    async def leave() -> None:
        results = run_test(plan, Secret(person.password), runtime.egress(), PatternSet())
        async with aclosing(results):
            async for result in results:
                if isinstance(result, StageResult) and (result.leg, result.stage) == (Leg.IMAP, after):
                    assert lab.connections(hosts.MAIL)
                    return

    asyncio.run(leave())
    await_no_connections(lab, hosts.MAIL, 1)


def test_cancelling_a_wait_closes_the_sockets(portal_at_lab: Lab) -> None:
    """The server says nothing at all, so the test is in the middle of a read when the visitor leaves."""
    lab = portal_at_lab
    person = lab.people["anna"]
    plan = TestPlan(
        Address.parse(person.address), tuple(lab.server(protocol, STARTTLS, hosts.SILENT) for protocol in ALL)
    )

    async def wait_and_cancel() -> float:
        task = asyncio.create_task(collect(plan, person.password))
        while len(lab.connections(hosts.SILENT)) < 3:  # noqa: ASYNC110 (the kernel raises no event)
            await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return began

    began = asyncio.run(wait_and_cancel())
    await_no_connections(lab, hosts.SILENT, 1 - (time.monotonic() - began))


def test_stages_come_as_they_end(portal_at_lab: Lab) -> None:
    """The first stages of a leg are there while a later one still waits for a silent server."""
    lab = portal_at_lab
    person = lab.people["anna"]
    plan = TestPlan(Address.parse(person.address), (lab.server(IMAP, STARTTLS, hosts.SILENT),))

    async def watch() -> dict[Stage, float]:
        began = time.monotonic()
        seen: dict[Stage, float] = {}
        results = run_test(plan, Secret(person.password), runtime.egress(), PatternSet(), replace(QUICK, greeting=2))
        async with aclosing(results):
            async for result in results:
                if isinstance(result, StageResult):
                    seen[result.stage] = time.monotonic() - began
        return seen

    seen = asyncio.run(watch())
    assert seen[Stage.CONNECT] < 0.5
    assert seen[Stage.GREETING] >= 2
