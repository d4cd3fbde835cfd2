"""The IMAP leg against scripted servers."""

from base64 import b64encode
from collections.abc import Awaitable, Callable

import pytest

from guides.mail.accounts import Security
from guides.mail.outcomes import Leg, Outcome, Owner, Stage
from tests.scripted import ADDRESS, PASSWORD, Connection, Imap, Scripted, run_against, saying

IMAP = Leg.IMAP


def outcomes(server: Scripted, **settings: object) -> list[str]:
    return run_against(server, **settings).outcomes(IMAP)  # type: ignore[arg-type]


def end(server: Scripted, **settings: object) -> tuple[str, str, str | None]:
    last = run_against(server, **settings).last(IMAP)  # type: ignore[arg-type]
    return last.stage.value, last.outcome.value, last.cause


def test_it_works_over_tls() -> None:
    server = Imap()
    ran = run_against(server)
    assert ran.outcomes(IMAP) == [
        "input ok", "dns ok", "connect ok", "tls ok", "greeting ok", "capabilities ok", "login ok",
        "identity skipped", "mailbox ok", "quota ok", "folders ok",
    ]  # fmt: skip
    assert ran.verdict.outcome is Outcome.OK
    assert server.logins == 1
    assert any(b"EXAMINE INBOX" in line for line in server.heard)
    assert not any(b"SELECT" in line for line in server.heard)
    assert b"LOGOUT" in server.heard[-1]
    assert ran.stage(IMAP, Stage.MAILBOX).details["messages"] == "12"
    assert ran.stage(IMAP, Stage.TLS).details["protocol"].startswith("TLSv1.")


def test_it_works_over_starttls() -> None:
    server = Imap(security=Security.STARTTLS)
    assert outcomes(server) == [
        "input ok", "dns ok", "connect ok", "greeting ok", "capabilities ok", "tls ok", "capabilities ok", "login ok",
        "identity skipped", "mailbox ok", "quota ok", "folders ok",
    ]  # fmt: skip


def plain(password: str = PASSWORD) -> bytes:
    return b64encode(f"\0{ADDRESS}\0{password}".encode())


@pytest.mark.parametrize(
    ("capabilities", "sent"),
    [
        (b"IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN", b"PLAIN " + plain()),
        (b"IMAP4rev1 AUTH=PLAIN", b"PLAIN " + plain()),
        (b"IMAP4rev1 AUTH=LOGIN", b"LOGIN " + b64encode(str(ADDRESS).encode()) + b" " + b64encode(PASSWORD.encode())),
        (b"IMAP4rev1 AUTH=LOGIN LOGINDISABLED", None),
        (b"IMAP4rev1 AUTH=XOAUTH2", f'"{ADDRESS}" "{PASSWORD}"'.encode()),
        (b"IMAP4rev1", f'"{ADDRESS}" "{PASSWORD}"'.encode()),
    ],
)
def test_the_password_goes_out_in_the_form_that_the_server_takes(capabilities: bytes, sent: bytes | None) -> None:
    server = Imap(capabilities=capabilities)
    assert run_against(server).verdict.outcome is Outcome.OK
    assert server.logins == 1
    assert sent is None or server.last_login == sent


