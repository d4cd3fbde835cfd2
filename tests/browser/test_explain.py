"""An error is pasted, a returned message is dropped, in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.bounces.shapes import fields, report
from tests.portal import LivePortal

pytestmark = pytest.mark.browser


def test_a_pasted_error_is_explained_without_leaving_the_page(page: Page, portal: LivePortal) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{portal.url}/en/errors/")
    page.fill("#id_text", "552 5.2.2 <b@there.example>: user is over quota")
    page.click("#paste button")
    expect(page.locator("mark").first).to_contain_text("over quota")
    expect(page.locator("h1")).to_be_focused()
    assert page.url == f"{portal.url}/en/errors/"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.context.cookies() == []
    page.locator(".verdict a.button").first.click()
    expect(page.locator("article.text")).to_be_visible()


def test_a_file_that_is_dropped_is_explained(page: Page, portal: LivePortal, tmp_path: Path) -> None:
    bounce = report("Undelivered Mail", "See below.", fields("550 5.1.1 User unknown", status="5.1.1"))
    page.goto(f"{portal.url}/ja/errors/")
    page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "bounce.eml", {type: "message/rfc822"}));
          const form = document.getElementById("paste");
          for (const name of ["dragover", "drop"]) {
            form.querySelector("textarea").dispatchEvent(new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer: data}));
          }
        }""",
        bounce.decode(),
    )
    page.click("#paste button")
    expect(page.locator("bdi")).to_have_text("boris@there.example")
    expect(page.locator("mark").first).to_contain_text("User unknown")


def test_nothing_pasted_is_told_at_the_field(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/ru/errors/")
    page.click("#paste button")
    expect(page.locator(".error-summary")).to_be_visible()
    page.locator(".error-summary a").click()
    expect(page.locator("#id_text")).to_be_focused()
