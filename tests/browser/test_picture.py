"""The picture of a running test: it is seen on a small phone, lights up stop by stop, and breaks where the test does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.test_connection import CASES, STARTTLS, Case, fill, run
from tests.lab import Lab
from tests.lab.hosts import SILENT
from tests.portal import LivePortal

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(open_context: Callable[..., BrowserContext]) -> Page:
    return open_context(viewport={"width": 360, "height": 640}).new_page()


def cross(page: Page, stop: str) -> Locator:
    return page.locator(f".stop-{stop} .no")


def test_starting_folds_the_form_and_shows_the_picture(phone: Page, portal: LivePortal, lab: Lab) -> None:
    phone.goto(f"{portal.url}/en/test/")
    fill(phone, lab, Case("anna", "", "", security=STARTTLS, host=SILENT))
    phone.locator("#test-form button[type=submit]").click()
    expect(phone.locator(".stage-ok")).to_have_count(3)
    expect(phone.locator(".route")).to_be_in_viewport(ratio=1)
    expect(phone.get_by_role("heading", name="The test is running")).to_be_in_viewport()
    expect(phone.locator("#test-form")).to_be_hidden()
    expect(phone.locator(".stop-net .ok")).to_be_visible()
    expect(phone.locator(".stop-in .ok")).to_be_hidden()
    phone.locator("#verdict .verdict").wait_for(timeout=40_000)
    expect(cross(phone, "in")).to_be_visible()
    expect(phone.locator(".route")).to_be_in_viewport(ratio=1)
    expect(phone.locator("#result-title")).to_be_in_viewport(ratio=1)
    expect(phone.locator("#progress")).to_have_text("Receiving by IMAP: failed")
    assert phone.title() == "Check the server's name, the port and the encryption. · Mail Helpdesk"


@pytest.mark.parametrize(
    ("name", "broken"),
    [("no such host", "net"), ("closed port", "line-in"), ("expired", "in"), ("wrong password", "in")],
)
def test_it_breaks_where_the_test_does(page: Page, portal: LivePortal, lab: Lab, name: str, broken: str) -> None:
    run(page, portal, lab, CASES[name])
    for stop in ("you", "net", "line-in", "in"):
        expect(cross(page, stop)).to_be_visible(visible=stop == broken)


def test_the_form_comes_back_for_another_password(phone: Page, portal: LivePortal, lab: Lab) -> None:
    run(phone, portal, lab, CASES["wrong password"])
    phone.get_by_role("link", name="Type the password again").click()
    expect(phone.locator("#id_password")).to_be_focused()
    phone.locator("#id_password").fill(lab.people["anna"].password)
    phone.locator("#test-form button[type=submit]").click()
    expect(phone.get_by_role("heading", name="It works")).to_be_focused(timeout=30_000)
    expect(phone.locator("#test-form")).to_be_hidden()
    expect(phone.locator(".route")).to_be_in_viewport(ratio=1)


def test_without_javascript_the_picture_comes_with_the_result(plain_page: Page, portal: LivePortal, lab: Lab) -> None:
    page = plain_page
    page.goto(f"{portal.url}/en/test/?at=lab.test")
    fill(page, lab, CASES["expired"])
    page.locator("#test-form button[type=submit]").click()
    expect(cross(page, "in")).to_be_visible()
    expect(page.locator("#test-form")).to_be_hidden()
    page.get_by_role("link", name="Change").click()
    expect(page.locator("#id_password")).to_be_visible()
    expect(page.locator("#id_address")).to_have_value("anna@lab.test")


def test_a_message_for_the_provider_is_ready(phone: Page, portal: LivePortal, lab: Lab) -> None:
    run(phone, portal, lab, CASES["self-signed"])
    phone.locator(".message > summary").click()
    text = phone.locator("#provider-message").input_value()
    assert (
        lab.server(CASES["self-signed"].protocol, CASES["self-signed"].security, CASES["self-signed"].host).host in text
    )  # type: ignore[arg-type]
    assert lab.people["anna"].password not in text
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
