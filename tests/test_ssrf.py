"""Every spelling of an address that must not be reached ends in a diagnosis, and opens no socket."""

from __future__ import annotations

import asyncio
import socket
from itertools import product

import pytest

from guides.forms import ConnectionForm
from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress, EgressConfig
from guides.mail.outcomes import StageResult
from guides.mail.secret import Secret
from tests.scripted import ADDRESS, QUICK
from tests.tables import each_row

SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0x7f.1", "0x7f.0.0.1", "0177.0.0.1",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "127．0．0．1", "１２７.0.0.1", "127.0.0.1.", "::1", "[::1]", "[::ffff:127.0.0.1]",
    "::ffff:7f00:1", "fe80::1%eth0", "fe80::1%25eth0", "0", "0.0.0.0", "localhost", "LOCALHOST", "localhost.",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "imap.localhost", "mail.local", "router.lan", "mail.internal", "metadata.google.internal", "intranet",
    "169.254.169.254", "[fd00:ec2::254]", "mail.corp", "mail.home", "x.onion", "1.0.0.127.in-addr.arpa", "user@127.0.0.1",
    "127.0.0.1:80", "127.0.0.1\0.example.com", "imap.example.com\0", "imap.example.com\r\n", "imap.example.com/", "a b.example.com",
    "http://127.0.0.1", "//127.0.0.1", "imap.example.com#", "imap.example.com%00", "-.example.com", "a..example.com",
    "x" * 64 + ".example.com", ".".join(["x" * 60] * 5) + ".com", "", ".", "..", "imap.example.123", "imap.example.0x7f",
]  # fmt: skip


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every attempt to connect, to send a datagram or to look a name up."""
    tried: list[object] = []

    def noting(*arguments: object, **options: object) -> None:
        tried.append(arguments)
        raise OSError("no")

    monkeypatch.setattr(Egress, "_ask", noting)
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", noting)
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", noting)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, noting)
    monkeypatch.setattr(socket, "getaddrinfo", noting)
    return tried


@each_row(("host", "protocol"), product(SPELLINGS, Protocol))
def test_the_test_ends_at_its_input(host: str, protocol: Protocol, no_sockets: list[object]) -> None:
    async def run() -> StageResult:
        plan = TestPlan(ADDRESS, (Server(protocol, host, 993, Security.TLS),))
        results = [one async for one in run_test(plan, Secret("x"), Egress(EgressConfig()), PatternSet(), QUICK)]
        assert isinstance(results[0], StageResult)
        return results[0]

    result = asyncio.run(run())
    assert (result.stage, result.outcome, result.cause) == ("input", "fail", "input.host_forbidden")
    assert no_sockets == []


@each_row("host", [spelling for spelling in SPELLINGS if spelling.strip()])
def test_the_form_says_so_at_the_field(host: str, no_sockets: list[object]) -> None:
    form = ConnectionForm({"address": "anna@example.net", "imap_host": host}, secret=Secret("x"))
    stripped = host.strip()
    assert form.is_valid() is (stripped == "imap.example.com")
    assert stripped == "imap.example.com" or list(form.errors) == ["imap_host"]
    assert no_sockets == []
