"""What every protocol must withstand at every place where the test reads from a server: in time, for the right cause,
at the right stage, in little memory, and with nothing harmful on the page.

The tests of a group run side by side on one loop. Each states one stage and one cause.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from guides.mail.accounts import Protocol
from guides.mail.connection.channel import TlsWire, Wire
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Leg, Outcome
from tests import hostile
from tests.hostile import IMAP, POP3, SMTP, Deed, Mode, saying
from tests.portal import ROOT
from tests.scripted import Connection, Scripted
from tests.test_hostile_servers import MEGABYTE, check_harmless, limits_of
from tests.turning import DELIVERY, GOODBYES, GREETINGS, LATER, TIDYING, Took, Turn, run_all, turning


@dataclass(frozen=True)
class Row:
    """A deed and what it comes to: at the greeting, and at any later answer."""

    deed: Deed
    greeting: str
    later: str


DEEDS = {
    "says nothing": Row(hostile.say_nothing, "greet.timeout", "net.timeout"),
    "hangs up": Row(hostile.hang_up, "greet.closed", "net.closed"),
    "resets": Row(hostile.reset, "greet.closed", "net.reset"),
    "one byte at a time": Row(hostile.drip, "greet.timeout", "net.timeout"),
    "an endless line": Row(hostile.endless_line, "greet.too_long", "limit.exceeded"),
    "endless lines": Row(hostile.endless_lines, "greet.malformed", "net.protocol"),
    "an endless reply": Row(hostile.endless_reply, "greet.too_long", "limit.exceeded"),
    "another protocol's banner": Row(saying(b"SSH-2.0-OpenSSH_9.6\r\n"), "greet.wrong_protocol", "net.protocol"),
    "HTTP": Row(saying(b"HTTP/1.1 400 Bad Request\r\n"), "greet.wrong_protocol", "net.protocol"),
    "a bare CR": Row(saying(b"* OK a\rb\r\n"), "net.protocol", "net.protocol"),
    "NUL": Row(saying(b"+OK a\0b\r\n"), "net.protocol", "net.protocol"),
    "a bare LF, ESC, bidi and a script": Row(
        saying("nonsense \x1b[2J \u202egnp.exe </script><script>alert(1)</script>\n".encode()),
        "greet.malformed",
        "net.protocol",
    ),
    "invalid UTF-8": Row(saying(b"\xff\xfe\xc3\x28\r\n"), "greet.malformed", "net.protocol"),
    "an empty line": Row(saying(b"\r\n"), "greet.malformed", "net.protocol"),
    "half a line": Row(saying(b"* OK [CAPABILITY"), "greet.timeout", "net.timeout"),
    "a TLS record": Row(saying(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), "greet.timeout", "net.timeout"),
}  # fmt: skip

# What the grammar of a protocol makes of a deed: (title, protocol, command) -> (stage, cause); None: it is no such deed.
PARTICULAR: dict[tuple[str, Protocol, bytes], tuple[str, str] | None] = {
    ("an endless reply", IMAP, b""): ("greeting", "greet.malformed"),
    # A reply of one line and more behind it: what comes next is no answer.
    ("an endless reply", POP3, b""): ("capabilities", "net.protocol"),
    ("an endless reply", POP3, b"STLS"): ("tls", "tls.starttls_injection"),
    ("an endless reply", POP3, b"USER"): ("login", "net.protocol"),
    ("an endless reply", POP3, b"PASS"): ("mailbox", "net.protocol"),
    ("an endless reply", POP3, b"STAT"): ("mailbox", "net.protocol"),
    ("an endless reply", POP3, b"UIDL"): None,
}


def expected(title: str, turn: Turn) -> tuple[str, str] | None:
    row = DEEDS[title]
    if (title, turn.protocol, turn.command) in PARTICULAR:
        return PARTICULAR[title, turn.protocol, turn.command]
    if title == "a TLS record" and turn.mode is Mode.CLEAR:
        return turn.stage, "tls.tls_on_plain"
    return turn.stage, row.later if turn.command else row.greeting


GROUPS = {
    "greetings": GREETINGS,
    **{
        f"{protocol}-{mode.value}": [
            turn for turn in LATER if (turn.protocol, turn.mode, turn.delivers) == (protocol, mode, False)
        ]
        for protocol in (IMAP, POP3, SMTP)
        for mode in Mode
    },
    "delivery": DELIVERY,
}
BRIEF = replace(limits_of(0.4), message=0.4)  # on a clock that stands while servers and tests work
HELD = 64 * 1024  # of one connection: a line, a record of TLS, a chunk, and what waits to be sent


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The most that any connection held at once, in its buffers and in those of OpenSSL's that Python does not count."""
    most = [0]
    updated = Wire.buffer_updated

    def measured(wire: Wire, nbytes: int) -> None:
        updated(wire, nbytes)
        octets = len(wire.pending) + wire.transport.get_write_buffer_size()
        if isinstance(wire, TlsWire):
            octets += wire._incoming.pending + wire._outgoing.pending + wire.session.pending()
        most[0] = max(most[0], octets)

    monkeypatch.setattr(Wire, "buffer_updated", measured)
    yield most
    assert 0 < most[0] < HELD


