"""The operator's own colour: readable on every ground, in both themes, whatever it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from guides.views.accent import DARK, LIGHT, TEXT, contrast, parsed, tokens
from helpdesk.env import Env

CSS = (Path(__file__).parent.parent / "static/css/site.css").read_text(encoding="utf-8")
COLOUR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)")
OWN = {name: (light, dark) for name, light, dark in COLOUR.findall(CSS)}
WHITE = (255, 255, 255)


def full(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(digit * 2 for digit in colour[1:])


@given(st.binary(min_size=3, max_size=3))
def test_text_and_buttons_are_readable_in_any_accent(colour: bytes) -> None:
    made = tokens("#" + colour.hex())
    for theme, grounds in enumerate((LIGHT, DARK)):
        assert all(contrast(parsed(made["--link"][theme]), parsed(ground)) >= TEXT for ground in grounds)
        assert contrast(parsed(made["--act"][theme]), WHITE) >= TEXT


def test_the_colours_of_the_style_sheet_are_readable_too() -> None:
    """All 112 findings of axe in the dark theme were white text on a button, 4.14 to 1."""
    for theme, grounds in enumerate((LIGHT, DARK)):
        assert contrast(parsed(OWN["act"][theme]), WHITE) >= TEXT
        for name in ("ink", "soft", "link"):
            for ground in grounds:
                assert contrast(parsed(full(OWN[name][theme])), parsed(ground)) >= TEXT, (name, theme, ground)


def test_the_grounds_are_those_of_the_style_sheet() -> None:
    names = ("page", "card", "value", "warn-bg", "bad-bg", "good-bg", "tint")
    assert tuple(full(OWN[name][0]) for name in names) == LIGHT
    assert tuple(full(OWN[name][1]) for name in names) == DARK


def test_a_good_accent_stays_as_it_is() -> None:
    assert tokens("#0b57a4")["--act"][0] == "#0b57a4"


@pytest.mark.django_db
def test_pages_ask_for_it_where_it_is_set(client: Client, settings: Settings) -> None:
    assert "accent" not in client.get("/en/test/").content.decode().split("</head>")[0]
    assert client.get("/accent.css").status_code == 404
    settings.ACCENT = "#ff9900"
    assert '<link rel="stylesheet" href="/accent.css?c=ff9900">' in client.get("/en/test/").content.decode()
    response = client.get("/accent.css?c=ff9900")
    assert response["Content-Type"] == "text/css; charset=utf-8"
    assert "--act:light-dark(#" in response.content.decode()


@pytest.mark.parametrize("text", ["blue", "#12345", "#12345g", "0b57a4;}", "#0b57a4 "])
def test_only_six_digits_are_a_colour(text: str) -> None:
    if text.strip() == "#0b57a4":
        assert Env({"ACCENT": text}).colour("ACCENT") == "#0b57a4"
        return
    with pytest.raises(ImproperlyConfigured, match="ACCENT"):
        Env({"ACCENT": text}).colour("ACCENT")
