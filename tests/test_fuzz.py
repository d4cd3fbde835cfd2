"""The fuzz target's short form: its corpus, and what hypothesis makes; and random servers against the whole test."""

from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Leg, Outcome
from tests.fuzz.replies import PARSERS, one_input
from tests.hostile import GREETINGS, Connection
from tests.scripted import HOST, PASSWORD, Imap, Pop3, Scripted, Smtp, run_against
from tests.test_hostile_servers import BRIEF

CORPUS = sorted((Path(__file__).parent / "fuzz" / "corpus").iterdir())


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_the_corpus(file: Path) -> None:
    one_input(file.read_bytes())


def test_the_corpus_reaches_every_parser() -> None:
    assert {file.read_bytes()[0] for file in CORPUS} == set(range(len(PARSERS)))


# Pieces of the three protocols' grammars, whole and broken.
PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b"\0", b" ", b"* ", b"+ ", b"a1 ", b"a2 ", b"a3 ", b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH",
        b"+OK", b"-ERR", b"220 ", b"250-", b"250 ", b"334 ", b"535 5.7.8 ", b"235 ", b"CAPABILITY IMAP4rev1 AUTH=PLAIN",
        b"[CAPABILITY ", b"[ALERT]", b"[", b"]", b"(", b")", b'"', b"\\", b"{3}\r\n", b"{-1}", b"{999999999999}", b"SEARCH 1 2",
        b"QUOTA r (STORAGE 9 9)", b'LIST (\\Sent) "/" Sent', b"FETCH (UID 7 token)", b"AUTH PLAIN LOGIN", b".", b"STLS",
        b"USER", b"SASL SCRAM-SHA-256", b"r=nonce1,s=QQ==,i=1", b"cj1ub25jZTEscz1RUT09LGk9MQ==", b"v=QQ==", b"\xff\xfe",
        "\u202e\u2066".encode(), b"\x1b[31m", b"</script>", PASSWORD.encode(), b"x" * 9000,
    ]
)  # fmt: skip
BYTES = st.lists(PIECES | st.binary(max_size=40), max_size=40).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(parser=st.integers(0, len(PARSERS) - 1), data=BYTES)
def test_parsers_take_anything(parser: int, data: bytes) -> None:
    one_input(bytes((parser,)) + data)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from([Imap, Pop3, Smtp]), greets=st.booleans(), answers=st.lists(BYTES, max_size=6))
def test_a_random_server_ends_in_a_verdict(kind: type[Scripted], greets: bool, answers: list[bytes]) -> None:
    """Whatever it sends for each line it hears, each stage is reported once, with a class, and shows nothing harmful."""
    server = kind()

    async def talk(connection: Connection) -> None:
        if greets:
            await connection.say(GREETINGS[server.protocol])
        for answer in answers:
            connection.writer.write(answer)
            await connection.writer.drain()
            await asyncio.wait_for(connection.hear(), 0.2)

    async def answer_or_leave(connection: Connection) -> None:
        try:
            await talk(connection)
        except TimeoutError:
            return

    server.talk = answer_or_leave
    ran = run_against(server, limits=BRIEF, hidden_hosts=frozenset({HOST}))  # hidden: no search for other settings
    assert ran.verdict.outcome in set(Outcome)
    for result in ran.of(Leg(server.protocol)):
        assert result.cause is None or result.cause in CLASSES
        assert result.cause != "unknown.unknown" or result.outcome is not Outcome.OURS, "our own code failed"
        for text in (*(evidence.text for evidence in result.evidence), *result.details.values()):
            assert PASSWORD not in text
            assert not any(unicodedata.category(char) in ("Cc", "Cf") and char != "\n" for char in text)
