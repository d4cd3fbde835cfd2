"""Which texts found nothing: counted without saying whose they were, and forgotten in time."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from guides.models import UnexplainedText
from guides.services import unexplained
from guides.services.unexplained import KEPT_DAYS, LONGEST, forget, forget_found, note


def today() -> date:
    return timezone.now().date()


def add(shape: str, *, days_ago: int = 0, count: int = 1) -> UnexplainedText:
    note(shape)
    day = today() - timedelta(days=days_ago)
    UnexplainedText.objects.filter(shape=shape).update(first_seen=day, last_seen=day, count=count)
    return UnexplainedText.objects.get(shape=shape)


@pytest.mark.django_db
class TestNoting:
    def test_it_counts(self) -> None:
        for _ in range(3):
            note("550 <address> is odd")
        note("421 <host> is tired")
        assert list(UnexplainedText.objects.values_list("shape", "count", "first_seen", "last_seen")) == [
            ("550 <address> is odd", 3, today(), today()),
            ("421 <host> is tired", 1, today(), today()),
        ]

    def test_seen_again_is_seen_lately(self) -> None:
        row = add("550 odd", days_ago=30)
        note("550 odd")
        row.refresh_from_db()
        assert (row.first_seen, row.last_seen, row.count) == (today() - timedelta(days=30), today(), 2)

    @pytest.mark.parametrize("shape", ["", "  \n ", "\0"])
    def test_nothing_is_not_counted(self, shape: str) -> None:
        note(shape)
        assert not UnexplainedText.objects.exists()

    @pytest.mark.parametrize("shape", ["a\0b", "half \ud83d of a character", "x" * 100_000, "漢" * 10_000])
    def test_odd_shapes_are_counted(self, shape: str) -> None:
        note(shape)
        note(shape)
        row = UnexplainedText.objects.get()
        assert row.count == 2
        assert 0 < len(row.shape) <= LONGEST

    def test_old_ones_are_forgotten_by_noting_by_preparing_and_by_hand(self) -> None:
        kept = add("kept", days_ago=KEPT_DAYS)
        add("old", days_ago=KEPT_DAYS + 1)
        note("new")
        assert set(UnexplainedText.objects.values_list("shape", flat=True)) == {"kept", "new"}
        UnexplainedText.objects.filter(pk=kept.pk).update(
            first_seen=today() - timedelta(days=200), last_seen=today() - timedelta(days=100)
        )
        assert forget() == 1
        assert forget() == 0
        assert UnexplainedText.objects.get().shape == "new"

    def test_there_are_never_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unexplained, "MOST_KEPT", 3)
        add("often", days_ago=50, count=9)
        add("once, long ago", days_ago=20)
        add("once, lately", days_ago=1)
        note("new")
        assert set(UnexplainedText.objects.values_list("shape", flat=True)) == {"often", "once, lately", "new"}
        note("new")  # counting needs no room
        assert UnexplainedText.objects.count() == 3

    def test_what_a_new_pattern_finds_is_no_work_any_more(self) -> None:
        add("550 the plumage is wrong")
        add("550 the beak is wrong")
        assert forget_found("(?i)PLUMAGE") == 1
        assert UnexplainedText.objects.get().shape == "550 the beak is wrong"


@pytest.mark.django_db
class TestPasting:
    def paste(self, client: Client, text: str) -> None:
        assert client.post("/en/errors/find/", {"text": text}).status_code == 200

    def test_what_nothing_explains_is_counted_without_what_is_personal(self, client: Client) -> None:
        for name, number in (("anna", 4711), ("boris", 4712)):
            self.paste(client, f"Plumage of {name}@birds.example.net moulted at 192.0.2.7, ticket {number}")
        row = UnexplainedText.objects.get()
        assert row.count == 2
        assert "Plumage of" in row.shape
        for personal in ("anna", "boris", "birds", "192", "471"):
            assert personal not in row.shape

    def test_what_is_explained_is_not_counted(self, client: Client) -> None:
        self.paste(client, "535 5.7.8 Username and Password not accepted")
        assert not UnexplainedText.objects.exists()

    def test_a_letter_is_not_counted(self, client: Client) -> None:
        self.paste(client, "From: a@example.net\nTo: b@example.net\nSubject: Plumage\nDate: today\n\nDear Boris")
        assert not UnexplainedText.objects.exists()


@pytest.mark.django_db
def test_preparing_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    add("old", days_ago=KEPT_DAYS + 1)
    called: list[str] = []
    monkeypatch.setattr("guides.management.commands.prepare.call_command", lambda name, **_: called.append(name))
    call_command("prepare", stdout=StringIO())
    assert "tidy" in called
    call_command("tidy", stdout=StringIO())
    assert "load_content" in called
    assert not UnexplainedText.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_does_not_break_the_page(caplog: pytest.LogCaptureFixture) -> None:
    with connection.schema_editor() as editor:
        editor.execute("ALTER TABLE guides_unexplainedtext RENAME TO elsewhere")
    try:
        note("550 odd anna@example.net")
    finally:
        with connection.schema_editor() as editor:
            editor.execute("ALTER TABLE elsewhere RENAME TO guides_unexplainedtext")
    assert "could not be counted" in caplog.text
    assert "anna" not in caplog.text
    note("550 odd")
    assert UnexplainedText.objects.get().count == 1
