"""SASL: the mechanisms' own examples, and what a lying, broken or greedy server comes to."""

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest

from guides.mail.accounts import AuthMethod, PasswordKind
from guides.mail.connection.sasl import Exchange, Mechanism, choose, needs_plain
from guides.mail.connection.scram import MAX_ITERATIONS, Scram, ScramFault, is_prepared, saslprep
from guides.mail.connection.session import StageFault
from guides.mail.outcomes import Leg, Outcome
from guides.mail.secret import Secret
from tests.scripted import ADDRESS, PASSWORD, Imap, Pop3, Scripted, Smtp, run_against

# --- SCRAM -----------------------------------------------------------------------------------------------

RFC_EXAMPLES = {  # RFC 5802 section 5, RFC 7677 section 3
    "sha1": (
        "fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    "sha256": (
        "rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
}


@pytest.mark.parametrize("digest", RFC_EXAMPLES)
def test_the_examples_of_the_rfcs(digest: str) -> None:
    nonce, server_first, client_final, server_final = RFC_EXAMPLES[digest]
    scram = Scram(digest, "user", b"pencil", nonce)
    assert scram.first() == b"n,,n=user,r=" + nonce.encode()
    assert asyncio.run(scram.final(server_first)) == client_final
    assert scram.verifies(server_final)
    assert not scram.verifies(b"v=" + b64encode(b"x" * 20))
    assert not scram.verifies(b"v=!")
    assert not scram.verifies(b"e=other-error")
    assert not Scram(digest, "user", b"pencil", nonce).verifies(server_final)  # nothing has been asked yet


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"r=mine-and-yours,s=QQ==",
        b"m=must,r=mine-and-yours,s=QQ==,i=4096",
        b"s=QQ==,r=mine-and-yours,i=4096",
        b"r=mine-and,s=QQ==,i=4096",  # the server adds nothing of its own
        b"r=yours,s=QQ==,i=4096",
        b"r=mine-and-yours,s=!!,i=4096",
        b"r=mine-and-yours,s=QQ==,i=0",
        b"r=mine-and-yours,s=QQ==,i=-1",
        b"r=mine-and-yours,s=QQ==,i=",
        b"r=mine-and-yours,s=QQ==,i=%d" % (MAX_ITERATIONS + 1),
        b"r=mine-and-yours,s=QQ==,i=1" + b"0" * 30,
    ],
)
def test_a_first_message_that_makes_no_sense(message: bytes) -> None:
    scram = Scram("sha256", "user", b"pencil", "mine-and")
    with pytest.raises(ScramFault):
        asyncio.run(scram.final(message))
    assert asyncio.run(scram.final(b"r=mine-and-yours,s=QQ==,i=20000"))  # counted in a thread


def test_a_name_with_the_grammars_own_signs() -> None:
    assert Scram("sha1", "a=b,c", b"x", "n").first() == b"n,,n=a=3Db=2Cc,r=n"


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("user", "user"),
        ("I\u00adX", "IX"),  # RFC 4013 section 3
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        (" пароль ", " пароль "),
        ("パスワード", "パスワード"),
        ("\u0627\u0628", "\u0627\u0628"),
        ("", ""),
    ],
)
def test_saslprep(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared
    assert is_prepared(text) is (text == prepared)


@pytest.mark.parametrize("text", ["\x07", "\u0627\x31", "a\u0627", "\u200e", "🗝", "\ufdd0", "\ue000"])
def test_what_saslprep_prohibits(text: str) -> None:
    with pytest.raises(ValueError, match=r"prohibited|directions"):
        saslprep(text)
    assert not is_prepared(text)


# --- choosing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "settings", "chosen"),
    [
        ("PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5", {}, Mechanism.SCRAM_SHA_256),
        ("PLAIN SCRAM-SHA-1", {}, Mechanism.SCRAM_SHA_1),
        ("CRAM-MD5 LOGIN", {}, Mechanism.LOGIN),
        ("CRAM-MD5 GSSAPI", {}, Mechanism.CRAM_MD5),
        ("XOAUTH2 OAUTHBEARER GSSAPI", {}, None),
        ("PLAIN XOAUTH2 OAUTHBEARER", {"token": True}, Mechanism.OAUTHBEARER),
        ("PLAIN XOAUTH2", {"token": True}, Mechanism.XOAUTH2),
        ("PLAIN LOGIN", {"token": True}, None),
        ("SCRAM-SHA-256 LOGIN", {"plain_first": True}, Mechanism.LOGIN),
        ("SCRAM-SHA-256", {"plain_first": True}, Mechanism.SCRAM_SHA_256),
    ],
)
def test_the_best_that_is_offered(offered: str, settings: dict[str, bool], chosen: Mechanism | None) -> None:
    assert choose(offered.split(), **settings) is chosen


def test_what_scram_would_change_goes_by_plain() -> None:
    assert not needs_plain("anna", Secret("pencil"))
    assert not needs_plain("анна", Secret("пароль"))
    assert needs_plain("anna", Secret("one\u00a0two"))
    assert needs_plain("a\u00adb", Secret("pencil"))
    assert needs_plain("anna", Secret("🗝"))


