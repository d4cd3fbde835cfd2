"""The whole connection test: legs side by side, one password tried at a time, the verdict, and nothing given away."""

import asyncio
import logging
import time
from base64 import b64encode
from contextlib import aclosing
from dataclasses import replace
from urllib.parse import quote

import pytest

from guides.mail.accounts import AuthMethod, PasswordKind, Protocol, Security, Server, UsernameForm
from guides.mail.connection.test import TestPlan, run_test, stages_of
from guides.mail.connection.verdict import verdict
from guides.mail.diagnosis.classes import CLASSES, owner_of
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.network import Resolution
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.mail.secret import Secret
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
    run_against,
    saying,
)


def three(**imap: object) -> tuple[Imap, Pop3, Smtp]:
    return Imap(**imap), Pop3(), Smtp()  # type: ignore[arg-type]


def logins(*servers: Scripted) -> int:
    return sum(server.logins for server in servers)


# --- order of logins -----------------------------------------------------------------------------------


def test_it_works_with_three_legs() -> None:
    servers = three()
    ran = run_against(*servers)
    assert ran.verdict.outcome is Outcome.OK
    assert ran.verdict.legs == {Leg.IMAP: "ok", Leg.POP3: "ok", Leg.SMTP: "ok"}
    assert (ran.verdict.cause, ran.verdict.owner, ran.verdict.leg) == (None, None, None)
    assert [server.logins for server in servers] == [1, 1, 1]


def test_a_wrong_password_is_tried_once_in_the_whole_test() -> None:
    refusal = b"NO [AUTHENTICATIONFAILED] no"
    servers = Imap(login=refusal), Pop3(login=b"-ERR no"), Smtp(login=(b"535 5.7.8 no",))
    ran = run_against(*servers)
    assert logins(*servers) == 1
    assert ran.last(Leg.IMAP).cause == "auth.rejected"
    assert ran.outcomes(Leg.SMTP)[-3:] == ["capabilities ok", "login blocked", "envelope blocked"]
    assert ran.outcomes(Leg.POP3)[-2:] == ["login blocked", "mailbox blocked"]
    assert ran.verdict.outcome is Outcome.FAIL
    assert (ran.verdict.cause, ran.verdict.leg) == ("auth.rejected", Leg.IMAP)
    assert ran.verdict.legs == {Leg.IMAP: "fail", Leg.POP3: "blocked", Leg.SMTP: "blocked"}


def test_without_imap_too() -> None:
    servers = Pop3(login=b"-ERR [AUTH] no"), Smtp(login=(b"535 5.7.8 no",))
    ran = run_against(*servers)
    assert logins(*servers) == 1
    assert ran.verdict.cause == "auth.rejected"


def test_imap_goes_first_even_when_it_is_slow() -> None:
    async def slow(connection: Connection) -> None:
        await asyncio.sleep(0.4)
        await imap.speak(connection)

    imap = Imap(talk=slow, login=b"NO [AUTHENTICATIONFAILED] no")
    smtp = Smtp()
    run_against(imap, smtp)
    assert (imap.logins, smtp.logins) == (1, 0)


@pytest.mark.parametrize("greeting", [b"* BYE no", b"220 wrong"])
def test_when_imap_fails_before_its_login_the_next_one_tries(greeting: bytes) -> None:
    servers = Imap(greeting=greeting), Smtp(login=(b"535 5.7.8 no",))
    ran = run_against(*servers)
    assert ran.last(Leg.SMTP).cause == "auth.rejected"
    assert (ran.verdict.cause, ran.verdict.leg) == ("auth.rejected", Leg.SMTP)  # outranks the greeting


def test_a_passing_trouble_at_imap_does_not_stop_the_others() -> None:
    servers = Imap(login=b"NO [UNAVAILABLE] Authentication failed"), Smtp()
    ran = run_against(*servers)
    assert ran.verdict.legs == {Leg.IMAP: "fail", Leg.SMTP: "ok"}
    assert ran.verdict.cause == "auth.temp_unavailable"


