"""Chromium against a whole portal. Every page is watched: a console error or a policy violation fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.lab.lab import Lab
from tests.portal import LivePortal

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The visitor's own mistakes are answered with these; Chromium writes each into its console.
EXPECTED_CONSOLE = ("status of 422", "status of 404", "status of 429")


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory, lab: Lab) -> Iterator[LivePortal]:
    """The portal with the real library; its network access leads to the lab only, and budgets are wide."""
    environment = lab.environment() | {
        "LIMIT_VISITOR_HOUR": "100000",
        "LIMIT_VISITOR_DAY": "100000",
        "LIMIT_ACCOUNT_10_MINUTES": "100000",
        "LIMIT_ACCOUNT_HOUR": "100000",
        "LIMIT_ACCOUNT_DAY": "100000",
        "LIMIT_HOST_10_MINUTES": "100000",
    }
    with LivePortal(tmp_path_factory.mktemp("portal"), environment) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts (`viewport=`, `java_script_enabled=` ...) that fail the test on any console error."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in EXPECTED_CONSOLE):
            complaints.append(message.text)

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(**({"viewport": {"width": 1024, "height": 900}} | options))  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        context.on("console", listen)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_context: Callable[..., BrowserContext]) -> Page:
    """A page of a visitor with JavaScript."""
    return open_context().new_page()


@pytest.fixture
def plain_page(open_context: Callable[..., BrowserContext]) -> Page:
    """A page of a visitor without JavaScript."""
    return open_context(java_script_enabled=False).new_page()


def shot(page: Page, folder: Path, name: str) -> None:
    """Keep a picture of the whole page to look at."""
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
