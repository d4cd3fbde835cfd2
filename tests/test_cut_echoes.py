"""A server repeats the password and is cut off within it, by itself or by a limit: no part of it is shown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from guides.mail.accounts import Protocol
from guides.mail.outcomes import Leg, Stage
from tests.hostile import IMAP, POP3, SMTP, Deed, Mode, Phase, Stand, hang_up, saying, server_at
from tests.scripted import Connection, run_against
from tests.tables import each_row
from tests.test_hostile_servers import limits_of

SECRET = "#!$#!!$#$!#$!"  # none of its octets is in what is shown around it
SASL = b64encode(b"\0anna.kovacs@example.test\0" + SECRET.encode())
BLANKS = b" " * 600  # more than is shown, and left out of what is shown
LONG = "é".encode() * 248


def told(echo: bytes) -> Deed:
    """Say it and hang up."""

    async def deed(connection: Connection, stand: Stand) -> None:
        connection.writer.write(stand.prefix + echo)
        await connection.writer.drain()
        await hang_up(connection, stand)

    return deed


ENDS: dict[str, Callable[[bytes], Deed]] = {
    "cut off": told,
    "in silence": lambda echo: saying(b"no " + echo),
    "by the limit of a line": lambda echo: saying(echo + b"x" * 9000),
    "by a bare CR": lambda echo: saying(echo + b" \rx\r\n"),
}


CASES = [
    (protocol, echo, end, before)
    for protocol, echo in ((IMAP, SASL), (POP3, SECRET.encode()), (SMTP, SASL))
    for end in ENDS
    for before in (b"no: ", BLANKS, LONG, SECRET.encode() * 40)
    if end == "cut off" or before in (LONG, BLANKS)
]


@each_row(("protocol", "echo", "end", "before"), CASES)
def test_no_part_of_an_echo_is_shown(protocol: Protocol, echo: bytes, end: str, before: bytes) -> None:
    phase = Phase.MAILBOX if protocol is POP3 else Phase.LOGIN  # POP3's USER comes before its PASS
    is_by_server = end in ("cut off", "in silence")
    for length in (1, len(echo) // 2, len(echo) - 1, len(echo)) if is_by_server else (len(echo),):
        server = server_at(Stand(protocol, Mode.TLS, phase), ENDS[end](before + echo[:length]))
        limits = limits_of(0.1 if end == "in silence" else 3.0)
        last = run_against(server, password=SECRET, limits=limits).last(Leg(protocol))
        assert last.stage is Stage.LOGIN
        (evidence,) = last.evidence
        assert not any(char in "#!$" for char in evidence.text)
        assert SASL[:6].decode() not in evidence.text
