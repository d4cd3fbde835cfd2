"""The connection test in Chromium, against the lab's real Dovecot and Postfix."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from guides.mail.accounts import Protocol, Security
from tests.lab import Lab
from tests.lab.hosts import CLOSED, ECHO, EXPIRED, MAIL, PLAIN, SELF_SIGNED, SILENT, WRONG_NAME, Host
from tests.portal import LivePortal

pytestmark = pytest.mark.browser

IMAP, POP3, SMTP = Protocol.IMAP, Protocol.POP3, Protocol.SMTP
TLS, STARTTLS = Security.TLS, Security.STARTTLS
ABSENT = "nowhere.lab.test"


@dataclass(frozen=True)
class Case:
    """What is typed, the stage at which the leg ends, and the article that the result leads to."""

    person: str
    stage: str  # the failing stage's name in English; "" when all is well
    article: str
    protocol: Protocol = IMAP
    security: Security = TLS
    host: Host | str = MAIL
    password: str = ""
    port_of: Security | None = None  # the port of the other security
    logins: int = 0


CASES = {
    "wrong password": Case("anna", "Signing in", "wrong-password", password="not hers", logins=1),
    "unknown user": Case("nobody", "Signing in", "wrong-password", password="whatever", logins=1),
    "disabled account": Case("closed", "Signing in", "switched-off-by-administrator", logins=1),
    "full mailbox": Case("full", "Free space in the mailbox", "own-mailbox-full", logins=1),
    "expired": Case("anna", "Encryption and certificate", "certificate-expired", host=EXPIRED),
    "self-signed": Case("anna", "Encryption and certificate", "certificate-self-signed", host=SELF_SIGNED),
    "wrong name": Case("anna", "Encryption and certificate", "certificate-wrong-name", host=WRONG_NAME),
    "closed port": Case("anna", "Connecting", "connection-refused", host=CLOSED),
    "no such host": Case("anna", "Finding the server", "host-not-found", host=ABSENT),
    "TLS on a clear port": Case("anna", "Encryption and certificate", "wrong-security", port_of=STARTTLS),
    "clear on a TLS port": Case("anna", "First answer of the server", "wrong-security", security=STARTTLS, port_of=TLS),
    "STARTTLS missing": Case("anna", "Encryption and certificate", "starttls-missing", security=STARTTLS, host=PLAIN),
    "refused sender": Case("mute", "Permission to send mail", "sender-address-invalid", protocol=SMTP, logins=1),
}


def fill(page: Page, lab: Lab, case: Case) -> None:
    person = lab.people.get(case.person)
    page.locator("#id_address").fill(person.address if person else f"{case.person}@{lab.domain}")
    page.locator("#id_password").fill(case.password or (person.password if person else ""))
    if page.locator("#by-hand").get_attribute("open") is None:
        page.locator("#by-hand > summary").click()
    server = lab.server(case.protocol, case.security, case.host)
    name = case.protocol.value
    page.locator(f"#id_{name}_host").fill(server.host)
    page.locator(f"#id_{name}_port").fill(str(lab.port(case.protocol, case.port_of or case.security)))
    page.locator(f"#id_{name}_security").select_option(case.security.value)


def run(page: Page, portal: LivePortal, lab: Lab, case: Case, language: str = "en") -> None:
    page.goto(f"{portal.url}/{language}/test/")
    fill(page, lab, case)
    page.locator("#test-form button[type=submit]").click()
    page.locator("#verdict .verdict").wait_for(timeout=40_000)


@pytest.mark.parametrize("name", CASES)
def test_each_cause_ends_at_its_stage_with_its_article(page: Page, portal: LivePortal, lab: Lab, name: str) -> None:
    case = CASES[name]
    with lab.counting() as attempts:
        run(page, portal, lab, case)
    failed = page.locator(".stage-fail, .stage-warn, .stage-unclear, .stage-ours").last
    expect(failed.locator(".stage-name")).to_have_text(case.stage)
    expect(failed.locator(".stage-article")).to_have_attribute("href", f"/en/errors/{case.article}/?at=lab.test")
    assert attempts.total() == case.logins
    article = page.locator("#verdict a").first
    article.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert f"/en/errors/{case.article}/" in page.url


@pytest.mark.parametrize("language", ["ja", "ru"])
@pytest.mark.parametrize("name", ["wrong password", "expired", "closed port", "refused sender"])
def test_the_result_speaks_the_readers_language(
    page: Page, portal: LivePortal, lab: Lab, name: str, language: str
) -> None:
    case = CASES[name]
    run(page, portal, lab, case, language)
    verdict = page.locator("#verdict")
    assert not any(
        word in verdict.inner_text() for word in ("You can fix", "administrator", "provider", "The test took")
    )
    link = verdict.locator("a").first.get_attribute("href")
    assert link == f"/{language}/errors/{case.article}/?at=lab.test"


def all_servers(page: Page, lab: Lab, security: Security) -> None:
    for protocol in (IMAP, POP3, SMTP):
        fill(page, lab, Case("anna", "", "", protocol=protocol, security=security))


@pytest.mark.parametrize("security", [TLS, STARTTLS])
def test_a_good_account_works_on_all_legs(page: Page, portal: LivePortal, lab: Lab, security: Security) -> None:
    page.goto(f"{portal.url}/en/test/")
    all_servers(page, lab, security)
    page.locator("#test-form button[type=submit]").click()
    expect(page.get_by_role("heading", name="It works")).to_be_focused(timeout=30_000)
    assert page.locator(".stage-waiting").count() == 0
    assert page.locator(".stage-ok").count() == page.locator(".stage").count() >= 24
    assert page.locator("#id_password").input_value() == lab.people["anna"].password  # still the visitor's own page


def test_stages_appear_one_by_one(page: Page, portal: LivePortal, lab: Lab) -> None:
    """The silent server answers nothing, so the stages before its greeting must be on the page long before the end."""
    page.goto(f"{portal.url}/en/test/")
    fill(page, lab, Case("anna", "", "", security=STARTTLS, host=SILENT))
    page.evaluate(
        """() => {
            window.seen = [];
            new MutationObserver(() => {
                const ended = document.querySelectorAll(".stage-ok").length;
                if (ended && ended !== window.seen.at(-1)?.[0]) window.seen.push([ended, performance.now()]);
            }).observe(document.getElementById("result"), {childList: true, subtree: true, attributes: true});
        }"""
    )
    started = page.evaluate("performance.now()")
    page.locator("#test-form button[type=submit]").click()
    expect(page.locator(".stage-ok")).to_have_count(3)
    expect(page.locator(".stage-waiting").first).to_be_visible()
    expect(page.locator("#verdict .verdict")).to_have_count(0)
    first = page.evaluate("window.seen[0][1]") - started
    assert first < 1500  # the form's way to the server included; the stages themselves take milliseconds


def test_the_first_stage_shows_within_300_ms_of_the_servers_answer(page: Page, portal: LivePortal, lab: Lab) -> None:
    page.goto(f"{portal.url}/en/test/")
    fill(page, lab, Case("anna", "", ""))
    page.evaluate(
        """() => {
            window.times = {};
            const note = () => {
                for (const row of document.querySelectorAll(".stage-ok")) window.times[row.id] ??= performance.now();
                if (document.querySelector(".stage-waiting")) window.times.skeleton ??= performance.now();
            };
            new MutationObserver(note).observe(document.getElementById("result"), {childList: true, subtree: true});
        }"""
    )
    page.locator("#test-form button[type=submit]").click()
    page.locator("#verdict .verdict").wait_for()
    times = page.evaluate("window.times")
    shown = [int(text.rstrip(" ms")) for text in page.locator(".stage .ms").all_inner_texts()]
    last = max(value for name, value in times.items() if name.startswith("stage-"))
    # From the skeleton, sent as the test begins, to the last stage: the servers' own time and at most 300 ms.
    assert last - times["skeleton"] <= sum(shown) + 300


def test_leaving_the_page_closes_the_sockets_within_a_second(page: Page, portal: LivePortal, lab: Lab) -> None:
    page.goto(f"{portal.url}/en/test/")
    fill(page, lab, Case("anna", "", "", security=STARTTLS, host=SILENT))
    page.locator("#test-form button[type=submit]").click()
    expect(page.locator(".stage-ok")).to_have_count(3)
    assert lab.connections(SILENT)
    page.goto("about:blank")
    deadline = time.monotonic() + 1
    while lab.connections(SILENT) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert lab.connections(SILENT) == []


def test_without_javascript_one_whole_page(plain_page: Page, portal: LivePortal, lab: Lab) -> None:
    page = plain_page
    page.goto(f"{portal.url}/en/test/?at=lab.test")  # unknown to the portal: the fields are open
    fill(page, lab, CASES["wrong password"])
    page.locator("#test-form button[type=submit]").click()
    expect(page.locator(".stage-fail .stage-name")).to_have_text("Signing in")
    assert page.locator("#id_password").input_value() == ""
    assert page.locator("#id_address").input_value() == "anna@lab.test"


def test_what_a_hostile_server_says_is_shown_as_text(page: Page, portal: LivePortal, lab: Lab) -> None:
    run(page, portal, lab, Case("anna", "Signing in", "", host=ECHO, password="<img src=x onerror=alert(1)>"))
    text = page.locator("#result").inner_html()
    assert "<img" not in text
    assert "onerror" not in text  # the password, in whatever form the server repeats it


def test_errors_in_the_form_keep_what_was_typed_but_the_password(page: Page, portal: LivePortal, lab: Lab) -> None:
    page.goto(f"{portal.url}/en/test/")
    fill(page, lab, CASES["wrong password"])
    page.locator("#id_imap_port").fill("imap")
    page.locator("#test-form button[type=submit]").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.locator("#id_address")).to_have_value("anna@lab.test")
    expect(page.locator("#id_imap_port")).to_have_value("imap")
    expect(page.locator("#id_password")).to_have_value("")


def test_the_reveal_button_shows_the_password(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/en/test/")
    page.locator("#id_password").fill("secret")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#id_password")).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide").click()
    expect(page.locator("#id_password")).to_have_attribute("type", "password")


@pytest.mark.parametrize("width", [360])
def test_a_result_fits_a_phone(
    open_context: Callable[..., BrowserContext], portal: LivePortal, lab: Lab, width: int
) -> None:
    page = open_context(viewport={"width": width, "height": 800}).new_page()
    run(page, portal, lab, CASES["expired"])
    page.locator(".stage-fail summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
