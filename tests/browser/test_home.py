"""The home page in Chromium: one field and three ways on, all of them on the first screen of a small phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.portal import LivePortal

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 360, 640


@pytest.mark.parametrize("language", ["ja", "en", "ru"])
def test_three_ways_stand_on_the_first_screen(
    open_context: Callable[..., BrowserContext], portal: LivePortal, language: str
) -> None:
    page = open_context(viewport={"width": WIDTH, "height": HEIGHT}).new_page()
    page.goto(f"{portal.url}/{language}/")
    ways = page.locator(".way")
    expect(ways).to_have_count(3)
    boxes = [way.bounding_box() for way in ways.all()]
    assert all(box and box["y"] + box["height"] <= HEIGHT for box in boxes), boxes
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    expect(ways.first.locator("#id_address")).to_be_visible()
    for way, path in ((ways.nth(1), "test"), (ways.nth(2), "errors")):
        way.click()
        assert page.url == f"{portal.url}/{language}/{path}/"
        page.go_back()


def test_a_phone_reaches_the_search_by_its_icon(
    open_context: Callable[..., BrowserContext], portal: LivePortal
) -> None:
    page = open_context(viewport={"width": WIDTH, "height": HEIGHT}, java_script_enabled=False).new_page()
    page.goto(f"{portal.url}/en/")
    expect(page.locator("#q")).to_be_hidden()
    page.get_by_role("link", name="Search").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Search")
