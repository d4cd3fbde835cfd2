"""The POP3 leg against scripted servers."""

from base64 import b64encode

import pytest

from guides.mail.accounts import Security
from guides.mail.outcomes import Leg, Outcome, Stage
from tests.scripted import ADDRESS, PASSWORD, Pop3, Scripted, run_against, saying

POP3 = Leg.POP3


def end(server: Scripted, **settings: object) -> tuple[str, str, str | None]:
    last = run_against(server, **settings).last(POP3)  # type: ignore[arg-type]
    return last.stage.value, last.outcome.value, last.cause


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_it_works(security: Security) -> None:
    server = Pop3(security=security)
    ran = run_against(server)
    assert ran.verdict.outcome is Outcome.OK
    assert ran.stage(POP3, Stage.MAILBOX).details["messages"] == "12"
    assert server.logins == 1
    assert server.heard[-1] == b"QUIT"
    assert not any(line.startswith((b"DELE", b"RETR", b"TOP")) for line in server.heard)


@pytest.mark.parametrize(
    ("capabilities", "sent"),
    [
        ((b"USER", b"SASL PLAIN"), b"PASS " + PASSWORD.encode()),
        ((b"SASL PLAIN",), b"AUTH PLAIN " + b64encode(f"\0{ADDRESS}\0{PASSWORD}".encode())),
        ((b"SASL LOGIN",), b64encode(PASSWORD.encode())),
        ((b"UIDL",), b"PASS " + PASSWORD.encode()),
        (None, b"PASS " + PASSWORD.encode()),
    ],
)
def test_the_form_that_the_server_takes(capabilities: tuple[bytes, ...] | None, sent: bytes) -> None:
    server = Pop3(capabilities=capabilities)
    assert run_against(server).verdict.outcome is Outcome.OK
    assert sent in server.heard


@pytest.mark.parametrize("username", ["anna kovacs", "анна"])
def test_user_names_that_user_cannot_carry_go_by_sasl(username: str) -> None:
    server = Pop3()
    assert run_against(server, username=username).verdict.outcome is Outcome.OK
    assert b"AUTH PLAIN " + b64encode(f"\0{username}\0{PASSWORD}".encode()) in server.heard


@pytest.mark.parametrize("password", ['quo"te\\back', "пароль с пробелом", " p ", "x" * 300, "ж" * 300])
@pytest.mark.parametrize("capabilities", [(b"USER",), (b"SASL PLAIN",)])
def test_any_password_arrives_unchanged(password: str, capabilities: tuple[bytes, ...]) -> None:
    server = Pop3(capabilities=capabilities)
    assert run_against(server, password=password).stage(POP3, Stage.LOGIN).outcome is Outcome.OK
    blob = b64encode(f"\0{ADDRESS}\0{password}".encode())
    assert any(line in (b"PASS " + password.encode(), b"AUTH PLAIN " + blob, blob) for line in server.heard)


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"login": b"-ERR [AUTH] no"}, ("login", "fail", "auth.rejected")),
        ({"login": b"-ERR no"}, ("login", "fail", "auth.rejected")),
        ({"login": b"-ERR [SYS/TEMP] Authentication failed"}, ("login", "fail", "auth.temp_unavailable")),
        ({"login": b"-ERR [IN-USE] locked"}, ("login", "fail", "mbox.inuse")),
        ({"login": b"-ERR [LOGIN-DELAY] wait"}, ("login", "fail", "auth.login_delay")),
        ({"login": b"-ERR [SYS/PERM] ask"}, ("login", "fail", "auth.contact_admin")),
        ({"user": b"-ERR no such user"}, ("login", "fail", "auth.username_unknown")),
        ({"stat": b"-ERR [SYS/TEMP] Couldn't sync mailbox."}, ("mailbox", "fail", "mbox.temp")),
        ({"stat": b"-ERR no"}, ("mailbox", "fail", "mbox.not_enabled_after_login")),
        ({"stat": b"garbage"}, ("mailbox", "fail", "net.protocol")),
        ({"greeting": b"-ERR go away"}, ("greeting", "fail", "greet.refused")),
        ({"greeting": b"* OK IMAP"}, ("greeting", "fail", "greet.wrong_protocol")),
        ({"greeting": b"hello"}, ("greeting", "fail", "greet.malformed")),
        ({"capabilities": (b"SASL XOAUTH2",)}, ("capabilities", "fail", "cap.no_password_mech")),
        ({"capabilities": (b"X",) * 200}, ("capabilities", "fail", "limit.exceeded")),
    ],
)
def test_how_it_ends(changes: dict[str, object], last: tuple[str, str, str]) -> None:
    server = Pop3(**changes)  # type: ignore[arg-type]
    assert end(server) == last
    assert server.logins <= 1


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"clear_capabilities": (b"USER",)}, ("tls", "fail", "tls.starttls_missing")),
        ({"starttls": b"-ERR no"}, ("tls", "fail", "tls.starttls_refused")),
        ({"starttls": b"+OK\r\n+OK injected"}, ("tls", "fail", "tls.starttls_injection")),
    ],
)
def test_no_password_in_the_clear(changes: dict[str, object], last: tuple[str, str, str]) -> None:
    server = Pop3(security=Security.STARTTLS, **changes)  # type: ignore[arg-type]
    assert end(server) == last
    assert server.logins == 0
    assert not any(line.startswith((b"USER", b"PASS", b"AUTH")) for line in server.heard)


def test_silence() -> None:
    assert end(Pop3(talk=saying())) == ("greeting", "fail", "greet.timeout")
    assert end(Pop3(talk=saying(b"+OK", b"-ERR what?"))) == ("login", "fail", "net.timeout")
