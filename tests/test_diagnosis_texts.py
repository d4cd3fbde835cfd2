"""The collection of texts that the diagnosis is measured on is well formed."""

from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Owner
from tests.diagnosis import LOCKED, OPEN, written


def test_every_text_has_classes_and_owners_of_the_vocabulary() -> None:
    both = [*written(OPEN), *written(LOCKED)]
    assert len(both) > 700
    assert len(written(LOCKED)) > len(both) // 4
    for text in both:
        assert set(text.classes) <= CLASSES, text
        assert set(text.owners) <= {owner.value for owner in Owner}, text


def test_no_text_stands_in_both_files() -> None:
    assert not {text.text for text in written(OPEN)} & {text.text for text in written(LOCKED)}