def check(took: Took) -> None:
    assert took.seconds < BRIEF.test
    for result in took.stages:
        assert result.cause is None or result.cause in CLASSES
        check_harmless(result)


Made = tuple[str, Turn]


def run_group(rows: Sequence[Made]) -> list[tuple[Made, Took]]:
    def made(row: Made) -> Callable[[], tuple[Scripted, ...]]:
        return lambda: turning(row[1], DEEDS[row[0]].deed)

    taken = run_all([made(row) for row in rows], BRIEF)
    for took in taken:
        check(took)
    return list(zip(rows, taken, strict=True))


def leg_of(turn: Turn) -> Leg:
    return Leg.DELIVERY if turn.delivers else Leg(turn.protocol)


@pytest.mark.parametrize("group", GROUPS)
def test_everywhere(group: str, held: list[int]) -> None:
    rows = [(title, turn) for title in DEEDS for turn in GROUPS[group] if expected(title, turn) is not None]
    wrong = {}
    for (title, turn), took in run_group(rows):
        last = took.last(leg_of(turn))
        found = (str(last.stage), last.cause)
        if found != expected(title, turn) or last.outcome is not Outcome.FAIL or took.verdict.cause not in CLASSES:
            wrong[f"{turn} {title}"] = (*found, str(last.outcome))
        in_clear = turn.mode is Mode.CLEAR
        if any(evidence.before_encryption is not in_clear for evidence in last.evidence):
            wrong[f"{turn} {title}"] = ("marked wrongly",)
    assert wrong == {}


def test_a_goodbye_changes_nothing() -> None:
    """All is done by then; a server that turns there is waited for two seconds at most, and its words are not read."""
    rows = [(title, turn) for title in DEEDS for turn in GOODBYES if turn.mode is Mode.TLS]
    for (title, turn), took in run_group(rows):
        assert took.last(leg_of(turn)).outcome is Outcome.OK, f"{turn} {title}"
        assert took.verdict.outcome is Outcome.OK, f"{turn} {title}"


def test_a_deletion_changes_nothing() -> None:
    rows = [(title, turn) for title in DEEDS for turn in TIDYING]
    for (title, turn), took in run_group(rows):
        result = took.last(Leg.DELIVERY)
        assert (result.outcome, result.details["deleted"]) == ("ok", "no"), f"{turn} {title}"


# --- a server that leaves ----------------------------------------------------------------------------------


def leaving(turn: Turn) -> Deed:
    """Say in the protocol's own words that it is over, and hang up."""
    words = {IMAP: b"* BYE see you", POP3: b"-ERR see you", SMTP: b"421 4.3.2 see you"}

    async def deed(connection: Connection, _: object) -> None:
        await connection.say(words[turn.protocol])
        await hostile.hang_up(connection, turn)

    return deed


