"""Further tests from within a result, the delivery and the doubt, in Chromium on a phone's width."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from guides.mail.accounts import Security
from tests.browser.test_connection import IMAP, SMTP, STARTTLS, Case, fill, run
from tests.lab import Lab
from tests.portal import LivePortal

pytestmark = pytest.mark.browser

WRONG = Case("anna", "", "", port_of=STARTTLS)  # SSL/TLS on the port that begins in the clear


@pytest.fixture
def phone(open_context: Callable[..., BrowserContext]) -> Page:
    return open_context(viewport={"width": 360, "height": 740}).new_page()


def keep(page: Page, name: str) -> None:
    """Keep a picture of the page when the run asks for it."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_other_settings_are_tested_at_a_button(phone: Page, portal: LivePortal, lab: Lab, language: str) -> None:
    run(phone, portal, lab, WRONG, language)
    form = phone.locator(".retry")
    expect(form).to_have_count(1)
    expect(form.locator("strong")).to_have_text("STARTTLS")
    keep(phone, f"retry-{language}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    with lab.counting() as attempts:
        form.locator("input[type=password]").fill(lab.people["anna"].password)
        form.locator("button[type=submit]").click()
        expect(phone.locator(".verdict-ok")).to_be_visible(timeout=20_000)
    assert attempts == {"imap": 1}
    assert phone.locator(".stage-waiting").count() == 0


def test_another_user_name_is_tested_at_a_button(phone: Page, portal: LivePortal, lab: Lab) -> None:
    run(phone, portal, lab, Case("anna", "", "", password="not hers"))
    form = phone.locator(".retry")
    expect(form.locator("strong")).to_have_text("anna")
    form.locator("input[type=password]").fill("x")
    form.locator("button[type=submit]").click()
    expect(phone.locator(".retry")).to_have_count(0, timeout=20_000)
    expect(phone.locator(".verdict-fail")).to_be_visible(timeout=20_000)


def test_without_javascript_too(plain_page: Page, portal: LivePortal, lab: Lab) -> None:
    page = plain_page
    page.goto(f"{portal.url}/en/test/?at=lab.test")
    fill(page, lab, WRONG)
    page.locator("#test-form button[type=submit]").click()
    form = page.locator(".retry")
    form.locator("input[type=password]").fill(lab.people["anna"].password)
    form.locator("button[type=submit]").click()
    expect(page.locator(".verdict-ok")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_a_message_to_oneself(phone: Page, portal: LivePortal, lab: Lab, language: str) -> None:
    phone.goto(f"{portal.url}/{language}/test/")
    for protocol in (IMAP, SMTP):
        fill(phone, lab, Case("anna", "", "", protocol=protocol, security=Security.TLS))
    phone.locator("#id_deliver").check()
    keep(phone, f"form-{language}")
    phone.locator("#test-form button[type=submit]").click()
    expect(phone.locator(".verdict-ok")).to_be_visible(timeout=40_000)
    expect(phone.locator("#stage-delivery-0.stage-ok")).to_be_visible()
    keep(phone, f"delivered-{language}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_what_no_password_opens(phone: Page, portal: LivePortal, language: str) -> None:
    phone.goto(f"{portal.url}/{language}/test/?at=outlook.com")
    expect(phone.locator("#id_password")).to_be_hidden()
    keep(phone, f"explained-{language}")
    phone.locator("summary").filter(has=phone.locator("xpath=self::*[../form]")).first.click()
    expect(phone.locator("#id_is_token")).to_be_checked()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_a_doubt_before_sending(phone: Page, portal: LivePortal, language: str) -> None:
    phone.goto(f"{portal.url}/{language}/test/?at=gmail.com")
    expect(phone.locator("#id_password_helptext code")).to_have_text("abcd efgh ijkl mnop")
    phone.locator("#id_address").fill("anna@gmail.com")
    phone.locator("#id_password").fill("Summer2024!")
    phone.locator("#test-form button[type=submit]").click()
    expect(phone.locator("#id_anyway")).to_be_visible()
    expect(phone.locator("#id_password")).to_have_value("")
    keep(phone, f"doubt-{language}")
