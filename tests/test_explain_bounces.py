"""The corpus of bounces is explained right; where an answer is given as sure, it is right more often still."""

import pytest

from guides.mail.diagnosis.bounces import Kind
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.explain import diagnose
from tests.bounces import Case, all_cases
from tests.bounces.measure import measured
from tests.bounces.shapes import RECIPIENT, fields, head, original, plain, report
from tests.tables import each_row

pytestmark = pytest.mark.long

CASES = all_cases()


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(CASES) >= 150
    languages = {language: sum(case.language == language for case in CASES) for language in ("ja", "en", "ru", "de")}
    assert min(languages.values()) >= 10, languages
    assert {case.cause for case in CASES} | {name for case in CASES for name in case.also} <= CLASSES


def test_ninety_five_of_a_hundred_are_right_and_of_the_sure_ones_ninety_eight() -> None:
    figures = measured(CASES)
    assert figures.right >= 0.95 * figures.cases, figures.wrong
    assert figures.sure >= 0.8 * figures.cases
    assert figures.sure_and_right >= 0.98 * figures.sure, figures.wrong


@each_row("case", CASES)
def test_every_bounce_is_seen_as_what_it_is(case: Case) -> None:
    bounce = diagnose(case.data).bounce
    if case.name == "bounce-of-a-bounce":  # a person writes, and quotes
        return
    assert bounce is not None
    wanted = {
        "auto.delayed": Kind.DELAYED,
        "auto.delivered": Kind.DELIVERED,
        "auto.feedback": Kind.FEEDBACK,
        "auto.vacation": Kind.VACATION,
        "auto.challenge": Kind.CHALLENGE,
    }
    assert bounce.kind is wanted.get(case.cause, Kind.FAILURE)


def test_the_fields_of_a_report_are_read() -> None:
    data = report(
        "Undelivered Mail Returned to Sender",
        "See below.",
        fields("550 5.1.1 User unknown", status="5.1.1")
        + "\n\nOriginal-Recipient: rfc822;carl@there.example\nFinal-Recipient: rfc822;<carl.c@there.example>\n"
        "Action: delayed\nStatus: 4.2.2\nRemote-MTA: dns; mx2.there.example\n"
        "Diagnostic-Code: smtp; 452 4.2.2 mailbox\n full, try later",
        ending="\r\n",
    )
    found = diagnose(data)
    assert found.bounce is not None
    assert found.bounce.reporter == "mx.reporter.example"
    assert found.bounce.sender_domain == "sender.example"
    first, second = found.bounce.recipients
    assert (first.address, first.action, first.status, first.cause) == (RECIPIENT, "failed", "5.1.1", "rcpt.unknown")
    assert (second.address, second.action, second.remote) == ("carl.c@there.example", "delayed", "mx2.there.example")
    assert second.diagnostic == "smtp; 452 4.2.2 mailbox full, try later"
    assert second.cause == "rcpt.full"
    assert [cause.name for cause in found.causes] == ["rcpt.unknown"]  # the delayed one has not failed


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_ending_will_do(ending: str) -> None:
    data = report("Undelivered Mail", "See below.", fields("552 5.2.2 Over quota", status="5.2.2"), ending=ending)
    found = diagnose(data)
    assert found.causes[0].name == "rcpt.full"
    assert found.bounce is not None
    assert found.bounce.recipients[0].address == RECIPIENT


def test_the_returned_message_says_nothing_of_the_cause() -> None:
    assert "viruses" in original()
    data = plain("Undelivered", f"Your message was not delivered.\n\n----- Original message -----\n{original()}")
    assert "smtp.virus" not in [cause.name for cause in diagnose(data).causes]


def test_a_code_alone_is_never_sure() -> None:
    for status in ("5.1.1", "5.2.2", "5.7.1", "5.7.9", "4.4.7", "5.0.0"):
        data = report("Undelivered Mail", "Failed.", fields("550 refused: #12345", status=status))
        assert not diagnose(data).sure, status


def test_an_ip_address_is_no_code() -> None:
    data = plain("Undelivered", "Your message was not delivered, said 91.195.1.10 and 5.1.1.9.")
    assert "rcpt.unknown" not in [cause.name for cause in diagnose(data).causes]


def test_the_innermost_reply_counts() -> None:
    said = "554 5.7.1 rejected: host inner.example said: 552 5.2.2 mailbox is over its quota"
    found = diagnose(report("Undelivered Mail", "Failed.", fields(said, status="5.7.1")))
    assert found.causes[0].name == "rcpt.full"
    assert found.causes[0].code == "552 5.2.2"


def test_a_forwarded_bounce_is_found_within() -> None:
    bounce = report("Undelivered Mail", "See below.", fields("550 5.1.1 User unknown", status="5.1.1"))
    outer = (
        (
            head(
                "Fwd: what is this?",
                "Carl <carl@sender.example>",
                "MIME-Version: 1.0",
                'Content-Type: multipart/mixed; boundary="o"',
            )
            + "\n\n--o\nContent-Type: text/plain\n\nCan you help?\n\n--o\nContent-Type: message/rfc822\n\n"
        ).encode()
        + bounce
        + b"\n--o--\n"
    )
    found = diagnose(outer)
    assert found.causes[0].name == "rcpt.unknown"
    assert found.bounce is not None
    assert found.bounce.recipients[0].address == RECIPIENT


def test_of_a_mailbox_file_the_first_message_is_read() -> None:
    first = report("Undelivered Mail", "See below.", fields("550 5.1.1 User unknown", status="5.1.1"))
    second = report("Undelivered Mail", "See below.", fields("552 5.2.2 Over quota", status="5.2.2"))
    line = b"From MAILER-DAEMON Tue Nov 24 10:00:00 2026\n"
    found = diagnose(line + first + b"\n\n" + line + second)
    assert [cause.name for cause in found.causes] == ["rcpt.unknown"]
    assert found.bounce is not None
    assert len(found.bounce.recipients) == 1


def test_a_bounce_is_known_by_its_subject_an_answer_to_one_is_not() -> None:
    own = plain("failure notice", "The box is gone.", sender="Admin <info@there.example>")
    own = own.replace(b"Return-Path: <>", b"Return-Path: <info@there.example>")
    assert diagnose(own).bounce is not None
    assert diagnose(own.replace(b"Subject: ", b"Subject: Re: ")).bounce is None


def test_an_ordinary_message_is_no_bounce() -> None:
    data = plain("Lunch", "Shall we meet at noon?", sender="Boris <boris@there.example>").replace(
        b"Return-Path: <>\n", b""
    )
    assert diagnose(data).bounce is None
    assert diagnose(data).causes == ()


def test_whom_to_complain_to_is_nobodys_recipient() -> None:
    text = (
        "From: MAILER-DAEMON@example.net\nSubject: Undelivered Mail Returned to Sender\n\n"
        "<boris@mail.ru>: host mxs.mail.ru said: 550 spam message rejected. Please visit\n"
        "    http://help.mail.ru/notspam-support/id?c=abc or report details to abuse@corp.mail.ru\n"
    )
    found = diagnose(text)
    assert found.bounce is not None
    assert [recipient.address for recipient in found.bounce.recipients] == ["boris@mail.ru"]