LEFT = {
    (IMAP, "greeting"): "greet.bye",
    (IMAP, "capabilities"): "greet.bye",
    (IMAP, "tls"): "tls.starttls_refused",
    (POP3, "greeting"): "greet.refused",
    (POP3, "tls"): "tls.starttls_refused",
    (POP3, "login"): "auth.rejected",
    (POP3, "mailbox"): "mbox.not_enabled_after_login",
    (SMTP, "greeting"): "greet.421",
    (SMTP, "capabilities"): "greet.421",
    (SMTP, "tls"): "tls.starttls_refused",
    (SMTP, "login"): "auth.temp_unavailable",
    (SMTP, "envelope"): "smtp.temp",
    (SMTP, "delivery"): "smtp.temp",
}
# Where a refusal is no failure of the stage: what the next one finds.
LEFT_LATER: dict[tuple[Protocol, bytes], tuple[str, str | None]] = {
    (IMAP, b"ID"): ("mailbox", "net.closed"),
    (IMAP, b"STATUS"): ("quota", "net.closed"),
    (IMAP, b"GETQUOTAROOT"): ("folders", "net.closed"),
    (POP3, b"CAPA"): ("login", "net.closed"),  # a server from before CAPA
    (POP3, b"UIDL"): ("mailbox", "cap.missing"),  # a warning: nothing comes behind it
    (SMTP, b"RSET"): ("envelope", None),
}


def left(turn: Turn) -> tuple[str, str | None]:
    if (turn.protocol, turn.command) == (POP3, b"CAPA"):
        if turn.mode is Mode.CLEAR:
            return "tls", "tls.starttls_missing"
        if turn.nth == 2:
            return "mailbox", "net.closed"
    here = turn.stage, LEFT.get((turn.protocol, turn.stage), "net.closed")
    return LEFT_LATER.get((turn.protocol, turn.command), here)


@pytest.mark.parametrize("group", GROUPS)
def test_a_server_that_leaves(group: str, held: list[int]) -> None:
    turns = GROUPS[group]
    wrong = {}
    taken = run_all([lambda turn=turn: turning(turn, leaving(turn)) for turn in turns], BRIEF)  # type: ignore[misc]
    for turn, took in zip(turns, taken, strict=True):
        check(took)
        last = took.last(leg_of(turn))
        if (str(last.stage), last.cause) != left(turn):
            wrong[str(turn)] = (str(last.stage), last.cause)
    assert wrong == {}


# --- IMAP's literals, where their octets are read ----------------------------------------------------------