def test_waiting_for_another_leg_does_not_use_up_ones_own_time() -> None:
    async def slow(connection: Connection) -> None:
        await connection.say(b"* OK [CAPABILITY IMAP4rev1] ready")
        await connection.hear()
        await asyncio.sleep(1.2)
        await connection.say(b"a1 NO [UNAVAILABLE] later")

    smtp = Smtp()
    ran = run_against(Imap(talk=slow), smtp, limits=replace(QUICK, leg=1.5))
    assert ran.verdict.legs[Leg.SMTP] is Outcome.OK
    assert ran.stage(Leg.SMTP, Stage.LOGIN).milliseconds < 1000


# --- the verdict ---------------------------------------------------------------------------------------


def test_imap_ok_and_smtp_refused_is_smtp_switched_off() -> None:
    ran = run_against(Imap(), Smtp(login=(b"535 5.7.8 Error: authentication failed",)))
    assert ran.last(Leg.SMTP).cause == "auth.rejected"
    assert (ran.verdict.cause, ran.verdict.leg) == ("cross.smtp_off", Leg.SMTP)
    assert ran.verdict.owner is owner_of("cross.smtp_off")


def test_words_that_say_more_than_the_comparison_stand() -> None:
    said = b"535 5.7.139 SmtpClientAuthentication is disabled for the Mailbox."
    assert run_against(Imap(), Smtp(login=(said,))).verdict.cause == "auth.smtp_auth_disabled"


def test_imap_refused_and_smtp_ok_is_imap_switched_off() -> None:
    ran = run_against(Imap(login=b"NO [AUTHORIZATIONFAILED] no"), Smtp())
    assert ran.verdict.cause == "cross.imap_off"


def test_pop3_refused_and_imap_ok_is_pop3_switched_off() -> None:
    assert run_against(Imap(), Pop3(login=b"-ERR [AUTH] no")).verdict.cause == "cross.pop3_off"


def test_a_space_at_the_passwords_end_explains_a_plain_refusal() -> None:
    password = PASSWORD + " "
    ran = run_against(Imap(login=b"NO no"), password=password)
    assert ran.outcomes(Leg.IMAP)[0] == "input warn input.password_space"
    assert ran.verdict.cause == "input.password_space"
    assert run_against(Imap(), password=password).verdict.outcome is Outcome.WARN


def test_a_password_of_another_shape_was_the_accounts_own() -> None:
    settings = {"kind": PasswordKind.APP_PASSWORD, "password_pattern": "[a-z]{16}"}
    refusing = run_against(Imap(login=b"NO no"), **settings)  # type: ignore[arg-type]
    assert refusing.outcomes(Leg.IMAP)[0] == "input warn input.password_shape"
    assert refusing.verdict.cause == "cross.account_password_used"
    right = run_against(Imap(login=b"NO no"), password="abcdefghijklmnop", **settings)  # type: ignore[arg-type]
    assert right.verdict.cause == "auth.rejected"


def test_the_portals_address_is_not_welcome() -> None:
    ran = run_against(Smtp(greeting=b"554 5.7.1 Your IP is listed by Spamhaus"))
    assert ran.verdict.outcome is Outcome.OURS
    assert (ran.verdict.cause, ran.verdict.owner) == ("cross.portal_blocked", Owner.PORTAL)


def result(leg: Leg, stage: Stage, outcome: Outcome, cause: str | None = None) -> StageResult:
    return StageResult(leg, stage, outcome, cause, owner_of(cause) if cause else None)


@pytest.mark.parametrize(
    ("first", "second", "cause"),
    [
        ((Stage.DNS, "dns.nxdomain"), (Stage.LOGIN, "auth.locked"), "auth.locked"),
        ((Stage.CONNECT, "tcp.refused"), (Stage.TLS, "tls.cert_expired"), "tls.cert_expired"),
        ((Stage.CONNECT, "tcp.refused"), (Stage.CONNECT, "tcp.timeout"), "tcp.refused"),
        ((Stage.TLS, "tls.eof"), (Stage.ENVELOPE, "rcpt.full"), "rcpt.full"),
        ((Stage.QUOTA, "mbox.overquota"), (Stage.ENVELOPE, "rcpt.full"), "mbox.overquota"),
    ],
)
def test_the_most_telling_failure_speaks(first: tuple[Stage, str], second: tuple[Stage, str], cause: str) -> None:
    results = [result(Leg.IMAP, first[0], Outcome.FAIL, first[1]), result(Leg.SMTP, second[0], Outcome.FAIL, second[1])]
    assert verdict(results, 1).cause == cause


