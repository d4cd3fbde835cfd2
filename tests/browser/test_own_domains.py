"""Staff's list of an own domain in Chromium: a look, and values copied by the page's own script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.portal import LivePortal

pytestmark = pytest.mark.browser


def test_staff_look_at_an_own_domain_and_copy_a_value(
    open_context: Callable[..., BrowserContext], portal: LivePortal
) -> None:
    portal.manage("own_domain", "own.lab.test", "--imap=imap.own.lab.test:993:tls", "--smtp=smtp.own.lab.test:465:tls")
    page = open_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(f"{portal.url}/admin/")
    page.locator("#id_username").fill("anna")
    page.locator("#id_password").fill(portal.staff_password)
    page.locator("#id_password").press("Enter")
    page.get_by_role("link", name="Own domains").click()
    page.get_by_role("link", name="own.lab.test").click()
    expect(page.locator(".errornote").first).to_contain_text("BASE_URL=https://help.example.org")
    page.get_by_role("button", name="Look at everything now").click()
    row = page.locator(".checklist tr").filter(has_text="_imaps._tcp.own.lab.test")
    expect(row.locator(".state")).to_have_text("missing")
    row.get_by_role("button", name="Copy").click()
    expect(page.locator("#copied")).to_have_text("Copied: 0 1 993 imap.own.lab.test.")
    assert page.evaluate("navigator.clipboard.readText()") == "0 1 993 imap.own.lab.test."