def test_cram_md5s_own_example() -> None:  # RFC 2195 section 2
    exchange = Exchange(Mechanism.CRAM_MD5, "tim", Secret("tanstaaftanstaaf"))
    assert exchange.initial(100) is None
    challenge = b64encode(b"<1896.697170952@postoffice.reston.mci.net>")
    answer = asyncio.run(exchange.next_answer(challenge))
    assert b64decode(answer) == b"tim b913a602c7eda7a495b4e6e7334d3890"
    with pytest.raises(StageFault):
        asyncio.run(exchange.next_answer(challenge))


def test_an_exchange_gives_nothing_away() -> None:
    for mechanism in Mechanism:
        exchange = Exchange(mechanism, "anna", Secret("pencil"))
        assert repr(exchange) == f"<Exchange {mechanism}>"
    assert repr(Scram("sha1", "anna", b"pencil")) == "<Scram sha1>"


# --- against servers -------------------------------------------------------------------------------------

SALT, ITERATIONS = b"salt of the tests", 4096


class ScramServer:
    """The server's side. Its methods are challenges for a scripted server."""

    def __init__(self, digest: str, password: str = PASSWORD) -> None:
        self.digest = digest
        self.salted = hashlib.pbkdf2_hmac(digest, password.encode(), SALT, ITERATIONS)

    def first(self, said: bytes) -> bytes:
        message = b64decode(said.split()[-1])
        self.bare = message.removeprefix(b"n,,")
        nonce = self.bare.partition(b",r=")[2] + b"servers-own"
        self.sent = b"r=%s,s=%s,i=%d" % (nonce, b64encode(SALT), ITERATIONS)
        return b64encode(self.sent)

    def final(self, said: bytes) -> bytes:
        without_proof, _, proof = b64decode(said.split()[-1]).rpartition(b",p=")
        auth_message = b",".join((self.bare, self.sent, without_proof))
        stored = hashlib.new(self.digest, self.hmac(self.salted, b"Client Key")).digest()
        signature = self.hmac(stored, auth_message)
        key = bytes(a ^ b for a, b in zip(b64decode(proof), signature, strict=True))
        self.is_proved = hashlib.new(self.digest, key).digest() == stored
        if not self.is_proved:
            return b64encode(b"e=invalid-proof")
        return b64encode(b"v=" + b64encode(self.hmac(self.hmac(self.salted, b"Server Key"), auth_message)))

    def hmac(self, key: bytes, text: bytes) -> bytes:
        return hmac.new(key, text, self.digest).digest()


Challenges = tuple[bytes | Callable[[bytes], bytes], ...]


def offering(leg: Leg, mechanism: str, challenges: Challenges, **changes: object) -> Scripted:
    """A server of a protocol that offers one mechanism, with a success or refusal of its own kind."""
    if leg is Leg.IMAP:
        refusal = {"login": b"NO [AUTHENTICATIONFAILED] no"} if changes.pop("refuses", False) else {}
        capabilities = f"IMAP4rev1 LOGINDISABLED AUTH={mechanism}".encode() + (
            b" SASL-IR" if changes.pop("initial", True) else b""
        )
        return Imap(capabilities=capabilities, challenges=challenges, **refusal)  # type: ignore[arg-type]
    if leg is Leg.POP3:
        refusal = {"login": b"-ERR [AUTH] no"} if changes.pop("refuses", False) else {}
        return Pop3(capabilities=(f"SASL {mechanism}".encode(), b"UIDL", b"TOP"), challenges=challenges, **refusal)  # type: ignore[arg-type]
    refused = {"login": (b"535 5.7.8 no",)} if changes.pop("refuses", False) else {}
    return Smtp(ehlo=(b"250-x", f"250 AUTH {mechanism}".encode()), challenges=challenges, **refused)  # type: ignore[arg-type]


LEGS = (Leg.IMAP, Leg.POP3, Leg.SMTP)
SCRAMS = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("mechanism", SCRAMS)
def test_scram_proves_both_sides(leg: Leg, mechanism: str) -> None:
    other_side = ScramServer(SCRAMS[mechanism])
    server = offering(leg, mechanism, (other_side.first, other_side.final))
    ran = run_against(server)
    assert ran.verdict.outcome is Outcome.OK
    assert other_side.is_proved
    login = next(stage for stage in ran.of(leg) if stage.stage == "login")
    assert login.details["mechanism"] == mechanism
    assert server.logins == 1


def test_scram_without_an_initial_response() -> None:
    other_side = ScramServer("sha256")
    server = offering(Leg.IMAP, "SCRAM-SHA-256", (other_side.first, other_side.final), initial=False)
    assert run_against(server).verdict.outcome is Outcome.OK