@pytest.mark.parametrize(
    ("imap", "smtp", "cause"),
    [
        ("auth.rejected", "auth.smtp_auth_disabled", "auth.smtp_auth_disabled"),
        ("auth.locked", "auth.app_password_required", "auth.app_password_required"),
        ("auth.temp_unavailable", "auth.policy", "auth.policy"),
        ("auth.temp_unavailable", "auth.locked", "auth.locked"),
        ("auth.username_unknown", "auth.temp_unavailable", "auth.temp_unavailable"),
        ("auth.rejected", "auth.username_unknown", "auth.username_unknown"),
        ("auth.rejected", "auth.expired_password", "auth.expired_password"),
        ("auth.policy", "auth.policy", "auth.policy"),
    ],
)
def test_the_order_of_causes(imap: str, smtp: str, cause: str) -> None:
    results = [result(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, imap), result(Leg.SMTP, Stage.LOGIN, Outcome.FAIL, smtp)]
    assert verdict(results, 1).cause == cause


def test_a_user_name_of_another_form_explains_a_plain_refusal() -> None:
    odd = result(Leg.IMAP, Stage.INPUT, Outcome.WARN, "input.username_form")
    refused = result(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, "auth.rejected")
    assert verdict([odd, refused], 1).cause == "input.username_form"
    locked = result(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, "auth.locked")
    assert verdict([odd, locked], 1).cause == "auth.locked"


@pytest.mark.parametrize(
    ("typed", "also", "refusal", "cause"),
    [
        ("input.password_space", "", "auth.app_password_required", "input.password_space"),
        ("input.password_space", "", "auth.authcode_required", "input.password_space"),
        ("input.password_space", "input.username_form", "auth.username_unknown", "input.password_space"),
        ("input.username_form", "", "auth.username_unknown", "input.username_form"),
        ("input.nonascii_password", "", "auth.rejected", "input.nonascii_password"),
        ("input.nonascii_password", "input.username_form", "auth.rejected", "input.username_form"),
        ("input.password_shape", "input.nonascii_password", "auth.rejected", "input.nonascii_password"),
        ("input.password_shape", "", "auth.rejected", "cross.account_password_used"),
        ("input.password_shape", "", "auth.app_password_required", "auth.app_password_required"),
        ("input.password_shape", "", "auth.username_unknown", "auth.username_unknown"),
        ("input.password_space", "", "auth.protocol_disabled", "auth.protocol_disabled"),
        ("input.password_space", "", "auth.temp_unavailable", "auth.temp_unavailable"),
    ],
)
def test_input_comes_before_what_it_explains(typed: str, also: str, refusal: str, cause: str) -> None:
    warned = replace(result(Leg.IMAP, Stage.INPUT, Outcome.WARN, typed), details={"also": also} if also else {})
    refused = result(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, refusal)
    assert (verdict([warned, refused], 1).cause, verdict([warned, refused], 1).owner) == (cause, owner_of(cause))


def test_input_that_another_server_took_explains_nothing() -> None:
    legs = [
        result(leg, stage, outcome, cause)
        for leg, refusal in ((Leg.IMAP, None), (Leg.SMTP, "auth.app_password_required"))
        for stage, outcome, cause in (
            (Stage.INPUT, Outcome.WARN, "input.password_space"),
            (Stage.LOGIN, Outcome.FAIL if refusal else Outcome.OK, refusal),
        )
    ]
    assert verdict(legs, 1).cause == "auth.app_password_required"


