"""From the settings to a profile on the device, in Chromium at a phone's width."""

from __future__ import annotations

import plistlib
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.portal import LivePortal

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("java_script", [True, False])
def test_a_profile_in_a_few_taps(
    portal: LivePortal, open_context: Callable[..., BrowserContext], java_script: bool
) -> None:
    page = open_context(viewport={"width": 360, "height": 800}, java_script_enabled=java_script).new_page()
    page.goto(f"{portal.url}/ja/settings/mail.ru/")
    page.get_by_role("link", name="プロファイルで設定する").click()
    expect(page.locator("h1")).to_contain_text("Mail.ru")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    code = page.locator("img.qr")
    code.scroll_into_view_if_needed()
    assert code.evaluate(
        "image => image.decode().then(() => image.naturalWidth > 0)"
    )  # it is loaded when it is looked at
    page.fill("#id_address", "anna@gmail.com")
    page.get_by_role("button", name="プロファイルをダウンロード").click()
    expect(page.locator(".error-summary")).to_contain_text("Mail.ru")
    assert page.input_value("#id_address") == "anna@gmail.com"
    page.fill("#id_address", "anna@mail.ru")
    with page.expect_download() as download:
        page.get_by_role("button", name="プロファイルをダウンロード").click()
    assert "anna" not in download.value.url
    profile = plistlib.loads(download.value.path().read_bytes())
    assert profile["PayloadContent"][0]["EmailAddress"] == "anna@mail.ru"
    assert profile["PayloadDisplayName"] == "メール：Mail.ru"