SIZES: dict[str, tuple[bytes, str | None]] = {
    "0": (b"{0}\r\n", None),
    "4096": (b"{4096}\r\n" + b"x" * 4096, None),
    "4097": (b"{4097}\r\n" + b"x" * 4097, "limit.exceeded"),
    "10^9": (b"{1000000000}\r\nx", "limit.exceeded"),
    "10^30": (b"{1" + b"0" * 30 + b"}\r\nx", "limit.exceeded"),
    "-1": (b"{-1}", None),  # no literal: text that looks like one
    "nested": (b"{2}\r\n{2}{2}\r\n{}{1}\r\nx", None),
    "five": (b"{1}\r\na{1}\r\nb{1}\r\nc{1}\r\nd{1}\r\ne", "limit.exceeded"),
    "one that never comes": (b"{4000}\r\nabc", "net.timeout"),
}
# The words around a literal, and the stage that falls silent next, when the literal is taken.
DATA = {
    (b"CAPABILITY", 1): (b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN ", b"", "tls"),
    (b"CAPABILITY", 2): (b"* CAPABILITY IMAP4rev1 ID ", b"", "identity"),
    (b"ID", 1): (b'* ID ("name" ', b")", "mailbox"),
    (b"STATUS", 1): (b"* STATUS ", b" (APPENDLIMIT 5)", "quota"),
    (b"GETQUOTAROOT", 1): (b"* QUOTA ", b" (STORAGE 5 100)", "folders"),
    (b"LIST", 1): (b'* LIST () "/" ', b"", ""),
    (b"UID SEARCH", 1): (b"* SEARCH ", b"", "delivery"),
    (b"UID FETCH", 1): (b"* 1 FETCH (UID 7 BODY[HEADER.FIELDS (SUBJECT)] ", b")", "delivery"),
}


@pytest.mark.parametrize("mode", Mode)
def test_literals_where_they_are_read(mode: Mode, held: list[int]) -> None:
    rows = [
        (size, turn)
        for size in SIZES
        for turn in LATER
        if turn.protocol is IMAP and turn.mode is mode and (turn.command, turn.nth) in DATA
    ]

    def made(size: str, turn: Turn) -> Callable[[], tuple[Scripted, ...]]:
        before, behind, _ = DATA[turn.command, turn.nth]
        return lambda: turning(turn, saying(before + SIZES[size][0] + behind + b"\r\n{tag} OK done\r\n"))

    assert len(rows) >= len(SIZES)
    for (size, turn), took in zip(rows, run_all([made(*row) for row in rows], BRIEF), strict=True):
        check(took)
        last, cause, behind = took.last(leg_of(turn)), SIZES[size][1], DATA[turn.command, turn.nth][2]
        if turn.command == b"CAPABILITY" and turn.nth == 1 and mode is not Mode.CLEAR:
            behind = "login"
        taken = (behind, "net.timeout") if behind else ("folders", None)  # there is a folder of that name
        wanted = (turn.stage, cause) if cause else taken
        assert (str(last.stage), last.cause) == wanted, f"{turn} {size}"


# --- memory, as the system counts it -----------------------------------------------------------------------

COPIES = 16
# One place for each protocol, under TLS; the literals and the handshake have places of their own.
PLACES = [turn for turn in LATER if turn.mode is Mode.TLS and turn.command in (b"AUTHENTICATE", b"PASS", b"AUTH")]
LITERALS = {
    "a literal of 10^9": saying(b"* LIST () {1000000000}\r\n" + b"x" * 200_000),
    "literals without end": saying(b'* LIST () "/" ' + b"{4096}\r\n" + b"x{4096}\r\n" * 20_000),
    "long folder names": saying(b'* LIST () "/" "' + b"x" * 8000 + b'"\r\n' + (b'* LIST () "/" "' + b"y" * 8000 + b'"\r\n') * 30),
}  # fmt: skip


def grown() -> dict[str, int]:
    """Octets that a process grows by for each of many tests at once, servers included. Runs in a process of its own."""
    rows: dict[str, Callable[[], tuple[Scripted, ...]]] = {}
    for turn in PLACES:
        for title, row in DEEDS.items():
            rows[f"{turn} {title}"] = lambda turn=turn, deed=row.deed: turning(turn, deed)  # type: ignore[misc]
    (folders,) = (turn for turn in LATER if (turn.mode, turn.command) == (Mode.TLS, b"LIST"))
    for title, deed in LITERALS.items():
        rows[title] = lambda deed=deed: turning(folders, deed)  # type: ignore[misc]
    for protocol in (IMAP, POP3, SMTP):
        rows[f"{protocol} a huge certificate"] = lambda protocol=protocol: (hostile.with_a_huge_certificate(protocol),)  # type: ignore[misc]
    polite = [lambda turn=turn: turning(turn, hostile.hang_up) for turn in PLACES]  # type: ignore[misc]
    run_all(polite * COPIES, BRIEF)  # whatever is made once, and room for as many connections
    found = {}
    for title, made in rows.items():
        found[title] = _growth(made)
        if found[title] >= MEGABYTE // 2:  # what grows each time is no chance
            found[title] = min(found[title], _growth(made))
    return found


def _growth(made: Callable[[], tuple[Scripted, ...]]) -> int:
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from now on (proc(5))
    run_all([made] * COPIES, BRIEF)
    return max(0, _resident("VmHWM") - before) // COPIES


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of resident memory is read from Linux's /proc")
def test_each_grows_memory_by_less_than_a_megabyte() -> None:
    program = "import django; django.setup(); import json; from tests.test_hostile_everywhere import grown; print(json.dumps(grown()))"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, env=environment, check=True
    )
    found = json.loads(ran.stdout.splitlines()[-1])
    assert len(found) == len(PLACES) * len(DEEDS) + len(LITERALS) + 3
    assert {title: octets for title, octets in found.items() if octets >= MEGABYTE} == {}