@pytest.mark.parametrize("leg", LEGS)
def test_scram_with_a_wrong_password_is_tried_once(leg: Leg) -> None:
    other_side = ScramServer("sha256", "another")
    server = offering(leg, "SCRAM-SHA-256", (other_side.first, other_side.final), refuses=True)
    last = run_against(server).last(leg)
    assert (last.stage, last.outcome, last.cause) == ("login", "fail", "auth.rejected")
    assert server.logins == 1


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize(
    ("challenges", "cause"),
    [
        ((b64encode(b"r=x,s=QQ==,i=1"),), "auth.protocol_error"),
        ((b"!not base64!",), "net.protocol"),
        (("first", b64encode(b"v=" + b64encode(b"x" * 32))), "auth.protocol_error"),
        (("first",), "auth.protocol_error"),  # "done", without a proof
        ((), "auth.protocol_error"),
        (("first", "final", b""), "net.protocol"),
    ],
)
def test_a_server_that_does_not_prove_itself(leg: Leg, challenges: tuple[bytes | str, ...], cause: str) -> None:
    other_side = ScramServer("sha256")
    made: Challenges = tuple(getattr(other_side, one) if isinstance(one, str) else one for one in challenges)
    last = run_against(offering(leg, "SCRAM-SHA-256", made)).last(leg)
    assert (last.stage, last.outcome, last.cause) == ("login", "fail", cause)


TOKEN = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_signs_in(leg: Leg, mechanism: str) -> None:
    server = offering(leg, mechanism, ())
    ran = run_against(
        server,
        password=TOKEN,
        token=True,
        kind=PasswordKind.OAUTH2,
        reach=lambda one: one.server(auth=(AuthMethod.OAUTH2,)),
    )
    assert ran.verdict.outcome is Outcome.OK
    sent = b64decode(server.last_login.split()[-1])
    assert (
        sent
        == (
            f"user={ADDRESS}\1auth=Bearer {TOKEN}\1\1"
            if mechanism == "XOAUTH2"
            else f"n,a={ADDRESS},\1auth=Bearer {TOKEN}\1\1"
        ).encode()
    )


@pytest.mark.parametrize("leg", LEGS)
@pytest.mark.parametrize(("mechanism", "answer"), [("XOAUTH2", b""), ("OAUTHBEARER", b64encode(b"\1"))])
def test_a_refused_token_is_answered_before_the_reply_is_read(leg: Leg, mechanism: str, answer: bytes) -> None:
    complaint = f'{{"status":"401","schemes":"bearer","echo":"{TOKEN}"}}'.encode()
    server = offering(leg, mechanism, (b64encode(complaint),), refuses=True)
    ran = run_against(server, password=TOKEN, token=True)
    last = ran.last(leg)
    assert (last.stage, last.outcome, last.cause) == ("login", "fail", "auth.oauth_token_expired")
    assert '"status":"401"' in last.evidence[0].text
    assert TOKEN not in repr(ran.stages)
    assert server.last_login.endswith(b" " + answer)
    assert server.logins == 1


@pytest.mark.parametrize("leg", LEGS)
def test_a_server_that_refuses_a_token_and_calls_it_done(leg: Leg) -> None:
    server = offering(leg, "XOAUTH2", (b64encode(b"{}"),))
    assert run_against(server, password=TOKEN, token=True).last(leg).cause == "auth.protocol_error"
    server = offering(leg, "XOAUTH2", (b64encode(b"{}"), b64encode(b"{}")))
    assert run_against(server, password=TOKEN, token=True).last(leg).cause == "net.protocol"


@pytest.mark.parametrize("leg", LEGS)
def test_a_token_where_only_passwords_are_taken(leg: Leg) -> None:
    server = offering(leg, "PLAIN", ())
    last = run_against(server, password=TOKEN, token=True).last(leg)
    assert (last.stage, last.cause) == ("capabilities", "cap.mech_missing")
    assert server.logins == 0


@pytest.mark.parametrize("token", ["with a blank", "with\1control", "ümlaut", "a\tb"])
def test_what_is_no_token_is_not_sent(token: str) -> None:
    server = Imap(capabilities=b"IMAP4rev1 AUTH=XOAUTH2 SASL-IR")
    last = run_against(server, password=token, token=True).last(Leg.IMAP)
    assert (last.stage, last.outcome, last.cause) == ("input", "fail", "input.password_shape")
    assert server.connections == 0


@pytest.mark.parametrize("leg", LEGS)
def test_names_and_passwords_of_other_scripts(leg: Leg) -> None:
    other_side = ScramServer("sha256", "пароль 秘密")
    server = offering(leg, "SCRAM-SHA-256", (other_side.first, other_side.final))
    ran = run_against(server, username="анна@пример.example", password="пароль 秘密")
    assert ran.verdict.outcome in (Outcome.OK, Outcome.WARN)
    assert "n=анна@пример.example,".encode() in other_side.bare


@pytest.mark.parametrize("leg", LEGS)
def test_cram_md5_against_a_server(leg: Leg) -> None:
    server = offering(leg, "CRAM-MD5", (b64encode(b"<1@x>"),))
    assert run_against(server).verdict.outcome is Outcome.OK
    digest = hmac.new(PASSWORD.encode(), b"<1@x>", "md5").hexdigest()
    assert b64decode(server.last_login.split()[-1]) == f"{ADDRESS} {digest}".encode()
