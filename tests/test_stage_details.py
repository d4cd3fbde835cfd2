"""What a stage found beside its outcome: each fact has words for visitors, in each language."""

from __future__ import annotations

import pytest
from django.utils import translation

from guides.mail.accounts import Protocol, Security
from guides.mail.connection.probes import SEEN_AT, SILENT_SINCE
from guides.mail.connection.sizes import in_words, octets_in_words
from guides.mail.diagnosis.patterns import Pattern
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult
from guides.mail.vetting import HostFault
from guides.views import labels
from guides.views.result_page import StageRow
from tests.scripted import Imap, Pop3, Ran, Smtp, run_against

# Told in sentences of their own, or for programs only.
ELSEWHERE = {"also", SEEN_AT, SILENT_SINCE}


def facts(result: StageResult, language: str = "en") -> dict[str, str]:
    with translation.override(language):
        return {str(name): str(value) for name, value in StageRow("x", "y", result).facts}


def runs() -> list[Ran]:
    return [
        run_against(Imap(), Pop3(), Smtp()),
        run_against(Imap(security=Security.STARTTLS)),
        run_against(Imap(greeting=b"+OK POP3")),
        run_against(Imap(capabilities=b"IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2")),
        run_against(Smtp(ehlo=(b"250-x", b"250 AUTH XOAUTH2"))),
        run_against(Imap(certificate="expired")),
        run_against(Imap(), reach=lambda one: one.server(port=1)),
        run_against(Imap(), reach=lambda one: one.server(host="mail.lan")),
        run_against(Imap(), reach=lambda one: one.server(port=143, security=Security.TLS)),
        run_against(Imap(quota=b"* QUOTA root (STORAGE 95 100)")),
    ]


def test_every_fact_has_words() -> None:
    found = {name for ran in runs() for stage in ran.stages for name in stage.details}
    assert found - ELSEWHERE <= labels.DETAILS.keys()
    assert found >= {"offered", "mechanisms", "speaks", "usual_port", "usual_security", "fault", "idle", "attempts"}


@pytest.mark.parametrize("language", ["ja", "ru"])
def test_in_each_language(language: str) -> None:
    for name, words in labels.DETAILS.items():
        with translation.override("en"):
            english = str(words)
        with translation.override(language):
            assert str(words) != english, name


def test_what_the_server_offers_is_shown() -> None:
    ran = run_against(Smtp(ehlo=(b"250-x", b"250-SIZE 36700160", b"250-8BITMIME", b"250 AUTH PLAIN")))
    offers = facts(ran.stage(Leg.SMTP, Stage.CAPABILITIES))
    assert offers == {"What it announces": "8BITMIME AUTH SIZE", "Largest message": "35 MB"}


@pytest.mark.parametrize("size", [b"SIZE", b"SIZE 0", b"SIZE many", b"SIZE -5", b"SIZE " + b"9" * 40])
def test_a_size_that_says_nothing_is_left_out(size: bytes) -> None:
    ran = run_against(Smtp(ehlo=(b"250-x", b"250-" + size, b"250 AUTH PLAIN")))
    assert "Largest message" not in facts(ran.stage(Leg.SMTP, Stage.CAPABILITIES))


@pytest.mark.parametrize(
    ("octets", "words"), [("1024", "1 KB"), ("1536", "1.5 KB"), ("52428800", "50 MB"), ("0", ""), ("", ""), ("٣", "")]
)
def test_sizes(octets: str, words: str) -> None:
    assert octets_in_words(octets) == words
    assert in_words(3 * 1024**3) == "3 TB"


@pytest.mark.parametrize(
    ("extra", "words"), [(b" IDLE", "yes"), (b"", "no, mail programs look for it every few minutes")]
)
def test_whether_new_mail_is_shown_at_once(extra: bytes, words: str) -> None:
    ran = run_against(Imap(capabilities=b"IMAP4rev1 AUTH=PLAIN" + extra))
    assert facts(ran.stage(Leg.IMAP, Stage.MAILBOX))["New mail is shown at once (IDLE)"] == words


def test_which_port_belongs_to_which_encryption() -> None:
    ran = run_against(Imap(), reach=lambda one: one.server(port=143, security=Security.TLS))
    wrong = facts(ran.stage(Leg.IMAP, Stage.INPUT))
    assert wrong == {"Usual port for this encryption": "993", "Usual encryption at this port": "STARTTLS"}


def test_which_protocol_answers_and_what_is_wrong_with_a_name() -> None:
    speaks = run_against(Imap(greeting=b"+OK POP3")).last(Leg.IMAP)
    assert facts(speaks)["What answers there"] == str(labels.PROTOCOLS[Protocol.POP3])
    fault = run_against(Imap(), reach=lambda one: one.server(host="mail.lan")).last(Leg.IMAP)
    assert facts(fault, "en") == {"What is wrong with the name": "it belongs to a private network"}
    for name in HostFault.__args__:  # type: ignore[attr-defined]
        assert ("fault", name) in labels.WORDS_IN_DETAILS


@pytest.mark.parametrize(("language", "words"), [("en", "refused"), ("ja", "拒否"), ("ru", "отказ")])
def test_how_each_attempt_ended_is_told_in_words(language: str, words: str) -> None:
    refused = run_against(Imap(), reach=lambda one: one.server(port=1)).last(Leg.IMAP)
    (told,) = facts(refused, language).values()
    assert words in told
    assert "tcp." not in told
    assert told.startswith("127.0.0.1 ")


# --- whose network it is ---------------------------------------------------------------------------------------


def of_the_network(expression: str, cause: str) -> Pattern:
    return Pattern("network", expression, cause, "an-article", Owner.SENDER_NETWORK)


def test_the_network_that_sends_in_a_live_test_is_the_portals() -> None:
    """What is the sender's network in a bounce is this portal's here, whatever a pattern calls the cause."""
    pattern = of_the_network("unexpected volume", "smtp.rate_limit")
    ran = run_against(Smtp(mail=b"421 4.7.0 deferred due to unexpected volume"), patterns=(pattern,))
    last = ran.last(Leg.SMTP)
    assert (last.outcome, last.owner, last.cause) == (Outcome.OURS, Owner.PORTAL, "smtp.rate_limit")
    assert (ran.verdict.outcome, ran.verdict.owner) == (Outcome.OURS, Owner.PORTAL)


def test_nor_is_it_anybody_elses_among_several_causes() -> None:
    patterns = (of_the_network("frog", "smtp.rate_limit"), Pattern("alpha", "blue", "smtp.daily_quota"))
    last = run_against(Smtp(mail=b"550 blue frog"), patterns=patterns).last(Leg.SMTP)
    assert [(cause.name, cause.owner) for cause in last.causes] == [
        ("smtp.daily_quota", Owner.VISITOR),
        ("smtp.rate_limit", Owner.PORTAL),
    ]
