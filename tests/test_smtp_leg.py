"""The SMTP leg against scripted servers."""

from base64 import b64encode

import pytest

from guides.mail.accounts import Address, Security
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import Leg, Outcome, Owner, Stage
from tests.scripted import ADDRESS, PASSWORD, Connection, Scripted, Smtp, run_against, saying
from tests.test_error_library import PATTERNS

SMTP = Leg.SMTP
PLAIN = b64encode(f"\0{ADDRESS}\0{PASSWORD}".encode())


def end(server: Scripted, **settings: object) -> tuple[str, str, str | None]:
    last = run_against(server, **settings).last(SMTP)  # type: ignore[arg-type]
    return last.stage.value, last.outcome.value, last.cause


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_it_works(security: Security) -> None:
    server = Smtp(security=security)
    ran = run_against(server)
    assert ran.verdict.outcome is Outcome.OK
    assert ran.of(SMTP)[-1].stage is Stage.ENVELOPE
    assert server.heard[-4:] == [
        f"MAIL FROM:<{ADDRESS}>".encode(), f"RCPT TO:<{ADDRESS}>".encode(), b"RSET", b"QUIT"
    ]  # fmt: skip
    assert b"EHLO portal.example.test" in server.heard
    assert not any(line.startswith((b"DATA", b"BDAT")) for line in server.heard)
    assert server.logins == 1


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (b"AUTH PLAIN LOGIN", b"AUTH PLAIN " + PLAIN),
        (b"AUTH=PLAIN", b"AUTH PLAIN " + PLAIN),
        (b"auth login", b64encode(PASSWORD.encode())),
        (b"AUTH XOAUTH2 LOGIN", b64encode(PASSWORD.encode())),
    ],
)
def test_the_form_that_the_server_takes(auth: bytes, sent: bytes) -> None:
    server = Smtp(ehlo=(b"250-x", b"250 " + auth))
    assert run_against(server).verdict.outcome is Outcome.OK
    assert sent in server.heard


@pytest.mark.parametrize("password", ['quo"te\\back', "пароль", " p ", "x" * 256, "ж" * 600])
def test_any_password_arrives_unchanged(password: str) -> None:
    server = Smtp()
    assert run_against(server, password=password).stage(SMTP, Stage.LOGIN).outcome is Outcome.OK
    blob = b64encode(f"\0{ADDRESS}\0{password}".encode())
    assert blob in server.heard or b"AUTH PLAIN " + blob in server.heard
    assert all(len(line) <= 512 for line in server.heard if line.startswith(b"AUTH"))


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"login": (b"535 5.7.8 no",)}, ("login", "fail", "auth.rejected")),
        ({"login": (b"454 4.7.0 Authentication failed",)}, ("login", "fail", "auth.temp_unavailable")),
        ({"login": (b"534-5.7.9 Application-specific password", b"534 5.7.9 required. https://x")},
         ("login", "fail", "auth.app_password_required")),
        ({"login": (b"535 5.7.139 basic authentication is disabled",)}, ("login", "fail", "auth.basic_disabled")),
        ({"login": (b"999 what",)}, ("login", "fail", "net.protocol")),
        ({"login": (b"535-a", b"550 b")}, ("login", "fail", "net.protocol")),
        ({"ehlo": (b"250-x", b"250 SIZE 1000")}, ("capabilities", "fail", "cap.no_auth")),
        ({"ehlo": (b"250-x", b"250 AUTH XOAUTH2")}, ("capabilities", "fail", "cap.no_password_mech")),
        ({"ehlo": (b"504 5.5.2 need fully-qualified hostname",)}, ("capabilities", "ours", "smtp.helo_invalid")),
        ({"ehlo": (b"550 no",)}, ("capabilities", "ours", "smtp.helo_invalid")),
        ({"ehlo": (b"502 what?",)}, ("capabilities", "fail", "cap.no_auth")),
        ({"ehlo": (b"250-x",) * 200}, ("capabilities", "fail", "limit.exceeded")),
        ({"mail": b"553 5.7.1 Sender address rejected: not owned by user x"},
         ("envelope", "fail", "smtp.sender_not_owned")),
        ({"rcpt": b"553 5.7.1 Sender address rejected: not owned by user x"},
         ("envelope", "fail", "smtp.sender_not_owned")),
        ({"rcpt": b"550 5.7.1 You must check for new mail before sending mail"},
         ("envelope", "fail", "smtp.pop_before_smtp")),
        ({"mail": b"550 5.7.1 POP before SMTP, please"}, ("envelope", "fail", "smtp.pop_before_smtp")),
        ({"rcpt": b"552 5.2.2 over quota"}, ("envelope", "fail", "rcpt.full")),
        ({"rcpt": b"550 5.1.1 User unknown"}, ("envelope", "fail", "rcpt.unknown")),
        ({"rcpt": b"450 4.2.0 Greylisted"}, ("envelope", "warn", "smtp.greylist")),
        ({"rcpt": b"450 4.7.25 Client host rejected: cannot find your hostname"},
         ("envelope", "ours", "cross.portal_blocked")),
        ({"greeting": b"421 4.3.2 later"}, ("greeting", "fail", "greet.421")),
        ({"greeting": b"554 go away"}, ("greeting", "fail", "greet.refused")),
        ({"greeting": b"554-x\r\n554 IP address is black listed"}, ("greeting", "ours", "cross.portal_blocked")),
        ({"greeting": b"* OK IMAP"}, ("greeting", "fail", "greet.wrong_protocol")),
        ({"greeting": b"SSH-2.0-OpenSSH"}, ("greeting", "fail", "greet.wrong_protocol")),
        ({"greeting": b"22 hello"}, ("greeting", "fail", "greet.malformed")),
    ],
)  # fmt: skip
def test_how_it_ends(changes: dict[str, object], last: tuple[str, str, str]) -> None:
    server = Smtp(**changes)  # type: ignore[arg-type]
    assert end(server) == last
    assert server.logins <= 1


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"clear_ehlo": (b"250-x", b"250 AUTH PLAIN")}, ("tls", "fail", "tls.starttls_missing")),
        ({"clear_ehlo": (b"500 what?",)}, ("tls", "fail", "tls.starttls_missing")),
        ({"starttls": b"454 not now"}, ("tls", "fail", "tls.starttls_refused")),
        ({"starttls": b"220 go\r\n250 injected"}, ("tls", "fail", "tls.starttls_injection")),
    ],
)
def test_no_password_in_the_clear(changes: dict[str, object], last: tuple[str, str, str]) -> None:
    server = Smtp(security=Security.STARTTLS, **changes)  # type: ignore[arg-type]
    assert end(server) == last
    assert server.logins == 0
    assert not any(line.startswith((b"AUTH", b"MAIL")) for line in server.heard)


