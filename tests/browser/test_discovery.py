"""Looking a domain up in Chromium: with JavaScript source by source, without it as one page; on a phone's width."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from dnslib import SRV
from playwright.sync_api import BrowserContext, Page, expect

from guides.mail.discovery.findings import ConfigSource
from tests.discovery_world import autoconfig_url, client_config, publish
from tests.internet import Internet
from tests.internet import Page as WebPage
from tests.portal import LivePortal

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """A portal that finds the small internet."""
    world = Internet()
    publish(world, "known.test", ConfigSource.AUTOCONFIG)
    world.page(autoconfig_url("slow.test"), WebPage(client_config("imap.slow.test", "smtp.slow.test"), seconds=0.8))
    world.records("_imaps._tcp.foreign.test", SRV(0, 1, 993, "imap.hosting.test"))
    with world, LivePortal(tmp_path_factory.mktemp("portal"), world.environment()) as running:
        yield running


def ask(page: Page, portal: LivePortal, address: str, language: str = "en") -> None:
    page.goto(f"{portal.url}/{language}/")
    page.locator("#id_address").fill(address)
    page.locator("form.address-form button[type=submit]").click()


def test_progress_then_the_page_with_its_own_address(page: Page, portal: LivePortal) -> None:
    ask(page, portal, "anna@slow.test")
    expect(page.locator("#looking .stage")).to_have_count(7)
    expect(page.locator("#source-autoconfig.stage-waiting")).to_be_visible()
    expect(page.locator("#source-srv.stage-none")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Settings for slow.test")
    expect(page.locator(".card code.value").first).to_have_text("imap.slow.test")
    expect(page.locator("h1")).to_be_focused()
    assert page.url == f"{portal.url}/en/settings/slow.test/"
    assert page.title().startswith("Mail settings for slow.test")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Get your email working")


def test_without_javascript(plain_page: Page, portal: LivePortal) -> None:
    ask(plain_page, portal, "anna@known.test")
    expect(plain_page.locator("h1")).to_have_text("Settings for known.test")
    expect(plain_page.locator(".card code.value").first).to_have_text("imap.known.test")


@pytest.mark.parametrize("language", ["ja", "en", "ru"])
def test_a_confirmation_on_a_phone(
    open_context: Callable[..., BrowserContext], portal: LivePortal, language: str
) -> None:
    page = open_context(viewport={"width": 360, "height": 740}).new_page()
    ask(page, portal, "anna@foreign.test", language)
    expect(page.locator("#confirm")).to_contain_text("hosting.test")
    expect(page.locator(".card")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#confirm button").click()
    expect(page.locator(".card code.value").first).to_have_text("imap.hosting.test")
    page.goto(f"{portal.url}/{language}/settings/nothing.test/")
    page.locator("#id_imap_host").fill("mail.example.org")
    page.locator("#by-hand button[type=submit]").click()
    expect(page.locator(".card code.value").first).to_have_text("mail.example.org")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
