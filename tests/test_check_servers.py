"""`manage.py check_servers`: a look without credentials at the operator's own servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from guides.crowd import memory, outages
from guides.crowd.outages import ServerName
from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.server_check import check_server
from guides.mail.connection.shared import Place
from guides.mail.network import Egress
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult
from guides.management.commands import check_servers
from guides.models import Provider, ProviderServer
from tests.factories import make_provider
from tests.lab import Lab
from tests.lab.hosts import CLOSED, EXPIRED
from tests.lab.people import DOMAIN
from tests.scripted import QUICK, Imap, Pop3, Scripted, Smtp, egress, saying


@pytest.mark.parametrize("make", [Imap, Pop3, Smtp])
@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_look_ends_before_the_login_and_says_goodbye(make: type[Scripted], security: Security) -> None:
    server = make(security=security)

    async def look() -> list[str]:
        async with server:
            results = await check_server(server.server(), egress(), QUICK)
            return [f"{result.stage} {result.outcome}" for result in results]

    stages = asyncio.run(look())
    assert stages[0] == "dns ok"
    assert stages[-1] == "capabilities ok"
    assert server.logins == 0
    assert b"QUIT" in server.heard or any(b"LOGOUT" in line for line in server.heard)


def test_a_look_ends_at_the_stage_that_fails() -> None:
    server = Imap(talk=saying(b"* BYE not today"))

    async def look() -> tuple[object, ...]:
        async with server:
            return await check_server(server.server(), egress(), QUICK)

    *before, last = asyncio.run(look())
    assert [result.outcome for result in before] == [Outcome.OK] * 3  # type: ignore[attr-defined]
    assert (last.stage, last.outcome, last.cause) == (Stage.GREETING, Outcome.FAIL, "greet.bye")  # type: ignore[attr-defined]


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("check_servers", *arguments, stdout=out, stderr=err)
    return int(left.value.code or 0), out.getvalue(), err.getvalue()


@pytest.mark.django_db
def test_without_domains_it_says_what_is_missing(settings: Settings) -> None:
    assert run("--once")[0] == 2
    settings.CHECK_DOMAINS = ("unknown.example",)
    code, _out, err = run("--once")
    assert code == 2
    assert "CHECK_DOMAINS" in err


@pytest.mark.django_db
def test_it_checks_each_minute_and_a_fault_of_the_database_does_not_end_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CHECK_DOMAINS = ("example.net",)
    make_provider()
    ask, asked = check_servers.Command._servers, []

    def sometimes(self: check_servers.Command) -> list[Server]:
        asked.append(1)
        if len(asked) == 3:
            raise OperationalError("server closed the connection")
        return ask(self)

    async def look(servers: Sequence[Server], _egress: Egress) -> list[tuple[StageResult, ...]]:
        ok = StageResult(Leg.IMAP, Stage.CAPABILITIES, Outcome.OK)
        return [(ok,) for _ in servers]

    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 4:
            raise KeyboardInterrupt

    closed: list[int] = []
    monkeypatch.setattr(check_servers.Command, "_servers", sometimes)
    monkeypatch.setattr(check_servers, "check_servers", look)
    monkeypatch.setattr(check_servers, "close_old_connections", lambda: closed.append(1))
    monkeypatch.setattr(time, "sleep", sleep)
    code, out, err = run()
    assert code == 0
    assert out.count("imap imap.example.net:993 tls: ok") == 3
    assert err.count("the database does not answer (OperationalError)") == 1
    assert all(59 < seconds <= 60 for seconds in slept)
    assert len(closed) == 4  # the next check opens a new connection


def own_provider(lab: Lab, **hosts: str) -> Provider:
    provider = make_provider(domains=(DOMAIN,))
    provider.servers.all().delete()
    for protocol, host in hosts.items():
        ProviderServer.objects.create(
            provider=provider,
            protocol=protocol,
            host=host,
            port=lab.port(Protocol(protocol), Security.TLS),
            security="tls",
        )
    return provider


@pytest.mark.lab
@pytest.mark.django_db
def test_real_servers_are_checked_and_shown(portal_at_lab: Lab, settings: Settings, client: Client) -> None:
    lab = portal_at_lab
    settings.CHECK_DOMAINS = (DOMAIN,)
    own_provider(lab, imap=f"imap.{DOMAIN}", pop3=f"pop.{DOMAIN}", smtp=f"smtp.{DOMAIN}")
    with lab.counting() as logins:
        code, out, err = run("--once")
    assert (code, out.count(": ok (")) == (0, 3)
    assert not logins
    assert "CACHE_URL" in err
    html = client.get("/en/status/").content.decode()
    assert html.count("answered at") == 3


@pytest.mark.lab
@pytest.mark.django_db
def test_servers_that_fail_are_named_and_others_are_told(portal_at_lab: Lab, settings: Settings) -> None:
    lab = portal_at_lab
    settings.CHECK_DOMAINS = (DOMAIN,)
    settings.LIMIT_OUTAGE_VISITORS = 1
    closed, expired = CLOSED.names[0], EXPIRED.names[0]
    own_provider(lab, imap=closed, smtp=expired)
    code, out, _err = run("--once")
    assert code == 1
    assert "fail at connect: tcp.refused" in out
    assert "fail at tls: tls.cert_expired" in out
    port = lab.port(Protocol.IMAP, Security.TLS)
    place = Place(Protocol.IMAP, closed, port, Security.TLS)
    assert place in memory.outlook([place]).known
    assert ServerName(closed, port, Security.TLS) in outages.failing_now()
