"""Limits in the browser: the proof of work, the report to hand on, a silent server, the banner and the status page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.lab import Lab
from tests.lab.hosts import CLOSED
from tests.lab.people import DOMAIN, PEOPLE
from tests.portal import LivePortal

pytestmark = [pytest.mark.browser, pytest.mark.lab]

ANNA = PEOPLE[0]
PHONE = {"width": 360, "height": 740}
WIDE = (
    "LIMIT_VISITOR_DAY",
    "LIMIT_ACCOUNT_10_MINUTES",
    "LIMIT_ACCOUNT_HOUR",
    "LIMIT_ACCOUNT_DAY",
    "LIMIT_HOST_10_MINUTES",
)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, lab: Lab) -> Iterator[LivePortal]:
    """A portal whose limits are reached at once; it knows a provider whose servers answer nobody."""
    environment = lab.environment() | dict.fromkeys(WIDE, "100000")
    environment |= {
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "LIMIT_VISITOR_HOUR": "1",
        "LIMIT_PROOF_HOUR": "5",
        "LIMIT_PROOF_WORK": "3000",
        "LIMIT_UNREACHABLE_MINUTE": "1",
        "LIMIT_OUTAGE_VISITORS": "1",
    }
    closed = CLOSED.names[0]
    make = f"""
from guides.models import Provider, ProviderDomain, ProviderServer
provider = Provider.objects.create(slug="quiet", name="Quiet Mail", confidence="high")
ProviderDomain.objects.create(provider=provider, domain="quiet.example.com")
for protocol, port in (("imap", {lab.ports.imaps}), ("smtp", {lab.ports.submissions})):
    ProviderServer.objects.create(provider=provider, protocol=protocol, host="{closed}", port=port, security="tls")
"""
    with LivePortal(tmp_path_factory.mktemp("limited"), environment) as running:
        running.manage("shell", "-c", make)
        yield running


def visitor(open_context: Callable[..., BrowserContext], address: str, **options: object) -> Page:
    """A visitor on a phone, from an address of their own."""
    headers = {"X-Forwarded-For": address}
    return open_context(viewport=PHONE, extra_http_headers=headers, **options).new_page()


def fill_in(page: Page, lab: Lab) -> None:
    """Anna's mailbox, with the lab's servers typed by hand."""
    page.fill("#id_address", ANNA.address)
    page.fill("#id_password", ANNA.password)
    if page.locator("#by-hand").get_attribute("open") is None:
        page.locator("#by-hand > summary").click()
    page.fill("#id_imap_host", f"imap.{DOMAIN}")
    page.fill("#id_imap_port", str(lab.ports.imaps))
    page.select_option("#id_imap_security", "tls")


def start(page: Page) -> None:
    page.locator("#test-form button[type=submit]").click()


def test_a_report_is_copied_masked_and_saved(
    limited: LivePortal, lab: Lab, open_context: Callable[..., BrowserContext]
) -> None:
    page = visitor(open_context, "198.51.100.1", permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{limited.url}/en/test/")
    fill_in(page, lab)
    start(page)
    expect(page.locator("#result-title")).to_have_text("It works", timeout=20_000)
    page.locator("#report summary").first.click()
    assert ANNA.address in page.locator("#report-text").input_value()
    page.check("#report-mask")
    page.locator("[data-copy-text]").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"a…@{DOMAIN}" in copied
    assert ANNA.address not in copied
    assert ANNA.password not in copied
    with page.expect_download() as download:
        page.locator("#report button[value=json]").click()
    assert download.value.suggested_filename == "mail-test-report.json"
    json_text = Path(download.value.path()).read_text(encoding="utf-8")
    assert ANNA.address not in json_text
    page.goto(f"{limited.url}/en/report/")
    page.fill("#id_report", json_text)
    page.locator("button[value=page]").click()
    expect(page.locator("#result-title")).to_have_text("It works")
    expect(page.locator("main")).to_contain_text(f"a…@{DOMAIN}")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_beyond_the_budget_the_browser_works_and_the_test_goes_on(
    limited: LivePortal, lab: Lab, open_context: Callable[..., BrowserContext]
) -> None:
    page = visitor(open_context, "198.51.100.2")
    page.goto(f"{limited.url}/en/test/")
    fill_in(page, lab)
    start(page)
    expect(page.locator("#result-title")).to_have_text("It works", timeout=20_000)
    page.get_by_role("link", name="Change").click()
    page.fill("#id_password", ANNA.password)
    start(page)
    expect(page.locator(".error-summary")).to_contain_text("Please wait a little")
    expect(page.locator("[data-proof]")).to_contain_text("Done.", timeout=20_000)
    fill_in(page, lab)
    start(page)
    expect(page.locator("#result-title")).to_have_text("It works", timeout=20_000)


def test_without_javascript_who_has_used_up_the_tests_is_told_to_wait(
    limited: LivePortal, lab: Lab, open_context: Callable[..., BrowserContext]
) -> None:
    page = visitor(open_context, "198.51.100.3", java_script_enabled=False)
    page.goto(f"{limited.url}/en/test/")
    for attempt in range(2):
        if attempt:
            page.get_by_role("link", name="Change").click()
        fill_in(page, lab)
        start(page)
    expect(page.locator(".error-summary")).to_contain_text("Please try again in about")
    expect(page.locator("[data-proof]")).to_be_hidden()


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_a_silent_server_clears_the_visitor(
    limited: LivePortal, open_context: Callable[..., BrowserContext], language: str
) -> None:
    for attempt in range(2):  # the first finds it out
        page = visitor(open_context, f"198.51.100.{ord(language[0])}")
        page.goto(f"{limited.url}/{language}/test/?at=quiet.example.com")
        page.fill("#id_address", "anna@quiet.example.com")
        page.fill("#id_password", "whatever it is")
        start(page)
        expect(page.locator(".verdict")).to_be_visible(timeout=20_000)
        if attempt == 0:
            continue
        words = {"en": "Your settings are right", "ja": "設定は正しい", "ru": "Ваши настройки верны"}
        expect(page.locator(".verdict")).to_contain_text(words[language])
        assert "UTC" not in page.locator(".verdict time").inner_text()  # in the visitor's own time
    page.goto(f"{limited.url}/{language}/")
    expect(page.locator("#outages")).to_be_visible()
    page.goto(f"{limited.url}/{language}/status/")
    expect(page.locator("main")).to_contain_text("Quiet Mail")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
