"""Patterns that staff write."""

import pytest

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.patterns import Pattern, PatternFault, PatternSet, check_pattern
from guides.mail.outcomes import Owner, Stage


def found(patterns: list[Pattern], words: str, **where: object) -> str | None:
    place = {"protocol": Protocol.IMAP, "stage": Stage.LOGIN, "provider": None} | where
    match = PatternSet(patterns).match(words, **place)  # type: ignore[arg-type]
    return match.pattern.name if match else None


def test_it_works() -> None:
    patterns = PatternSet([Pattern("disk", r"(?i)quota exceeded", "mbox.overquota", "mailbox-full", Owner.VISITOR)])
    match = patterns.match("NO Quota exceeded, sorry", protocol=Protocol.IMAP, stage=Stage.MAILBOX, provider=None)
    assert match is not None
    assert match.text == "Quota exceeded"
    assert match.pattern.article == "mailbox-full"
    assert patterns.match("all is well", protocol=Protocol.IMAP, stage=Stage.MAILBOX, provider=None) is None


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "empty"),
        ("a" * 501, "500"),
        ("foo(?=bar)", "look-ahead"),
        ("(?!spam)mail", "look-ahead"),
        ("(?<=a)b", "look-behind"),
        ("(?<!a)b", "look-behind"),
        (r"(a)\1", "back references"),
        ("(open", "cannot read"),
        ("a{2000}", "cannot read"),
        (".*", "every text"),
        ("x?", "every text"),
        ("\ud800", "surrogate"),
    ],
)
def test_faults_say_what_is_wrong(expression: str, says: str) -> None:
    with pytest.raises(PatternFault, match=says):
        check_pattern(expression)


@pytest.mark.parametrize("expression", ["a" * 500, r"^535 5\.7\.8", "ящик .* переполнен", "容量"])
def test_good_expressions_pass(expression: str) -> None:
    check_pattern(expression)


def test_the_providers_own_come_first_then_the_places_then_priority() -> None:
    general = Pattern("general", "failed", "auth.rejected", priority=1)
    later = Pattern("later", "failed", "auth.rejected", priority=2)
    staged = Pattern("staged", "failed", "auth.rejected", stage=Stage.LOGIN, priority=90)
    own = Pattern("own", "failed", "auth.app_password_required", provider="yahoo", priority=100)
    everything = [later, general, staged, own]
    assert found(everything, "failed", provider="yahoo") == "own"
    assert found(everything, "failed", provider="other") == "staged"
    assert found(everything, "failed", stage=Stage.MAILBOX) == "general"
    assert found([later, general], "failed") == "general"


def test_a_pattern_is_tried_only_where_it_belongs() -> None:
    smtp = Pattern("smtp", "failed", "auth.rejected", protocol=Protocol.SMTP)
    assert found([smtp], "failed") is None
    assert found([smtp], "failed", protocol=Protocol.SMTP) == "smtp"
    assert found([smtp], "failed", protocol=None) == "smtp"  # a pasted text: the protocol is not known
    yahoo = Pattern("yahoo", "failed", "auth.rejected", provider="yahoo")
    assert found([yahoo], "failed") is None


def test_lines_are_read_one_by_one_and_cut() -> None:
    anchored = Pattern("anchored", "^b$", "auth.rejected")
    assert found([anchored], "a\nb\nc") == "anchored"
    late = Pattern("late", "needle", "auth.rejected")
    assert found([late], "x" * 4091 + "needle") is None
    assert found([late], "x" * 4089 + "\n" + "needle") == "late"
    assert found([late], "й" * 3000 + "needle") is None


def test_a_pattern_that_would_hang_others_engines_is_quick() -> None:
    evil = Pattern("evil", "(a|a)*(a|a)*b$", "auth.rejected")
    assert found([evil], ("a" * 4000 + "\n") * 20) is None
