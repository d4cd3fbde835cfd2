"""What the IMAP and POP3 legs look at behind the login, and the two families of addresses, against scripted servers."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from contextlib import suppress
from dataclasses import replace

import pytest

from guides.mail import net_connect
from guides.mail.network import Egress, Resolution
from guides.mail.outcomes import Leg, Outcome, Stage
from tests.scripted import HOST, QUICK, Connection, Imap, Pop3, Scripted, Smtp, egress, run_against

IMAP, POP3 = Leg.IMAP, Leg.POP3
CAPABILITIES = b"IMAP4rev1 SASL-IR AUTH=PLAIN"


def stage(server: Imap | Pop3, of: Stage) -> tuple[str, str | None, dict[str, str]]:
    ran = run_against(server)
    result = ran.stage(Leg(server.protocol), of)
    return result.outcome.value, result.cause, result.details


# --- identity --------------------------------------------------------------------------------------------


def test_the_server_learns_who_asks_but_nothing_of_the_visitor() -> None:
    server = Imap(capabilities=CAPABILITIES + b" ID")
    assert stage(server, Stage.IDENTITY) == ("ok", None, {"software": "Scripted 1.0"})
    (sent,) = (line for line in server.heard if b" ID (" in line)
    assert sent.partition(b" ")[2] == b'ID ("name" "mail help portal" "version" "1")'


@pytest.mark.parametrize(
    ("identity", "end", "found"),
    [
        (b"* ID NIL", b"OK", ("ok", None, {})),
        (b'* ID ("name" NIL "version" "3")', b"OK", ("ok", None, {"software": "3"})),
        (b'* ID ("name"', b"OK", ("ok", None, {})),
        (b"* OK hm", b"BAD what?", ("ok", None, {})),
        (b"* OK hm", b"NO Unsafe Login. Please contact kefu@188.com for help", ("fail", "mbox.id_required", {})),
    ],
)
def test_how_identity_ends(identity: bytes, end: bytes, found: tuple[str, str | None, dict[str, str]]) -> None:
    server = Imap(capabilities=CAPABILITIES + b" ID", identity=identity, identity_end=end)
    assert stage(server, Stage.IDENTITY) == found


def test_without_the_capability_no_id_is_sent() -> None:
    server = Imap()
    assert stage(server, Stage.IDENTITY) == ("skipped", None, {})
    assert not any(b" ID (" in line for line in server.heard)


def like_163(server: Imap, offered: bytes) -> None:
    """163.com: "Unsafe Login" unless ID came first, and without a blank behind its bracket."""

    async def talk(connection: Connection) -> None:
        said_who = False
        await connection.say(b"* OK Coremail System IMap Server Ready")
        while True:
            tag, _, rest = (await connection.hear()).partition(b" ")
            if rest == b"CAPABILITY":
                await connection.say(b"* CAPABILITY " + offered, tag + b" OK done")
            elif rest.startswith(b"ID "):
                said_who = rest.startswith(b'ID ("')
                await connection.say(b'* ID ("name" "Coremail Imap")', tag + b" OK ID completed")
            elif rest.startswith(b"EXAMINE") and not said_who:
                await connection.say(tag + b" NO EXAMINE Unsafe Login. Please contact kefu@188.com for help")
            elif rest.startswith(b"LIST"):
                await connection.say(b'* LIST (\\Sent) "/" "&XfJT0ZAB-"', tag + b" OK done")
            else:
                await connection.say(tag + b" OK done")

    server.talk = talk


def test_the_case_of_163() -> None:
    server = Imap()
    like_163(server, b"IMAP4rev1 AUTH=PLAIN SASL-IR ID SPECIAL-USE")
    ran = run_against(server)
    assert ran.verdict.outcome is Outcome.OK
    like_163(server, b"IMAP4rev1 AUTH=PLAIN SASL-IR")  # it wants ID and does not say so
    last = run_against(server).last(IMAP)
    assert (last.stage, last.outcome, last.cause) == ("mailbox", "fail", "mbox.id_required")


# --- quota -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quota", "outcome", "usage"),
    [
        (b"(STORAGE 5 100)", "ok", "5 KB / 100 KB (5 %)"),
        (b"(STORAGE 8912896 15728640)", "ok", "8.5 GB / 15 GB (56 %)"),
        (b"(STORAGE 89 100)", "ok", "89 KB / 100 KB (89 %)"),
        (b"(STORAGE 90 100)", "warn", "90 KB / 100 KB (90 %)"),
        (b"(STORAGE 99 100 MESSAGE 1 10)", "warn", "99 KB / 100 KB (99 %)"),
        (b"(STORAGE 100 100)", "fail", "100 KB / 100 KB (100 %)"),
        (b"(STORAGE 300 100)", "fail", "300 KB / 100 KB (300 %)"),
        (b"(MESSAGE 10 10)", "fail", "10 / 10 (100 %)"),
        (b"(STORAGE 0 0)", "ok", None),
        (b"(STORAGE 9 -1)", "ok", None),
        (b"(STORAGE 9 9999999999999999999999999)", "ok", None),
        (b"()", "ok", None),
        (b"", "ok", None),
    ],
)
def test_room_in_the_mailbox(quota: bytes, outcome: str, usage: str | None) -> None:
    server = Imap(quota=b'* QUOTA "User quota" ' + quota)
    found = stage(server, Stage.QUOTA)
    assert found == (outcome, None if outcome == "ok" else "mbox.overquota", {} if usage is None else {"usage": usage})


@pytest.mark.parametrize(
    ("offered", "status", "largest"),
    [
        (b"APPENDLIMIT=35651584", b"", "34 MB"),
        (b"APPENDLIMIT", b"* STATUS INBOX (APPENDLIMIT 52428800)", "50 MB"),
        (b"APPENDLIMIT", b"* STATUS INBOX (APPENDLIMIT NIL)", None),
        (b"APPENDLIMIT", b"* STATUS INBOX (APPENDLIMIT)", None),
        (b"APPENDLIMIT=many", b"", None),
        (b"APPENDLIMIT=" + b"9" * 60, b"", None),
    ],
)
def test_how_large_a_message_may_be(offered: bytes, status: bytes, largest: str | None) -> None:
    outcome, _, details = stage(Imap(capabilities=CAPABILITIES + b" " + offered, status=status or b"* OK"), Stage.QUOTA)
    assert details == ({} if largest is None else {"largest": largest})
    assert outcome == ("ok" if largest else "skipped")


# --- folders ---------------------------------------------------------------------------------------------

SPECIAL = CAPABILITIES + b" SPECIAL-USE"


@pytest.mark.parametrize(
    ("capabilities", "special", "named", "found"),
    [
        (SPECIAL, (b'* LIST (\\Sent) "/" "Sent Mail"', b'* LIST (\\Junk \\HasNoChildren) "/" Spam'), (),
         ("ok", None, {"marked": "sent junk"})),
        (SPECIAL, (b'* LIST (\\Sent) NIL {4}\r\nS"nt',), (), ("ok", None, {"marked": "sent"})),
        (SPECIAL, (b'* LIST (\\Trash) "/" Bin',), (), ("warn", "mbox.no_sent_folder", {"marked": "trash"})),
        (SPECIAL, (b'* LIST (\\Trash) "/" Bin',), (b'* LIST () "/" Sent',), ("ok", None, {"marked": "trash"})),
        (SPECIAL, (b'* LIST (\\Sent \\NonExistent) "/" Gone',), (), ("warn", "mbox.no_sent_folder", {})),
        (SPECIAL, (b"* LIST nonsense",), (b"* LIST () / x",), ("warn", "mbox.no_sent_folder", {})),
        (CAPABILITIES, (), (b'* LIST () "." INBOX.Sent',), ("ok", None, {})),
        (CAPABILITIES, (), (), ("warn", "mbox.no_sent_folder", {})),
    ],
)  # fmt: skip
def test_folders(
    capabilities: bytes,
    special: tuple[bytes, ...],
    named: tuple[bytes, ...],
    found: tuple[str, str | None, dict[str, str]],
) -> None:
    assert stage(Imap(capabilities=capabilities, special=special, folders=named), Stage.FOLDERS) == found


def test_only_marked_folders_are_listed_where_the_server_can() -> None:
    server = Imap(capabilities=SPECIAL + b" LIST-EXTENDED", special=(b'* LIST (\\Sent) "/" Sent',))
    assert stage(server, Stage.FOLDERS)[0] == "ok"
    assert any(b'LIST (SPECIAL-USE) "" "*"' in line for line in server.heard)


def test_gmails_folders_have_translated_names() -> None:
    special = (b'* LIST (\\HasNoChildren \\Sent) "/" "[Gmail]/&kAFP4W4IMH8w4TD8MOs-"',)
    server = Imap(capabilities=SPECIAL + b" X-GM-EXT-1", special=special, folders=())
    assert stage(server, Stage.FOLDERS) == ("ok", None, {"marked": "sent"})
    assert any(b'LIST "" "[G%/%"' in line for line in server.heard)


@pytest.mark.parametrize(("count", "end"), [(600, "ok"), (1100, "fail")])
def test_hundreds_of_folders_are_no_attack(count: int, end: str) -> None:
    special = tuple(b'* LIST () "/" %d' % number for number in range(count))
    ran = run_against(Imap(capabilities=SPECIAL, special=special))
    assert (ran.last(IMAP).outcome, ran.last(IMAP).cause) == (end, None if end == "ok" else "limit.exceeded")


def test_a_warning_does_not_stop_what_follows() -> None:
    ran = run_against(Imap(quota=b"* QUOTA r (STORAGE 95 100)", folders=()))
    assert ran.outcomes(IMAP)[-2:] == ["quota warn mbox.overquota", "folders warn mbox.no_sent_folder"]
    assert (ran.verdict.outcome, ran.verdict.cause) == (Outcome.WARN, "mbox.overquota")


# --- POP3 ------------------------------------------------------------------------------------------------

OFFERED = (b"USER", b"UIDL", b"TOP")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ("ok", None, {"messages": "12"})),
        ({"capabilities": (b"USER", b"UIDL")}, ("ok", None, {"messages": "12", "missing": "TOP"})),
        ({"uidl": b"-ERR what?"}, ("warn", "cap.missing", {"messages": "12", "missing": "UIDL"})),
        ({"uidl": b"-ERR", "capabilities": (b"USER",)},
         ("warn", "cap.missing", {"messages": "12", "missing": "UIDL TOP"})),
        ({"stat": b"+OK 0 0", "uidl": b"-ERR no such message"}, ("ok", None, {"messages": "0"})),
        ({"stat": b"+OK 0 0", "capabilities": (b"USER", b"TOP")},
         ("warn", "cap.missing", {"messages": "0", "missing": "UIDL"})),
        ({"capabilities": None}, ("ok", None, {"messages": "12"})),
        ({"stat": b"+OK " + b"9" * 50 + b" 1", "capabilities": None, "uidl": b"-ERR"}, ("ok", None, {})),
    ],
)  # fmt: skip
def test_what_pop3_programs_rely_on(changes: dict[str, object], found: tuple[str, str | None, dict[str, str]]) -> None:
    server = Pop3(**({"capabilities": OFFERED} | changes))  # type: ignore[arg-type]
    assert stage(server, Stage.MAILBOX) == found
    assert not any(line.startswith((b"RETR", b"TOP", b"DELE")) for line in server.heard)


# --- both families of addresses --------------------------------------------------------------------------


@pytest.fixture
def ipv6() -> None:
    """Left out only where somebody says so, for these tests are the only ones of their kind."""
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return
    if "WITHOUT_IPV6" in os.environ:
        pytest.skip("this machine has no ::1")
    pytest.fail("this machine has no ::1; set WITHOUT_IPV6=1 to leave these tests out")


needs_ipv6 = pytest.mark.usefixtures("ipv6")
both_tell = pytest.mark.parametrize("kind", [Imap, Pop3, Smtp])


class TwoFamilies(Egress):
    """An egress whose every name has an address of each family."""

    async def resolve(self, host: str) -> Resolution:
        return Resolution(host, (ipaddress.ip_address("::1"), ipaddress.ip_address("127.0.0.1")), host)


def used(through: TwoFamilies, *addresses: str) -> TwoFamilies:
    """The egress, after connections to these addresses of another server."""

    async def use() -> None:
        for address in addresses:
            async with await asyncio.start_server(lambda r, w: w.close(), address, 0) as server:
                port = server.sockets[0].getsockname()[1]
                channel = await through.connect(Resolution("x.test", (ipaddress.ip_address(address),), "x.test"), port)
                channel.close()

    asyncio.run(use())
    return through


def two_families() -> TwoFamilies:
    config = replace(
        egress().config, allowed_networks=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    )
    return TwoFamilies(config, replace(QUICK, connect_other_family=0.4))


def black_hole() -> tuple[socket.socket, list[socket.socket]]:
    """A listener on ::1 whose queue is full: Linux drops further SYNs, as a firewall does."""
    listener = socket.socket(socket.AF_INET6)
    listener.bind(("::1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(3):
        filler = socket.socket(socket.AF_INET6)
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname()[:2])
        fillers.append(filler)
    return listener, fillers


def attempts(ran_details: str) -> dict[str, str]:
    return {part.split()[0]: part.split()[1] for part in ran_details.split(", ")}


@needs_ipv6
@both_tell
def test_ipv6_that_is_refused(kind: type[Scripted]) -> None:
    ran = run_against(kind(), through=used(two_families(), "::1"))
    connect = ran.stage(Leg(kind().protocol), Stage.CONNECT)
    assert (connect.outcome, connect.cause, connect.owner) == ("warn", "tcp.one_family", "provider")
    assert attempts(connect.details["attempts"]) == {"::1": "tcp.refused", "127.0.0.1": "connected"}
    assert (ran.verdict.outcome, ran.verdict.cause) == (Outcome.WARN, "tcp.one_family")


@needs_ipv6
@both_tell
@pytest.mark.parametrize("used_before", [("::1",), ("127.0.0.1",), ()])
def test_ipv6_that_never_answers(kind: type[Scripted], used_before: tuple[str, ...]) -> None:
    """The server's fault only where this machine's own IPv6 is known to work; the attempts are told in any case."""
    through = used(two_families(), *used_before)
    listener, fillers = black_hole()
    try:
        server = kind()
        server.port = listener.getsockname()[1]
        connect = run_against(server, through=through).stage(Leg(server.protocol), Stage.CONNECT)
    finally:
        for one in (listener, *fillers):
            one.close()
    blamed = "::1" in used_before
    assert (connect.outcome, connect.cause) == (("warn", "tcp.one_family") if blamed else ("ok", None))
    assert attempts(connect.details["attempts"]) == {"::1": "tcp.timeout", "127.0.0.1": "connected"}


@needs_ipv6
def test_what_worked_long_ago_blames_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    through = used(two_families(), "::1")
    assert through.reaches(socket.AF_INET6)
    assert not through.reaches(socket.AF_INET)
    monkeypatch.setattr(net_connect, "REACHES_SECONDS", 0.0)
    assert not through.reaches(socket.AF_INET6)
    assert run_against(Imap(), through=through).stage(IMAP, Stage.CONNECT).cause is None


@needs_ipv6
def test_both_families_are_looked_at_side_by_side() -> None:
    """IPv6 wins at once; IPv4 is tried all the same, and what it comes to is told."""

    async def connect(*, also_on_ipv4: bool) -> dict[str, str]:
        async with await asyncio.start_server(lambda r, w: w.close(), "::1", 0) as six:
            port = six.sockets[0].getsockname()[1]
            four = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", port) if also_on_ipv4 else None
            resolution = await two_families().resolve(HOST)
            channel = await two_families().connect(resolution, port, compare_families=True)
            alone = await two_families().connect(resolution, port)
            for one in (channel, alone):
                one.close()
            if four is not None:
                four.close()
            assert [attempt.ip for attempt in alone.attempts] == ["::1"]
            await asyncio.sleep(0)
            return {attempt.ip: attempt.outcome or "connected" for attempt in channel.attempts}

    assert asyncio.run(connect(also_on_ipv4=True)) == {"::1": "connected", "127.0.0.1": "connected"}
    assert asyncio.run(connect(also_on_ipv4=False)) == {"::1": "connected", "127.0.0.1": "tcp.refused"}


@needs_ipv6
def test_a_hidden_hosts_other_addresses_are_nobodys_business() -> None:
    ran = run_against(Imap(), through=two_families(), hidden_hosts=frozenset({HOST}))
    connect = ran.stage(IMAP, Stage.CONNECT)
    assert (connect.outcome, connect.details) == ("ok", {})
