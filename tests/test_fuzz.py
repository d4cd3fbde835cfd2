"""The fuzz target's short form: its corpus, and what hypothesis makes; and random servers against the whole test."""

from __future__ import annotations

import asyncio
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guides.mail.accounts import Server
from guides.mail.connection.plan import LEG_OF_PROTOCOL, stages_of
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Outcome
from tests.fuzz.replies import PARSERS, one_input
from tests.scripted import PASSWORD, Connection, Ran, Scripted
from tests.test_hostile_servers import limits_of
from tests.turning import GREETINGS, LATER, Turn, run_all, turning

BRIEF = limits_of(0.25)
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


@dataclass(frozen=True)
class Random:
    """A server that is polite up to some command, and from then on answers each line with whatever it likes."""

    turn: Turn
    answers: tuple[bytes, ...]

    def servers(self) -> tuple[Scripted, ...]:
        return turning(self.turn, self._answer)

    async def _answer(self, connection: Connection, _: object) -> None:
        with suppress(TimeoutError):
            for answer in self.answers:
                connection.writer.write(answer)
                await connection.writer.drain()
                await asyncio.wait_for(connection.hear(), 0.2)


TURNS = [*GREETINGS, *(turn for turn in LATER if not turn.delivers)]
RANDOM = st.builds(Random, turn=st.sampled_from(TURNS), answers=st.lists(BYTES, max_size=8).map(tuple))
_FAILED = (Outcome.FAIL, Outcome.UNCLEAR, Outcome.OURS)


@settings(max_examples=16, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(randoms=st.lists(RANDOM, min_size=8, max_size=8))
def test_a_random_server_ends_in_a_verdict(randoms: list[Random]) -> None:
    """Whatever it sends for each line it hears, each stage is reported once, with a class, and shows nothing harmful."""
    for one, ran in zip(randoms, run_all([one.servers for one in randoms], BRIEF), strict=True):
        check_whole(one.servers()[0].server(port=993), ran)


def check_whole(server: Server, ran: Ran) -> None:
    results = ran.of(LEG_OF_PROTOCOL[server.protocol])
    assert [result.stage for result in results] == list(stages_of(server))
    failed = [position for position, result in enumerate(results) if result.outcome in _FAILED]
    assert len(failed) <= 1
    behind = results[failed[0] + 1 :] if failed else []
    assert all(result.outcome is Outcome.BLOCKED for result in behind)
    assert sum(result.outcome is Outcome.BLOCKED for result in results) == len(behind)
    assert (ran.verdict.outcome in (Outcome.OK, Outcome.WARN)) is (failed == [])
    assert ran.verdict.legs == {results[0].leg: results[failed[0]].outcome if failed else ran.verdict.outcome}
    for result in results:
        has_cause = result.outcome in (*_FAILED, Outcome.WARN)
        assert (result.cause in CLASSES) if has_cause else result.cause is None
        assert result.cause != "unknown.unknown" or result.outcome is not Outcome.OURS, "our own code failed"
        for text in (*(evidence.text for evidence in result.evidence), *result.details.values()):
            assert PASSWORD not in text
            assert not any(unicodedata.category(char) in ("Cc", "Cf") and char != "\n" for char in text)