@pytest.mark.parametrize(
    ("first", "second", "cause", "owner"),
    [
        (
            (Stage.LOGIN, Outcome.UNCLEAR, "unknown.unknown"),
            (Stage.CONNECT, Outcome.FAIL, "tcp.refused"),
            "unknown.unknown",
            Owner.PROVIDER,
        ),
        (
            (Stage.LOGIN, Outcome.OURS, "cross.portal_blocked"),
            (Stage.CONNECT, Outcome.FAIL, "tcp.refused"),
            "cross.portal_blocked",
            Owner.PORTAL,
        ),
        (
            (Stage.LOGIN, Outcome.OURS, "unknown.unknown"),
            (Stage.CONNECT, Outcome.FAIL, "tcp.refused"),
            "unknown.unknown",
            Owner.PORTAL,
        ),
        (
            (Stage.LOGIN, Outcome.OURS, "unknown.unknown"),
            (Stage.LOGIN, Outcome.FAIL, "auth.rejected"),
            "auth.rejected",
            Owner.VISITOR,
        ),
        (
            (Stage.LOGIN, Outcome.OURS, "cross.portal_blocked"),
            (Stage.LOGIN, Outcome.FAIL, "auth.rejected"),
            "cross.portal_blocked",
            Owner.PORTAL,
        ),
        (
            (Stage.GREETING, Outcome.OURS, "cross.portal_blocked"),
            (Stage.LOGIN, Outcome.FAIL, "auth.rejected"),
            "auth.rejected",
            Owner.VISITOR,
        ),
    ],
)
def test_the_stage_decides_before_the_outcome(
    first: tuple[Stage, Outcome, str], second: tuple[Stage, Outcome, str], cause: str, owner: Owner
) -> None:
    results = [result(Leg.IMAP, *first), result(Leg.SMTP, *second)]
    judged = verdict(results, 1)
    assert (judged.cause, judged.owner) == (cause, owner)
    assert (judged.outcome is Outcome.OURS) is (owner is Owner.PORTAL)
    assert verdict(results[::-1], 1).cause == cause


def test_login_ok_and_mailbox_refused_is_a_protocol_that_is_switched_off() -> None:
    ran = run_against(Pop3(stat=b"-ERR [SYS/PERM] Your account is not enabled for POP access."), Imap())
    assert (ran.verdict.cause, ran.verdict.leg) == ("mbox.not_enabled_after_login", Leg.POP3)
    ran = run_against(Imap(examine=b"BAD User is authenticated but not connected."), Smtp())
    assert ran.verdict.cause == "mbox.not_enabled_after_login"


def test_what_was_left_out_says_nothing() -> None:
    left_out = result(Leg.IMAP, Stage.IDENTITY, Outcome.SKIPPED)
    fine = result(Leg.IMAP, Stage.LOGIN, Outcome.OK)
    assert verdict([left_out, fine], 1).legs == {Leg.IMAP: Outcome.OK}


def test_a_failure_outranks_a_warning_and_a_warning_is_no_failure() -> None:
    warned = result(Leg.IMAP, Stage.MAILBOX, Outcome.WARN, "mbox.overquota")
    assert verdict([warned], 1).outcome is Outcome.WARN
    failed = result(Leg.SMTP, Stage.DNS, Outcome.FAIL, "dns.timeout")
    assert verdict([warned, failed], 1).cause == "dns.timeout"


# --- input ---------------------------------------------------------------------------------------------


def server(**changes: object) -> Server:
    settings: dict[str, object] = {
        "protocol": Protocol.IMAP, "host": HOST, "port": 993, "security": Security.TLS
    }  # fmt: skip
    return Server(**(settings | changes))  # type: ignore[arg-type]


class ClosedEgress(LoopbackEgress):
    """Nothing may go through it."""

    async def resolve(self, host: str) -> Resolution:
        raise AssertionError("the input alone should have ended this")


