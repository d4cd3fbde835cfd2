"""A guide as a checklist: ticks that stay in the tab, and a bar that copies the values one after the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.portal import LivePortal

pytestmark = pytest.mark.browser

GUIDE = "guides/ios-mail/?at=yahoo.co.jp"


@pytest.mark.parametrize("language", ["ja", "en", "ru"])
def test_steps_are_ticked_and_stay_so_in_the_tab(
    open_context: Callable[..., BrowserContext], portal: LivePortal, language: str
) -> None:
    page = open_context(viewport={"width": 360, "height": 640}).new_page()
    page.goto(f"{portal.url}/{language}/{GUIDE}")
    step = page.locator("article.text ol.steps").first.locator("> .step").first
    words = page.locator("[data-progress-words]")
    expect(words).to_contain_text("0")
    step.locator(".tick input").check()
    expect(step).to_contain_class("step-done")
    expect(step.locator("p").first).to_be_hidden()
    expect(step.locator("h3")).to_be_visible()
    expect(words).to_contain_text("1")
    page.reload()
    expect(step.locator(".tick input")).to_be_checked()
    step.locator(".tick input").uncheck()
    expect(step.locator("p").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_bar_copies_one_value_after_the_other(
    open_context: Callable[..., BrowserContext], portal: LivePortal
) -> None:
    context = open_context(viewport={"width": 360, "height": 640}, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{portal.url}/en/{GUIDE}")
    bar = page.locator("[data-copy-bar]")
    expect(bar).to_be_in_viewport(ratio=1)
    first = bar.locator("code").inner_text()
    bar.get_by_role("button").click()
    expect(bar.locator("code")).not_to_have_text(first)
    assert page.evaluate("navigator.clipboard.readText()") == first
    second = bar.locator("code").inner_text()
    bar.get_by_role("button").click()
    expect(page.locator("#announce")).to_have_text(f"Copied: {second}")


def test_without_javascript_it_is_a_plain_list(plain_page: Page, portal: LivePortal) -> None:
    plain_page.goto(f"{portal.url}/en/{GUIDE}")
    expect(plain_page.locator("[data-copy-bar]")).to_be_hidden()
    expect(plain_page.locator(".tick")).to_have_count(0)
