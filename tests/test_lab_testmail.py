"""`manage.py testmail` against the lab: lines of JSON, articles, exit codes."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from pytest_django import DjangoDbBlocker

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Leg, Outcome, Owner, Stage
from tests.lab import Lab
from tests.lab.hosts import CLOSED, EXPIRED, MAIL, PLAIN, SELF_SIGNED, SILENT, WRONG_NAME, Host

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parent.parent
IMAP, POP3, SMTP = Protocol.IMAP, Protocol.POP3, Protocol.SMTP
TLS, STARTTLS = Security.TLS, Security.STARTTLS

STAGE_KEYS = {"leg", "stage", "outcome", "class", "who", "ms", "host", "address", "port", "evidence", "article"}
VERDICT_KEYS = {"outcome", "class", "who", "article", "ms", "legs"}


@pytest.fixture(scope="module")
def library(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The real library, loaded once for this module and gone after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_content", verbosity=0)
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Row:
    """A call of `testmail` and what it ends in. `ends`: leg -> (stage, outcome, class) of its failing stage."""

    servers: tuple[tuple[Protocol, Security, Host | str], ...]
    ends: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    person: str = "anna"
    password: str = ""
    address: str = ""
    logins: int = 0
    ports: Security | None = None  # the ports of the other security


def everywhere(host: Host | str = MAIL, security: Security = TLS) -> tuple[tuple[Protocol, Security, Host | str], ...]:
    return tuple((protocol, security, host) for protocol in (IMAP, POP3, SMTP))


def all_legs(stage: str, outcome: str, cause: str) -> dict[str, tuple[str, str, str]]:
    return dict.fromkeys(("imap", "pop3", "smtp"), (stage, outcome, cause))


ROWS = {
    "good account over TLS": Row(everywhere(), logins=3),
    "good account over STARTTLS": Row(everywhere(security=STARTTLS), logins=3),
    "wrong password": Row(
        everywhere(), {"imap": ("login", "fail", "auth.rejected")}, password="not annas password", logins=1
    ),
    "unknown user": Row(
        everywhere(), {"imap": ("login", "fail", "auth.rejected")}, address="nobody@lab.test", logins=1
    ),
    "disabled account": Row(
        everywhere(), {"imap": ("login", "fail", "auth.protocol_disabled_by_admin")}, person="closed", logins=1
    ),
    "full mailbox": Row(
        everywhere(),
        {"imap": ("quota", "fail", "mbox.overquota"), "smtp": ("envelope", "fail", "rcpt.full")},
        person="full",
        logins=3,
    ),
    "refused sender": Row(everywhere(), {"smtp": ("envelope", "fail", "smtp.sender_generic")}, person="mute", logins=3),
    "expired certificate": Row(everywhere(EXPIRED), all_legs("tls", "fail", "tls.cert_expired")),
    "self-signed certificate": Row(everywhere(SELF_SIGNED), all_legs("tls", "fail", "tls.cert_self_signed")),
    "certificate of another name": Row(everywhere(WRONG_NAME), all_legs("tls", "fail", "tls.cert_hostname")),
    "closed port": Row(everywhere(CLOSED), all_legs("connect", "fail", "tcp.refused")),
    "host that does not exist": Row(everywhere("nowhere.lab.test"), all_legs("dns", "fail", "dns.nxdomain")),
    "private host": Row(everywhere("private.lab.test"), all_legs("dns", "fail", "dns.forbidden_address")),
    "TLS on a clear port": Row(everywhere(), all_legs("tls", "fail", "tls.not_tls"), ports=STARTTLS),
    "STARTTLS missing": Row(everywhere(PLAIN, STARTTLS), all_legs("tls", "fail", "tls.starttls_missing")),
}


def options(lab: Lab, row: Row) -> list[str]:
    found = []
    for protocol, security, host in row.servers:
        server = lab.server(protocol, security, host, port=lab.port(protocol, row.ports or security))
        found.append(option(server))
    return found


def option(server: Server) -> str:
    return f"--{server.protocol}={server.host}:{server.port}:{server.security}"


def password_file(folder: Path, password: str) -> str:
    file = folder / "password"
    file.write_text(f"{password}\n", encoding="utf-8")
    return f"--password-file={file}"


def call(*arguments: str) -> int:
    """Run the command in this process; returns its exit code."""
    try:
        call_command("testmail", *arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def read_lines(text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines()]
    assert [list(line) == ["verdict"] for line in lines] == [False] * (len(lines) - 1) + [True]
    return lines[:-1], lines[-1]["verdict"]


@pytest.mark.parametrize("title", ROWS)
def test_every_row(
    portal_at_lab: Lab, library: None, db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], title: str
) -> None:
    lab, row = portal_at_lab, ROWS[title]
    person = lab.people[row.person]
    password = row.password or person.password
    with lab.counting() as attempts:
        code = call(row.address or person.address, *options(lab, row), password_file(tmp_path, password), "--json")
    output, errors = capsys.readouterr()
    stages, verdict = read_lines(output)
    assert errors == ""
    assert attempts.total() == row.logins
    assert max(attempts.values(), default=0) <= 1
    ends = {
        stage["leg"]: (stage["stage"], stage["outcome"], stage["class"])
        for stage in stages
        if stage["outcome"] not in ("ok", "blocked")
    }
    assert ends == row.ends
    assert code == (1 if row.ends else 0)
    assert verdict["outcome"] == ("fail" if row.ends else "ok")
    assert password not in output
    for stage in stages:
        assert set(stage) >= STAGE_KEYS
        Leg(stage["leg"]), Stage(stage["stage"]), Outcome(stage["outcome"])  # raise for what is not in the contract
        if stage["outcome"] in ("ok", "blocked"):
            assert (stage["class"], stage["who"], stage["article"]) == (None, None, None)
        else:
            assert stage["class"] in CLASSES
            Owner(stage["who"])
            assert stage["article"]
    assert set(verdict) >= VERDICT_KEYS
    assert set(verdict["legs"]) == {"imap", "pop3", "smtp"}
    if row.ends:
        assert verdict["class"] in {cause for _, _, cause in row.ends.values()}
        assert verdict["article"]


@pytest.mark.parametrize("name", ["boris", "clara", "dmitri", "emiko"])
def test_unusual_passwords_from_a_file(
    portal_at_lab: Lab, library: None, db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Blanks at the ends belong to the password; the line break behind it does not."""
    lab = portal_at_lab
    person = lab.people[name]
    server = lab.server(IMAP)
    assert call(person.address, option(server), password_file(tmp_path, person.password), "--json") == 0
    assert read_lines(capsys.readouterr().out)[1]["legs"] == {"imap": "warn" if name in ("boris", "clara") else "ok"}


