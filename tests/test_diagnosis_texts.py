"""The collection of texts that the diagnosis is measured on is well formed."""

from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.judging import HIGH
from guides.mail.outcomes import Owner
from tests.diagnosis import LOCKED, OPEN, written
from tests.diagnosis.measure import answered


def test_every_text_has_classes_and_owners_of_the_vocabulary() -> None:
    both = [*written(OPEN), *written(LOCKED)]
    assert len(both) > 700
    assert len(written(LOCKED)) > len(both) // 4
    for text in both:
        assert set(text.classes) <= CLASSES, text
        assert set(text.owners) <= {owner.value for owner in Owner}, text


def test_no_text_stands_in_both_files() -> None:
    assert not {text.text for text in written(OPEN)} & {text.text for text in written(LOCKED)}


def test_a_told_confidence_means_what_it_says() -> None:
    """Of the answers told as 0.9 nine in ten are right, in each range that is told as sure; more is no fault."""
    answers = answered(written(OPEN))
    ranges = ((HIGH, 0.9), (0.9, 0.95), (0.95, 1.01))
    for low, high in ranges:
        inside = [answer for answer in answers if low <= answer.confidence < high]
        told = sum(answer.confidence for answer in inside) / len(inside)
        assert len(inside) >= 20
        assert sum(answer.right for answer in inside) / len(inside) >= told, (low, high)
    unsure = [answer.right for answer in answers if 0 < answer.confidence < HIGH]
    assert sum(unsure) / len(unsure) < 0.95, "what is seldom wrong should be told as sure"
