"""The second opinion is small and quick, and takes sureness from an answer that reads like another class."""

import time

from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.explain import diagnose
from guides.mail.diagnosis.judging import HIGH, Basis, Cause
from guides.mail.diagnosis.second_opinion import WEIGHTS, confirmed, opinion
from guides.mail.outcomes import Owner

FULL = "550 5.2.2 the mailbox of the recipient is full, over quota"


def test_the_weights_are_small_and_name_classes() -> None:
    assert WEIGHTS.stat().st_size <= 1_000_000
    assert set(opinion(FULL)) <= CLASSES
    assert max(opinion(FULL), key=opinion(FULL).__getitem__) == "rcpt.full"
    assert opinion("") == {}


def test_an_opinion_takes_less_than_two_milliseconds() -> None:
    opinion(FULL)
    began = time.process_time()
    for _ in range(50):
        opinion(FULL)
    assert time.process_time() - began < 50 * 0.002


def test_an_answer_that_reads_like_another_class_is_not_sure() -> None:
    wrong = Cause("smtp.virus", Owner.VISITOR, 0.95)
    assert confirmed((wrong,), FULL)[0].confidence < HIGH
    right = Cause("rcpt.full", Owner.RECIPIENT, 0.95)
    assert [(cause.name, cause.confidence >= HIGH) for cause in confirmed((right,), FULL)] == [("rcpt.full", True)]
    known = Cause("smtp.virus", Owner.VISITOR, 0.95, why=(Basis.PATTERN,))
    assert confirmed((known,), FULL) == (known,)
    code = Cause("rcpt.full", Owner.RECIPIENT, 0.3, why=(Basis.CODE,))
    assert confirmed((code,), FULL)[0].confidence <= 0.3


def test_what_only_the_place_of_the_words_tells_is_not_overruled() -> None:
    own = Cause("mbox.overquota", Owner.VISITOR, 0.7)
    assert confirmed((own,), FULL)[0].name == "mbox.overquota"


def test_where_rules_know_nothing_the_model_only_guesses() -> None:
    guessed = confirmed((), FULL)
    assert guessed[0].name == "rcpt.full"
    assert guessed[0].confidence < HIGH
    assert not guessed[0].line  # nothing of a visitor's own text is quoted
    assert diagnose("5.1.1.9").causes == ()