def test_user_name_that_is_not_the_address(
    portal_at_lab: Lab, library: None, db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = portal_at_lab
    person = lab.people["short.login"]
    arguments = [person.address, option(lab.server(SMTP)), password_file(tmp_path, person.password)]
    assert call(*arguments) == 1
    assert call(*arguments, "--username", person.login) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-address", "--imap=imap.lab.test:993:tls"],
        ["anna@lab.test", "--imap=imap.lab.test:993"],
        ["anna@lab.test", "--imap=imap.lab.test:0:tls"],
        ["anna@lab.test", "--imap=imap.lab.test:70000:tls"],
        ["anna@lab.test", "--imap=imap.lab.test:imap:tls"],
        ["anna@lab.test", "--smtp=smtp.lab.test:587:none"],
        ["anna@nowhere.lab.test"],  # no servers are known for that domain
        ["anna@lab.test", "--imap=imap.lab.test:993:tls", "--password-file=/nonexistent"],
    ],
)
def test_wrong_calls(
    portal_at_lab: Lab,
    library: None,
    db: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    given = any(argument.startswith("--password-file") for argument in arguments)
    assert call(*arguments, *([] if given else [password_file(tmp_path, "a secret thing")])) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("testmail: ")
    assert "a secret thing" not in errors


# --- as a process of its own -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A portal with an empty library in a folder of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "DJANGO_SETTINGS_MODULE": "helpdesk.settings",
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        **lab.environment(),
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    return environment


def test_as_a_process(lab: Lab, environment: dict[str, str], tmp_path: Path) -> None:
    person = lab.people["dmitri"]
    servers = [option(lab.server(protocol, STARTTLS)) for protocol in (IMAP, POP3, SMTP)]
    for password, code in ((person.password, 0), ("not annas password", 1)):
        result = subprocess.run(
            [
                sys.executable,
                "manage.py",
                "testmail",
                person.address,
                *servers,
                password_file(tmp_path, password),
                "--json",
            ],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (result.returncode, result.stderr) == (code, "")
        stages, _ = read_lines(result.stdout)
        assert {stage["leg"] for stage in stages} == {"imap", "pop3", "smtp"}


def test_at_a_terminal(lab: Lab, environment: dict[str, str]) -> None:
    """It asks for the password without showing it, and tells the stages."""
    person = lab.people["emiko"]
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", "testmail", person.address, option(lab.server(IMAP))],
        cwd=ROOT,
        env=environment | {"TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=_take_terminal,
    ) as process:
        os.close(terminal)
        shown = _read_until(keyboard, "Password:")
        os.write(keyboard, person.password.encode() + b"\n")
        shown += _read_until(keyboard, None)
    os.close(keyboard)
    assert process.returncode == 0
    assert "login" in shown
    assert person.password not in shown


def _take_terminal() -> None:
    """`getpass` reads /dev/tty, which is the controlling terminal."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


def _read_until(keyboard: int, text: str | None) -> str:
    shown = b""
    deadline = time.monotonic() + 30
    while text is None or text.encode() not in shown:
        if not select.select([keyboard], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(shown.decode(errors="replace"))
        try:
            part = os.read(keyboard, 4096)
        except OSError:  # the other side is closed
            part = b""
        if not part:
            break
        shown += part
    return shown.decode(errors="replace")


def test_ctrl_c_closes_the_sockets(lab: Lab, environment: dict[str, str], tmp_path: Path) -> None:
    person = lab.people["anna"]
    servers = [option(lab.server(protocol, STARTTLS, SILENT)) for protocol in (IMAP, SMTP)]
    with subprocess.Popen(
        [sys.executable, "manage.py", "testmail", person.address, *servers, password_file(tmp_path, person.password)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 20
        while len(lab.connections(SILENT)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "")
    deadline = time.monotonic() + 1
    while lab.connections(SILENT):
        assert time.monotonic() < deadline
        time.sleep(0.02)