@pytest.mark.parametrize(
    "password", ['quo"te\\back', "пароль с пробелом", "ümlaut", "\x7f", "x" * 256, "ж" * 300, " p "]
)
@pytest.mark.parametrize("capabilities", [b"IMAP4rev1", b"IMAP4rev1 LITERAL+", b"IMAP4rev1 AUTH=PLAIN"])
def test_any_password_arrives_unchanged(password: str, capabilities: bytes) -> None:
    server = Imap(capabilities=capabilities)
    ran = run_against(server, password=password)
    assert ran.stage(IMAP, Stage.LOGIN).outcome is Outcome.OK
    raw = password.encode()
    quoted = raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    assert server.last_login.endswith((b'"' + quoted + b'"', b"}\r\n" + raw, plain(password)))


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"login": b"NO [AUTHENTICATIONFAILED] no"}, ("login", "fail", "auth.rejected")),
        ({"login": b"NO [UNAVAILABLE] Authentication failed"}, ("login", "fail", "auth.temp_unavailable")),
        ({"login": b"NO [ALERT] Application-specific password required"},
         ("login", "fail", "auth.app_password_required")),
        ({"login": b"NO [X-WHAT] nein"}, ("login", "unclear", "unknown.unknown")),
        ({"login_notice": b"* BYE [UNAVAILABLE] busy", "login": b"NO x"}, ("login", "fail", "auth.temp_unavailable")),
        ({"login_notice": b"* BYE [unavailable] no", "login": b"NO [ALERT] Authentication failed."},
         ("login", "fail", "auth.temp_unavailable")),
        ({"login_notice": b"* NO [EXPIRED] new one", "login": b"NO x"}, ("login", "fail", "auth.expired_password")),
        ({"login_notice": b"* NO [NOTICE] hm", "login": b"NO x"}, ("login", "fail", "auth.rejected")),
        ({"login_notice": b"* NO [UNAVAILABLE] slow", "login": b"NO [AUTHENTICATIONFAILED] x"},
         ("login", "fail", "auth.rejected")),
        ({"login_notice": b"* NO [WEBALERT https://x.example/] go", "login": b"NO [ALERT] no"},
         ("login", "fail", "auth.web_login_required")),
        ({"examine": b"BAD User is authenticated but not connected."},
         ("mailbox", "fail", "mbox.not_enabled_after_login")),
        ({"examine": b"NO [SERVERBUG] Internal error"}, ("mailbox", "fail", "mbox.temp")),
        ({"quota": b"* QUOTA root (STORAGE 100 100)"}, ("quota", "fail", "mbox.overquota")),
        ({"quota": b'* QUOTA "User quota" (STORAGE 5 100 MESSAGE 10 9)'}, ("quota", "fail", "mbox.overquota")),
        ({"quota": b"* QUOTA root (STORAGE 0 0)"}, ("folders", "ok", None)),
        ({"quota": b"* QUOTA root garbage"}, ("folders", "ok", None)),
        ({"quota": b"* QUOTA {4}\r\nroot (STORAGE 9 9)"}, ("quota", "fail", "mbox.overquota")),
        ({"capabilities": b"IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2"}, ("capabilities", "fail", "cap.login_disabled")),
        ({"greeting": b"* BYE Connection is closed. 13"}, ("greeting", "fail", "greet.bye")),
        ({"greeting": b"* PREAUTH welcome"}, ("login", "fail", "auth.protocol_error")),
        ({"greeting": b"220 mail ESMTP"}, ("greeting", "fail", "greet.wrong_protocol")),
        ({"greeting": b"+OK POP3"}, ("greeting", "fail", "greet.wrong_protocol")),
        ({"greeting": b"HTTP/1.1 400 Bad Request"}, ("greeting", "fail", "greet.wrong_protocol")),
        ({"greeting": b"hello"}, ("greeting", "fail", "greet.malformed")),
        ({"hang_up_after": "CAPABILITY"}, ("login", "fail", "net.closed")),
        ({"hang_up_after": "AUTHENTICATE"}, ("identity", "fail", "net.closed")),
    ],
)  # fmt: skip
def test_how_it_ends(changes: dict[str, object], last: tuple[str, str, str | None]) -> None:
    server = Imap(**changes)  # type: ignore[arg-type]
    assert end(server) == last
    assert server.logins <= 1


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"clear_capabilities": b"IMAP4rev1 AUTH=PLAIN"}, ("tls", "fail", "tls.starttls_missing")),
        ({"starttls": b"NO not now"}, ("tls", "fail", "tls.starttls_refused")),
        ({"starttls": b"OK begin\r\n* CAPABILITY IMAP4rev1"}, ("tls", "fail", "tls.starttls_injection")),
        ({"starttls": b"OK begin\r\n"}, ("tls", "fail", "tls.starttls_injection")),
        ({"greeting": b"* PREAUTH welcome"}, ("greeting", "fail", "greet.preauth_in_clear")),
    ],
)
def test_no_password_in_the_clear(changes: dict[str, object], last: tuple[str, str, str]) -> None:
    server = Imap(security=Security.STARTTLS, **changes)  # type: ignore[arg-type]
    assert end(server) == last
    assert server.logins == 0
    assert not any(b"LOGIN" in line or b"AUTHENTICATE" in line for line in server.heard)


def test_what_was_learnt_in_the_clear_is_forgotten() -> None:
    server = Imap(
        security=Security.STARTTLS,
        greeting=b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR] ready",
        capabilities=b"IMAP4rev1 LOGINDISABLED",
    )
    assert end(server) == ("capabilities", "fail", "cap.login_disabled")


def test_words_from_before_encryption_are_marked() -> None:
    ran = run_against(Imap(security=Security.STARTTLS, starttls=b"NO go away"))
    (evidence,) = ran.last(IMAP).evidence
    assert evidence.before_encryption
    assert "go away" in evidence.text
    (evidence,) = run_against(Imap(login=b"NO go away")).last(IMAP).evidence
    assert not evidence.before_encryption


@pytest.mark.parametrize(
    ("certificate", "cause"),
    [("expired", "tls.cert_expired"), ("other_name", "tls.cert_hostname"), ("self_signed", "tls.cert_self_signed")],
)
@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_faulty_certificates_are_described(certificate: str, cause: str, security: Security) -> None:
    server = Imap(certificate=certificate, security=security)
    ran = run_against(server)
    last = ran.last(IMAP)
    assert (last.stage, last.outcome, last.cause) == (Stage.TLS, Outcome.FAIL, cause)
    assert last.details["names"] == ("other.example.test" if certificate == "other_name" else "mail.example.test")
    assert last.details["not_after"]
    assert server.logins == 0