def first_stage(at: Server, *, open_egress: bool = False, **plan: object) -> StageResult:
    async def run() -> StageResult:
        through = egress() if open_egress else ClosedEgress(egress().config)
        made = TestPlan(ADDRESS, (at,), **plan)  # type: ignore[arg-type]
        async with aclosing(run_test(made, Secret(PASSWORD), through, PatternSet(), QUICK)) as results:
            async for one in results:
                assert isinstance(one, StageResult)
                return one
        raise AssertionError

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("at", "plan", "cause"),
    [
        (server(security=Security.NONE, port=143), {}, "input.port_security"),
        (server(auth=(AuthMethod.OAUTH2,)), {}, "input.oauth_only"),
        (server(), {"password": PasswordKind.OAUTH2}, "input.oauth_only"),
        (server(), {"password": PasswordKind.BRIDGE}, "input.bridge"),
        (server(), {"password": PasswordKind.NONE}, "auth.plan"),
        (server(host="127.0.0.1"), {}, "input.host_forbidden"),
        (server(host="①②⑦.⓪.⓪.①"), {}, "input.host_forbidden"),
        (server(host="localhost"), {}, "input.host_forbidden"),
        (server(host="a b.example"), {}, "input.host_forbidden"),
        (server(username=UsernameForm.OTHER), {}, "input.username_form"),
        (server(), {"username": "anna\r\nA1 LOGOUT"}, "input.username_form"),
        (server(), {"username": "anna\0"}, "input.username_form"),
        (server(), {"username": "\ud800"}, "input.username_form"),
    ],
)
def test_what_is_refused_before_any_packet(at: Server, plan: dict[str, object], cause: str) -> None:
    stage = first_stage(at, **plan)
    assert (stage.stage, stage.outcome, stage.cause) == (Stage.INPUT, Outcome.FAIL, cause)


def test_a_port_that_the_operator_does_not_allow() -> None:
    shut = egress(allowed_ports=frozenset())
    ran = run_against(Imap(), through=shut)
    assert ran.last(Leg.IMAP).cause == "input.port_security"
    assert ran.last(Leg.IMAP).details["usual_port"] == "993"


@pytest.mark.parametrize(
    ("at", "details"),
    [
        (server(port=143), {"usual_port": "993", "usual_security": "starttls"}),
        (server(port=993, security=Security.STARTTLS), {"usual_port": "143", "usual_security": "tls"}),
        (server(protocol=Protocol.SMTP, port=587), {"usual_port": "465", "usual_security": "starttls"}),
        (server(port=995), {"usual_port": "993"}),
    ],
)
def test_a_port_that_does_not_fit_is_a_warning(at: Server, details: dict[str, str]) -> None:
    stage = first_stage(at, open_egress=True)
    assert (stage.outcome, stage.cause) == (Outcome.WARN, "input.port_security")
    assert stage.details == details


def test_other_warnings() -> None:
    assert first_stage(server(), open_egress=True).outcome is Outcome.OK
    ran = run_against(Imap(), password=" пароль")
    assert ran.stage(Leg.IMAP, Stage.INPUT).details == {"also": "input.nonascii_password"}
    odd = first_stage(server(), open_egress=True, username="anna", provider="example")
    assert (odd.outcome, odd.cause) == (Outcome.WARN, "input.username_form")


def test_a_plan_makes_sense() -> None:
    with pytest.raises(ValueError, match="at most one"):
        TestPlan(ADDRESS, (server(), server(port=143)))
    with pytest.raises(ValueError, match="a server"):
        TestPlan(ADDRESS, ())
    assert stages_of(server(protocol=Protocol.SMTP, security=Security.STARTTLS)) == (
        Stage.INPUT, Stage.DNS, Stage.CONNECT, Stage.GREETING, Stage.CAPABILITIES, Stage.TLS, Stage.CAPABILITIES,
        Stage.LOGIN, Stage.ENVELOPE,
    )  # fmt: skip


# --- streaming, deadlines, leaving ---------------------------------------------------------------------


def test_each_stage_comes_when_it_has_ended() -> None:
    async def late(connection: Connection) -> None:
        await asyncio.sleep(0.6)
        await imap.speak(connection)

    imap = Imap(talk=late)

    async def run() -> list[tuple[str, float]]:
        seen = []
        async with imap:
            began = time.monotonic()
            plan = TestPlan(ADDRESS, (imap.server(),))
            async with aclosing(run_test(plan, Secret(PASSWORD), egress(), PatternSet(), QUICK)) as results:
                async for one in results:
                    name = one.stage.value if isinstance(one, StageResult) else "verdict"
                    seen.append((name, time.monotonic() - began))
        return seen

    seen = dict(asyncio.run(run()))
    assert seen["tls"] < 0.5 < seen["greeting"]
    assert list(seen)[-1] == "verdict"


