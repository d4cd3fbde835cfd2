"""Pages that a crowd reads: made once for those who ask for the same one, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from guides import budgets
from guides.crowd import turns
from guides.crowd.moments import Moments
from guides.models import ErrorText
from guides.views import sharing
from tests.factories import make_article, make_guide

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_pages", Moments(200))
    monkeypatch.setattr(budgets, "tests_under_way", lambda: turns.CROWD)


@pytest.fixture
def article(client: Client) -> str:
    make_article("wrong-password", languages=("en", "ja"))
    return "/en/errors/wrong-password/"


def change() -> None:
    ErrorText.objects.update(title="Other words")


def test_in_the_calm_a_change_is_seen_at_once(client: Client, article: str) -> None:
    assert "About wrong-password" in client.get(article).content.decode()
    change()
    assert "Other words" in client.get(article).content.decode()


@pytest.mark.usefixtures("crowd")
def test_in_a_crowd_the_page_is_made_once(
    client: Client, article: str, django_assert_num_queries: Callable[..., Any]
) -> None:
    first = client.get(article)
    change()
    with django_assert_num_queries(0):
        second = client.get(article)
    assert second.content == first.content
    assert second.headers == first.headers
    assert "Content-Security-Policy" in second.headers


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/en/errors/wrong-password/?at=example.org", {}),
        ("/ja/errors/wrong-password/", {}),
        ("/en/errors/wrong-password/", {"HX-Request": "true"}),
        ("/en/errors/wrong-password/", {"Host": "localhost"}),
    ],
)
def test_another_page_is_another(client: Client, article: str, path: str, headers: dict[str, str]) -> None:
    client.get(article)
    change()
    assert "Other words" in client.get(path, headers=headers).content.decode()


@pytest.mark.usefixtures("crowd")
def test_a_page_that_is_not_there_is_not_kept(client: Client) -> None:
    assert client.get("/en/errors/wrong-password/").status_code == 404
    make_article("wrong-password")
    assert client.get("/en/errors/wrong-password/").status_code == 200
    assert client.get("/en/errors/wrong-password/?at=anna@example.org").status_code == 302
    assert not any("anna" in str(key) for key in sharing._pages._kept)


@pytest.mark.usefixtures("crowd")
def test_an_address_in_a_guide_is_for_its_reader_alone(client: Client) -> None:
    make_guide("thunderbird")
    path = "/en/guides/thunderbird/"
    for name in ("anna", "boris"):
        response = client.post(path, {"address": f"{name}@example.org"})
        assert response.headers["Cache-Control"] == "no-store"
        assert name in response.content.decode()
    shown = client.get(path).content.decode()
    assert "anna" not in shown.replace("anna@example.com", "")
    assert "boris" not in shown