def test_an_unknown_authority() -> None:
    from tests.scripted import egress

    last = run_against(Imap(), through=egress(extra_ca_file=None)).last(IMAP)
    assert last.cause in ("tls.unknown_ca", "tls.chain_or_unknown_ca", "tls.chain_incomplete")
    assert last.details["issuer"] == "Tests' own CA"


def test_tls_on_a_clear_port_and_the_reverse() -> None:
    clear = Imap(security=Security.TLS, speaks_tls=False)
    assert end(clear) == ("tls", "fail", "tls.not_tls")
    encrypted = Imap(security=Security.STARTTLS, speaks_tls=True)
    assert end(encrypted) == ("greeting", "fail", "tls.tls_on_plain")


def test_silence() -> None:
    assert end(Imap(talk=saying())) == ("greeting", "fail", "greet.timeout")
    assert end(Imap(talk=saying(), security=Security.STARTTLS)) == ("greeting", "fail", "greet.timeout")
    assert end(Imap(talk=saying(hold=0))) == ("greeting", "fail", "greet.closed")
    assert end(Imap(talk=saying(b"* OK [CAPABILITY IMAP4rev1] ready"))) == ("login", "fail", "net.timeout")


def test_a_closed_port() -> None:
    server = Imap()
    ran = run_against(server, reach=lambda one: one.server(port=1))
    assert ran.last(IMAP).cause == "tcp.refused"
    assert "127.0.0.1 tcp.refused" in ran.last(IMAP).details["attempts"]
    assert ran.outcomes(IMAP)[3:] == [
        "tls blocked", "greeting blocked", "capabilities blocked", "login blocked",
        "identity blocked", "mailbox blocked", "quota blocked", "folders blocked",
    ]  # fmt: skip


async def _flood(connection: Connection) -> None:
    while True:
        await connection.say(b"* OK " + b"x" * 4000)


async def _endless_line(connection: Connection) -> None:
    while True:
        connection.writer.write(b"x" * 4000)
        await connection.writer.drain()


def answering(*answers: bytes) -> Callable[[Connection], Awaitable[None]]:
    """A talk that sends the next answer for each line of the client."""

    async def talk(connection: Connection) -> None:
        await connection.say(b"* OK [CAPABILITY IMAP4rev1] ready")
        for answer in answers:
            tag = (await connection.hear()).partition(b" ")[0]
            await connection.say(answer.replace(b"{tag}", tag))
        await connection.hear()

    return talk


@pytest.mark.parametrize(
    ("talk", "cause"),
    [
        (_flood, "limit.exceeded"),
        (_endless_line, "greet.too_long"),
        (answering(b"* LIST {5000}"), "limit.exceeded"),
        (answering(b"* LIST {99999999999}"), "limit.exceeded"),
        (answering(b"* LIST {4}\r\nabcd {4}\r\nabcd {4}\r\nabcd {4}\r\nabcd {4}\r\nabcd x"), "limit.exceeded"),
        (answering(b"* LIST {4}\r\nabcd {4}\r\nabcd {4}\r\nabcd {4}\r\nabcd\r\n{tag} NO no"), "auth.rejected"),
        (answering(b"zz9 OK done"), "net.protocol"),
        (answering(b"{tag} HELLO"), "net.protocol"),
        (answering(b"+ more?"), "net.protocol"),
        (answering(b"!!!"), "net.protocol"),
        (answering(*[b"* 1 EXISTS\r\n" * 200]), "limit.exceeded"),
        (answering(b"* BYE Too many invalid IMAP commands."), "greet.too_many_bad"),
        (answering(b"a\0b"), "net.protocol"),
    ],
)
def test_hostile_servers(talk: object, cause: str) -> None:
    last = run_against(Imap(talk=talk)).last(IMAP)  # type: ignore[arg-type]
    assert last.outcome is Outcome.FAIL
    assert last.cause == cause


def test_a_server_that_asks_for_the_password_again_and_again_gets_it_once() -> None:
    async def greedy(connection: Connection) -> None:
        await connection.say(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready")
        await connection.hear()
        for _ in range(5):
            await connection.say(b"+ ")
            await connection.hear()

    server = Imap(talk=greedy)
    assert end(server) == ("login", "fail", "net.protocol")
    assert server.heard.count(plain()) == 1


def test_a_goodbye_explains_a_closed_connection() -> None:
    async def talk(connection: Connection) -> None:
        await connection.say(b"* OK [CAPABILITY IMAP4rev1] ready")
        await connection.hear()
        await connection.say(b"* BYE [UNAVAILABLE] Temporary authentication failure")

    assert end(Imap(talk=talk)) == ("login", "fail", "auth.temp_unavailable")


def test_an_alert_is_shown_even_when_all_is_well() -> None:
    ran = run_against(Imap(login=b"OK [ALERT] Your mailbox moves on Monday"))
    assert ran.verdict.outcome is Outcome.OK
    assert "moves on Monday" in ran.stage(IMAP, Stage.LOGIN).evidence[0].text


def test_who_can_fix_it() -> None:
    assert run_against(Imap(login=b"NO [CONTACTADMIN] ask")).last(IMAP).owner is Owner.ADMIN
