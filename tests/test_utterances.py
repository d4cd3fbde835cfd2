"""A text is taken apart into utterances: who speaks, with which command, what is quoted."""

import pytest

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.bounces import Kind
from guides.mail.diagnosis.classes import ARTICLES, CLASSES, OWNERS, Context, owner_of
from guides.mail.diagnosis.enhanced import codes_in
from guides.mail.diagnosis.explain import diagnose
from guides.mail.diagnosis.masking import masked
from guides.mail.diagnosis.tls_libraries import REASONS, client_rules
from guides.mail.diagnosis.unwrapping import event_in, unwrapped
from guides.mail.diagnosis.utterances import Speaker, utterances
from guides.mail.outcomes import Owner
from tests.tables import each_row

TRANSCRIPT = (
    "----- Transcript of session follows -----\n"
    "... while talking to mx.there.example.:\n"
    ">>> RCPT To:<bob@there.example>\n"
    "<<< 550 5.7.1 This address is refused by our list\n"
    "550 5.1.1 <bob@there.example>... User unknown\n"
    ">>> QUIT\n"
    "<<< 421 4.7.0 too many errors\n"
)


def test_in_a_transcript_only_the_other_servers_lines_are_its_own() -> None:
    foreign, summary = [one for one in utterances(TRANSCRIPT, bounced=True) if one.direct]
    assert (foreign.speaker, foreign.command, foreign.code) == (Speaker.FOREIGN, "RCPT TO", "550 5.7.1")
    assert summary.speaker is Speaker.REPORTER


def test_the_command_is_carried_to_the_reply_below() -> None:
    text = "SMTP error from remote mail server after MAIL FROM:<anna@here.example>:\n550 5.1.7 no such domain"
    assert [one.command for one in utterances(text)][-1] == "MAIL FROM"


@each_row(
    ("text", "speaker"),
    [
        ("535 5.7.8 Bad credentials", Speaker.OWN),
        ("Cannot Get Mail. The password is wrong.", Speaker.DIALOG),
        ("x509: certificate signed by unknown authority", Speaker.SYSTEM),
        (
            "to=<b@there.example>, relay=mx[192.0.2.7]:25, status=bounced (host mx said: 550 no such user)",
            Speaker.FOREIGN,
        ),
        ("The server responded: 550 5.7.1 Unable to relay", Speaker.OWN),
    ],
)
def test_the_speaker_is_known(text: str, speaker: Speaker) -> None:
    assert utterances(text)[0].speaker is speaker


def test_the_protocol_is_known() -> None:
    assert utterances("-ERR no such mailbox")[0].protocol is Protocol.POP3
    assert utterances("550 5.1.1 no such user")[0].protocol is Protocol.SMTP


@each_row(
    "text",
    [
        "Connection refused: mail.here.example:465",
        "at com.here.Service.send(Service.java:246)",
        "Port: 587, SSL: No",
        "ポート番号 465",
        "the limit of 500 recipients",
    ],
)
def test_digits_that_begin_no_reply_are_no_code(text: str) -> None:
    assert codes_in(text) == ("", "")


def test_addresses_hosts_and_purposes_are_masked_in_place() -> None:
    line = (
        "550 <virus.found@there.example> at spoolfull.there.example refused to protect our users from spam. Then more"
    )
    seen = masked(line)
    assert len(seen) == len(line)
    assert not {"virus", "spoolfull", "spam"} & set(seen.replace(".", " ").split())
    assert "\n" in seen  # sentences are apart


def test_logs_and_stack_traces_are_unwrapped() -> None:
    assert unwrapped("Nov 12 10:00:00 mx postfix/smtp[12]: 550 no") == "550 no"
    assert unwrapped("mail_1  | 2026-11-12T10:00:00.123Z ERROR 535 no") == "535 no"
    assert unwrapped('Error: x\n    at Object.run (/srv/a.js:10:3)\n  File "a.py", line 550, in run') == "Error: x"
    assert unwrapped("pass-\nword is wrong") == "password is wrong"


def test_json_of_a_sending_service_is_read() -> None:
    event = event_in('{"event":"failed","delivery-status":{"code":552,"message":"mailbox is full"}}')
    assert event is not None
    assert event.kind is Kind.FAILURE
    assert "552 mailbox is full" in event.lines
    assert event_in("{no json") is None
    assert event_in("[" * 100_000) is None


def test_the_owner_follows_from_class_and_context() -> None:
    said = "550 5.7.1 <b@there.example>: Relay access denied"
    assert diagnose(said).causes[0].owner is Owner.VISITOR
    bounced = diagnose(f"<b@there.example>: host mx.there.example said: {said} (in reply to RCPT TO command)").causes[0]
    assert (bounced.name, bounced.owner, bounced.context) == ("smtp.relay_denied", Owner.RECIPIENT, Context.FOREIGN)


def test_each_class_has_an_owner_in_each_context() -> None:
    assert len(OWNERS) == len(CLASSES)
    told = {context: [owner_of(name, context) for name in OWNERS] for context in Context}
    assert {len(owners) for owners in told.values()} == {len(CLASSES)}
    dialog = told[Context.DIALOG]
    assert Owner.RECIPIENT not in {
        owner_of(name, Context.DIALOG) for name in OWNERS if name.startswith(("tls.", "tcp."))
    }
    assert dialog.count(Owner.VISITOR) > told[Context.FOREIGN].count(Owner.VISITOR)
    assert {name for name, _context in ARTICLES} <= CLASSES


@pytest.mark.parametrize(
    "text",
    [
        "APPEND failed: Quota exceeded",
        "Could not save the message to the Sent folder: quota exceeded",
        "Не удалось сохранить письмо в папке «Отправленные»: Quota exceeded",
        "送信済みフォルダーに保存できませんでした: Quota exceeded",
        "552 5.2.2 Sender mailbox over quota",
        "A01 NO [OVERQUOTA] Not enough disk quota",
    ],
)
def test_a_full_mailbox_of_the_visitors_own_is_not_told_as_the_recipients(text: str) -> None:
    first = diagnose(text).causes[0]
    assert (first.name, first.owner) == ("mbox.overquota", Owner.VISITOR)


@pytest.mark.parametrize(
    "text", ["552 5.2.2 Mailbox full", "An error occurred while sending mail: 552 5.2.2 Quota exceeded"]
)
def test_a_full_mailbox_of_a_recipient_stays_the_recipients(text: str) -> None:
    first = diagnose(text).causes[0]
    assert (first.name, first.owner) == ("rcpt.full", Owner.RECIPIENT)


def test_what_keeps_two_servers_apart_is_never_the_visitors_to_fix() -> None:
    apart = [name for (name, context), slug in ARTICLES.items() if slug == "recipient-server-unreachable"]
    assert len(apart) > 10
    assert {owner_of(name, Context.FOREIGN) for name in apart} == {Owner.NOBODY}


def test_each_tls_library_has_its_words_and_the_specific_reason_wins() -> None:
    assert len({library for row in REASONS.values() for library in row}) == 8
    hits = client_rules().hits("The certificate is NOT trusted. The certificate chain uses expired certificate.")
    assert hits[0].cause == "tls.cert_expired"