def test_the_verdict_does_not_wait_for_goodbyes() -> None:
    async def rude(connection: Connection) -> None:
        await connection.say(b"220 x")
        while True:
            line = await connection.hear()
            if line == b"QUIT":
                await asyncio.sleep(10)
            await connection.say(*([b"250-x", b"250 AUTH PLAIN"] if line.startswith(b"EHLO") else [b"535 no"]))

    ran = run_against(Smtp(talk=rude))
    assert ran.last(Leg.SMTP).cause == "auth.rejected"
    assert ran.verdict.milliseconds < 8000


async def _listening(connection: Connection) -> None:
    """Say nothing more, and notice when the client goes."""
    while True:
        await connection.hear()


@pytest.mark.parametrize("leave", ["cancel", "close"])
def test_leaving_closes_all_sockets(leave: str) -> None:
    async def run() -> None:
        async with Imap(talk=_listening) as imap, Smtp(talk=_listening) as smtp:
            plan = TestPlan(ADDRESS, (imap.server(), smtp.server()))
            results = run_test(plan, Secret(PASSWORD), egress(), PatternSet())

            async def consume() -> None:
                async for _ in results:
                    pass

            if leave == "cancel":
                task = asyncio.create_task(consume())
                await asyncio.sleep(0.4)
                assert imap.now_open + smtp.now_open == 2
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            else:
                tls_stages = 0
                while tls_stages < 2:
                    one = await anext(results)
                    tls_stages += isinstance(one, StageResult) and one.stage is Stage.TLS
                await asyncio.sleep(0.1)
                assert imap.now_open + smtp.now_open == 2
                await results.aclose()
            async with asyncio.timeout(1):
                while imap.now_open + smtp.now_open:  # noqa: ASYNC110 (the servers are told by their sockets)
                    await asyncio.sleep(0.01)
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_a_leg_and_the_whole_test_have_deadlines() -> None:
    began = time.monotonic()
    ran = run_against(
        Imap(talk=saying(hold=30)), Smtp(talk=saying(hold=30)), limits=replace(QUICK, greeting=30.0, leg=1.0)
    )
    assert ran.last(Leg.IMAP).cause == "limit.deadline"
    ran = run_against(Imap(talk=saying(hold=30)), limits=replace(QUICK, greeting=30.0, leg=30.0, test=1.0))
    assert ran.last(Leg.IMAP).cause == "limit.deadline"
    assert time.monotonic() - began < 6


# --- articles ------------------------------------------------------------------------------------------


def test_a_pattern_names_cause_owner_and_article() -> None:
    mine = Pattern("mine", "(?i)quux", "auth.plan", "pay-first", Owner.PROVIDER, protocol=Protocol.IMAP)
    ran = run_against(Imap(login=b"NO [AUTHENTICATIONFAILED] Quux!"), patterns=(mine,))
    last = ran.last(Leg.IMAP)
    assert (last.cause, last.owner, last.article) == ("auth.plan", Owner.PROVIDER, "pay-first")
    assert (ran.verdict.cause, ran.verdict.article) == ("auth.plan", "pay-first")
    other = run_against(Imap(login=b"NO [AUTHENTICATIONFAILED] Other"), patterns=(mine,)).last(Leg.IMAP)
    assert (other.cause, other.article) == ("auth.rejected", None)


def test_a_pattern_cannot_make_a_passing_failure_a_wrong_password() -> None:
    eager = Pattern("eager", "(?i)authentication", "auth.rejected", "wrong-password")
    ran = run_against(Imap(login=b"NO [UNAVAILABLE] Temporary authentication failure"), patterns=(eager,))
    assert (ran.last(Leg.IMAP).cause, ran.last(Leg.IMAP).article) == ("auth.temp_unavailable", None)
    ran = run_against(Smtp(login=(b"454 4.7.0 Temporary authentication failure",)), patterns=(eager,))
    assert ran.last(Leg.SMTP).cause == "auth.temp_unavailable"


