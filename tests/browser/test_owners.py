"""On a phone's width, in each language: a failing test of each owner says who can act, and where the steps are.

The sender's network owns nothing in a live test (`docs/connection-test.md`); visitors meet it where they paste a bounce.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
from django.utils import translation
from playwright.sync_api import BrowserContext, Page, expect

from guides.mail.accounts import Protocol
from guides.mail.outcomes import Owner
from guides.views import labels
from tests.browser.test_connection import CASES, SMTP, STARTTLS, TLS, Case, run
from tests.browser.test_retries import keep
from tests.lab import Lab
from tests.lab.hosts import CLOSED
from tests.portal import ROOT, LivePortal

pytestmark = pytest.mark.browser

WIDTH = 360
LANGUAGES = ["ja", "en", "ru"]
BLOCKED = b"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org\r\n"
EITHER = b"-ERR [AUTH] login failure or POP3 disabled, try later.\r\n"
PASTED = "550 5.7.1 Service unavailable; client [192.0.2.25] blocked using zen.spamhaus.org"

FAILING = {
    Owner.VISITOR: CASES["wrong password"],
    Owner.ADMIN: CASES["disabled account"],
    Owner.PROVIDER: CASES["expired"],
    Owner.PORTAL: Case("anna", "First answer of the server", "portal-refused", SMTP, STARTTLS, CLOSED),
}


@pytest.fixture
def phone(open_context: Callable[..., BrowserContext]) -> Page:
    return open_context(viewport={"width": WIDTH, "height": 740}).new_page()


def serve(listener: socket.socket, talk: Callable[[socket.socket], None]) -> None:
    """Talk to one caller after the other until the listener is closed."""
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        with closing(caller), suppress(OSError):
            caller.settimeout(10)
            talk(caller)


@pytest.fixture
def answering(lab: Lab) -> Iterator[Callable[[int, Callable[[socket.socket], None]], None]]:
    """Have somebody answer at a port of the host where nobody listens."""
    listeners = []

    def start(port: int, talk: Callable[[socket.socket], None]) -> None:
        listener = socket.create_server((lab.addresses[CLOSED], port))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, talk), daemon=True).start()

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def turns_away(caller: socket.socket) -> None:
    caller.sendall(BLOCKED)
    caller.recv(1000)


def title_of(slug: str, language: str) -> str:
    """An article's title in the library."""
    text = (ROOT / f"guides/library/errors/{slug}/{language}.md").read_text(encoding="utf-8")
    return next(line.removeprefix("title: ") for line in text.splitlines() if line.startswith("title: "))


def fits(page: Page) -> bool:
    """Whether nothing is wider than the screen, whatever is folded out."""
    page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
    return bool(page.evaluate("document.documentElement.scrollWidth") <= WIDTH)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("owner", FAILING)
def test_whose_turn_it_is(
    phone: Page,
    portal: LivePortal,
    lab: Lab,
    answering: Callable[[int, Callable[[socket.socket], None]], None],
    owner: Owner,
    language: str,
) -> None:
    case = FAILING[owner]
    if owner is Owner.PORTAL:
        answering(lab.port(SMTP, STARTTLS), turns_away)
    run(phone, portal, lab, case, language)
    with translation.override(language):
        words = str(labels.OWNERS[owner])
    expect(phone.locator("#verdict .who")).to_have_text(words)
    expect(phone.locator("#verdict h2")).to_be_in_viewport()
    title = title_of(case.article, language)
    expect(phone.locator("#verdict strong").first).to_have_text(title)
    href = f"/{language}/errors/{case.article}/?at=lab.test"
    expect(phone.locator("#verdict a.button")).to_have_attribute("href", href)
    row = phone.locator(".stage-article").first
    expect(row).to_have_text(title)
    expect(row).to_have_attribute("href", href)
    keep(phone, f"{owner}-{language}")
    assert fits(phone)
    keep(phone, f"{owner}-{language}-open")


@pytest.mark.parametrize("language", LANGUAGES)
def test_whose_turn_it_may_be(
    phone: Page,
    portal: LivePortal,
    lab: Lab,
    answering: Callable[[int, Callable[[socket.socket], None]], None],
    language: str,
) -> None:
    """Words that fit several causes: each with its article."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.directory / "certificates" / "good.pem")

    def refuses(caller: socket.socket) -> None:
        with context.wrap_socket(caller, server_side=True) as wire, wire.makefile("rwb", buffering=0) as lines:
            lines.write(b"+OK ready\r\n")
            while command := lines.readline().upper():
                verb = command.partition(b" ")[0].strip()
                lines.write({b"CAPA": b"+OK\r\nUSER\r\n.\r\n", b"PASS": EITHER}.get(verb, b"+OK\r\n"))

    answering(lab.port(Protocol.POP3, TLS), refuses)
    run(phone, portal, lab, Case("anna", "", "", Protocol.POP3, TLS, CLOSED), language)
    expect(phone.locator(".verdict-unclear")).to_be_visible()
    slugs = ("password-or-switched-off", "wrong-password", "switched-off-at-provider")
    for place in ("#verdict .causes a", ".stage-unclear .causes a"):
        links = phone.locator(place)
        expect(links).to_have_text([title_of(slug, language) for slug in slugs])
        assert [one.get_attribute("href") for one in links.all()] == [
            f"/{language}/errors/{slug}/?at=lab.test" for slug in slugs
        ]
    keep(phone, f"unclear-{language}")
    assert fits(phone)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_senders_network_in_what_is_pasted(phone: Page, portal: LivePortal, language: str) -> None:
    phone.goto(f"{portal.url}/{language}/errors/")
    phone.fill("#id_text", PASTED)
    phone.click("#paste button")
    with translation.override(language):
        words = str(labels.OWNERS[Owner.SENDER_NETWORK])
    verdict = phone.locator(".verdict").first
    expect(verdict.get_by_role("heading", level=2)).to_have_text(words)
    expect(verdict).to_contain_text(title_of("network-blocked", language))
    expect(verdict.locator("a.button")).to_have_attribute("href", re.compile(f"^/{language}/errors/network-blocked/"))
    keep(phone, f"sender_network-{language}")
    assert fits(phone)


@pytest.mark.parametrize("language", LANGUAGES)
def test_support_sees_the_same_on_a_phone(phone: Page, portal: LivePortal, lab: Lab, language: str) -> None:
    run(phone, portal, lab, CASES["wrong password"], language)
    report = phone.locator('#report input[name="report"]').input_value()
    heading = phone.locator("#verdict h2").inner_text()
    phone.goto(f"{portal.url}/{language}/report/")
    phone.fill("#id_report", report)
    phone.locator('button[name="as"]').first.click()
    expect(phone.locator("#verdict h2")).to_have_text(heading)
    assert phone.locator("#main input[type=password]").count() == 0
    keep(phone, f"support-{language}")
    assert fits(phone)
