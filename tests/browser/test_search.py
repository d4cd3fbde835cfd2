"""Searching in Chromium: while somebody types, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.portal import LivePortal

pytestmark = pytest.mark.browser

QUERIES = {"ja": "設定", "en": "outloo", "ru": "настройки"}


@pytest.mark.parametrize("language", QUERIES)
def test_results_come_while_somebody_types(page: Page, portal: LivePortal, language: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{portal.url}/{language}/search/")
    asked.clear()
    field = page.locator("#search-q")
    field.press_sequentially(QUERIES[language], delay=20)
    expect(page.locator(f'#found a[href="/{language}/guides/outlook/"]')).to_be_visible()
    expect(page.locator("#found mark").first).to_be_visible()
    expect(page.locator("#found-count")).to_contain_text(re.compile(r"[0-9]"))
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile(r"/search/\?q=.+"))
    assert len([url for url in asked if "/search/" in url]) <= len(QUERIES[language])
    other = "en" if language != "en" else "ja"
    expect(page.locator(f'#languages a[hreflang="{other}"]')).to_have_attribute(
        "href", re.compile(rf"^/{other}/search/\?q=.+")
    )
    field.fill("")
    expect(page.locator("#found mark")).to_have_count(0)
    expect(page).to_have_url(f"{portal.url}/{language}/search/")


def test_an_address_is_gone_from_the_location_bar(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/en/search/")
    page.locator("#search-q").fill("anna@mail.ru")
    expect(page).to_have_url(f"{portal.url}/en/search/?q=mail.ru")
    expect(page.locator('#found a[href="/en/settings/mail.ru/"]')).to_be_visible()


def test_without_javascript(plain_page: Page, portal: LivePortal) -> None:
    plain_page.goto(f"{portal.url}/en/")
    plain_page.locator("#q").fill("thundrbird")
    plain_page.locator("#q").press("Enter")
    plain_page.get_by_role("link", name="thunderbird", exact=True).click()
    plain_page.locator('#found a[href="/en/guides/thunderbird/"]').click()
    expect(plain_page).to_have_url(f"{portal.url}/en/guides/thunderbird/")
    plain_page.goto(f"{portal.url}/en/search/")
    plain_page.locator("#search-q").fill("535 5.7.8 Username and Password not accepted")
    plain_page.locator("#search-q").press("Enter")
    expect(plain_page.locator('.explained a[href="/en/errors/wrong-password/"]')).to_be_visible()


@pytest.mark.parametrize("language", QUERIES)
def test_nothing_is_wider_than_a_phone(page: Page, portal: LivePortal, language: str) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    for query in (QUERIES[language], "qwertzuiop" * 15, "535 5.7.8 Username and Password not accepted", ""):
        page.goto(f"{portal.url}/{language}/search/?q={query}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