def test_a_full_mailbox_of_ones_own_is_ones_own_to_empty() -> None:
    last = run_against(Smtp(rcpt=b"552 5.2.2 over quota")).last(SMTP)
    assert (last.cause, last.owner) == ("rcpt.full", Owner.VISITOR)


def test_the_portals_own_name_and_address_are_not_the_visitors_fault() -> None:
    last = run_against(Smtp(ehlo=(b"504 5.5.2 Helo command rejected: need fully-qualified hostname",))).last(SMTP)
    assert (last.outcome, last.owner) == (Outcome.OURS, Owner.PORTAL)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (b"550 5.7.1 The IP you're using to send mail is not authorized to send email directly to our servers.",
         "smtp.ip_not_allowed"),
        (b"571 5.7.1 Message contains spam or virus or sender is blocked", "smtp.bulk_block"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at", ["greeting", "login", "mail", "rcpt"])
def test_what_is_said_of_the_address_that_sends_is_said_of_this_portals(at: str, said: bytes, meaning: str) -> None:
    """Of a bounce these are the sender's network's; here, the address is the portal's own."""
    said = b"554 " + said[4:]
    server = Smtp(**{at: (said,) if at == "login" else said})  # type: ignore[arg-type]
    shipped = tuple(pattern for pattern, _ in PATTERNS)
    last = run_against(server, patterns=shipped).last(SMTP)
    assert (last.outcome, last.cause, last.owner) == (Outcome.OURS, "cross.portal_blocked", Owner.PORTAL)
    assert meaning in {found.pattern.cause for found in PatternSet(shipped).found(said.decode())}


def test_addresses_with_letters_outside_ascii() -> None:
    anna = Address("анна", "example.test")
    assert end(Smtp(), address=anna) == ("envelope", "warn", "cap.missing")
    server = Smtp(ehlo=(b"250-x", b"250-SMTPUTF8", b"250 AUTH PLAIN"))
    assert end(server, address=anna) == ("envelope", "ok", None)
    assert "MAIL FROM:<анна@example.test> SMTPUTF8".encode() in server.heard


def test_a_server_that_asks_for_the_password_again_and_again_gets_it_once() -> None:
    async def greedy(connection: Connection) -> None:
        await connection.say(b"220 x")
        await connection.hear()
        await connection.say(b"250-x", b"250 AUTH LOGIN")
        for _ in range(6):
            await connection.hear()
            await connection.say(b"334 UGFzc3dvcmQ6")

    server = Smtp(talk=greedy)
    assert end(server) == ("login", "fail", "net.protocol")
    assert server.heard.count(b64encode(PASSWORD.encode())) == 1


def test_silence() -> None:
    assert end(Smtp(talk=saying())) == ("greeting", "fail", "greet.timeout")
    assert end(Smtp(talk=saying(b"220-x"))) == ("greeting", "fail", "greet.timeout")
    assert end(Smtp(talk=saying(b"220 x"))) == ("capabilities", "fail", "net.timeout")


async def _answers_three_at_once(connection: Connection) -> None:
    """Says nothing to MAIL before RCPT and RSET are there as well."""
    await connection.say(b"220 mail.example.test ESMTP")
    while True:
        name = (await connection.hear()).partition(b" ")[0].upper()
        if name == b"EHLO":
            await connection.say(b"250-mail.example.test", b"250-PIPELINING", b"250 AUTH PLAIN")
        elif name == b"AUTH":
            await connection.say(b"235 2.7.0 in")
        elif name == b"MAIL":
            assert (await connection.hear()).startswith(b"RCPT")
            assert await connection.hear() == b"RSET"
            await connection.say(b"250 2.1.0 Ok", b"550 5.1.1 unknown", b"250 2.0.0 reset")
        elif name == b"QUIT":
            await connection.say(b"221 2.0.0 Bye")
            return


def test_where_the_server_takes_it_the_envelope_is_one_round_trip() -> None:
    """And each answer is read as that of its own command."""
    ran = run_against(Smtp(talk=_answers_three_at_once))
    last = ran.last(Leg.SMTP)
    assert (last.stage, last.outcome, last.cause) == (Stage.ENVELOPE, "fail", "rcpt.unknown")
    assert "550 5.1.1 unknown" in last.evidence[0].text
