"""From home to the first step of the right guide: two actions, and no scrolling on a small phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.portal import LivePortal
from tests.test_page_devices import IPHONE

pytestmark = pytest.mark.browser

HEIGHT = 640
MAILBOXES = {"en": "anna@gmail.com", "ja": "anna@yahoo.co.jp", "ru": "anna@mail.ru"}


@pytest.mark.parametrize("language", MAILBOXES)
def test_the_first_step_stands_on_the_first_screen(
    open_context: Callable[..., BrowserContext], portal: LivePortal, language: str
) -> None:
    page = open_context(
        viewport={"width": 360, "height": HEIGHT}, user_agent=IPHONE, extra_http_headers={"Sec-CH-UA-Platform": '"iOS"'}
    ).new_page()
    page.goto(f"{portal.url}/{language}/")
    page.locator("#id_address").fill(MAILBOXES[language])
    page.locator(".way-setup button").click()
    card = page.locator(".first-guide")
    expect(card.locator("h2")).to_contain_text("iPhone")
    expect(card.locator(".step")).to_be_in_viewport(ratio=1)
    expect(page.locator("h1")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    card.locator("a[href*='/guides/ios-mail/']").click()
    expect(page.locator("article.text .step").nth(1)).to_be_visible()


def test_paper_holds_the_settings_on_one_page(open_context: Callable[..., BrowserContext], portal: LivePortal) -> None:
    page = open_context(viewport={"width": 720, "height": 1000}).new_page()
    page.goto(f"{portal.url}/en/settings/mail.ru/")
    pages = page.pdf(format="A4").count(b"/Type /Page\n")
    assert pages == 1
