"""The main job by keyboard alone: no mouse, and the focus is always where a reader would look for it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.lab.lab import Lab
from tests.portal import LivePortal

pytestmark = pytest.mark.browser

MOST_TABS = 60


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until `selector` has the focus, as somebody without a mouse does."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{selector} has the focus, and nobody sees it"
            return
    raise AssertionError(f"{selector} was not reached with {MOST_TABS} tabs")


def test_address_to_guide_by_keyboard(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/en/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "#id_address")
    page.keyboard.type("anna@mail.ru")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings for Mail.ru")
    tab_to(page, "a.tile[href*='/guides/outlook/']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up Outlook")
    tab_to(page, ".switch a[href*='version=new']")
    page.keyboard.press("Enter")
    version = page.get_by_role("link", name="New Outlook for Windows")
    expect(version).to_have_attribute("aria-current", "true")
    expect(version).to_be_focused()  # a swapped part does not lose the reader's place


def test_a_faulty_form_takes_the_reader_to_the_fault(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/en/")
    tab_to(page, "#id_address")
    page.keyboard.type("anna")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    tab_to(page, ".error-summary a")
    page.keyboard.press("Enter")
    expect(page.locator("#id_address")).to_be_focused()
    expect(page.locator("#id_address")).to_have_value("anna")


def test_the_connection_test_by_keyboard(page: Page, portal: LivePortal, lab: Lab) -> None:
    page.goto(f"{portal.url}/en/test/")
    tab_to(page, "#id_address")
    page.keyboard.type("anna@mail.ru")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.locator("#id_password_error")).to_be_visible()
    tab_to(page, "#by-hand > summary")
    page.keyboard.press("Enter")
    tab_to(page, "#id_imap_host")
    page.keyboard.type("closed.lab.test")
    tab_to(page, "#id_imap_port")
    page.keyboard.type(str(lab.ports.imaps))
    page.locator("#id_password").focus()
    page.keyboard.type("a password")
    page.keyboard.press("Enter")
    expect(page.locator("#verdict h2")).to_be_focused(timeout=40_000)