# --- nothing is given away -----------------------------------------------------------------------------

CANARY = 'kanari "\\ Ünikum 4711'


def everything_said(*results: object) -> str:
    return "\n".join(repr(result) for result in results)


@pytest.mark.parametrize(
    "echoing",
    [
        Imap(login=b"NO you sent {arg}"),
        Imap(login=b"NO you sent {arg}", capabilities=b"IMAP4rev1"),
        Imap(login=b"NO x", login_notice=b"* NO [ALERT] {arg}", capabilities=b"IMAP4rev1 AUTH=LOGIN"),
        Pop3(login=b"-ERR [AUTH] you sent {arg}", capabilities=(b"USER",)),
        Pop3(login=b"-ERR [AUTH] you sent {arg}", capabilities=(b"SASL PLAIN",)),
        Smtp(login=(b"535-5.7.8 you sent", b"535 5.7.8 {arg}")),
        Smtp(login=(b"535 {arg}",), ehlo=(b"250-x", b"250 AUTH LOGIN")),
    ],
    ids=lambda server: type(server).__name__,
)
def test_servers_that_echo_the_password(
    echoing: Scripted, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    ran = run_against(echoing, password=CANARY)
    leg = Leg(echoing.protocol)
    said = everything_said(*ran.stages, ran.verdict) + caplog.text + "".join(capfd.readouterr())
    (evidence,) = ran.last(leg).evidence
    assert "[password]" in evidence.text or evidence.text.endswith(
        "{22}"
    )  # a literal's octets come on a line of their own
    raw = CANARY.encode()
    for form in (CANARY, "4711", "Ünikum", quote(CANARY), b64encode(raw).decode(), str(ADDRESS), "\\\\"):
        assert form not in said.replace(repr(ADDRESS), "")
    assert b64encode(f"\0{ADDRESS}\0{CANARY}".encode()).decode() not in said


@pytest.mark.parametrize(
    "stage", [Stage.DNS, Stage.CONNECT, Stage.TLS, Stage.GREETING, Stage.CAPABILITIES, Stage.LOGIN]
)
def test_a_failure_of_our_own_code_gives_nothing_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    from guides.mail.connection.imap import ImapSession
    from guides.mail.connection.legs import Channel

    def broken(*args: object, **settings: object) -> None:
        raise RuntimeError(f"{CANARY} {args} {settings}")

    targets: dict[Stage, tuple[object, str]] = {
        Stage.DNS: (LoopbackEgress, "resolve"),
        Stage.CONNECT: (LoopbackEgress, "connect"),
        Stage.TLS: (Channel, "start_tls"),
        Stage.GREETING: (ImapSession, "greet"),
        Stage.CAPABILITIES: (ImapSession, "learn"),
        Stage.LOGIN: (ImapSession, "_authenticate"),
    }
    owner, name = targets[stage]
    monkeypatch.setattr(owner, name, broken)
    caplog.set_level(logging.DEBUG)
    ran = run_against(Imap(), password=CANARY)
    last = ran.last(Leg.IMAP)
    assert (last.stage, last.outcome, last.owner) == (stage, Outcome.OURS, Owner.PORTAL)
    assert ran.verdict.outcome is Outcome.OURS
    said = everything_said(*ran.stages, ran.verdict) + caplog.text + "".join(capfd.readouterr())
    assert "RuntimeError" in caplog.text
    assert CANARY not in said
    assert "4711" not in said


def test_every_result_names_a_class_and_an_owner() -> None:
    ran = run_against(Imap(login=b"NO no"), Smtp(greeting=b"421 no"), Pop3(greeting=b"-ERR"))
    for one in ran.stages:
        settled = one.outcome in (Outcome.OK, Outcome.BLOCKED, Outcome.SKIPPED)
        assert (one.cause is None) == settled
        assert (one.owner is None) == settled
        assert one.cause is None or one.cause in CLASSES
    assert isinstance(ran.verdict, Verdict)
