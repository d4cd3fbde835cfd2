"""From an address to a tailored guide, in Chromium, in each language."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.portal import LivePortal

pytestmark = pytest.mark.browser

LANGUAGES = ("ja", "en", "ru")
SEED_GUIDES = (
    "register", "imap", "outlook", "the-bat", "apple-mail", "ios-mail", "android", "official-app", "thunderbird",
)  # fmt: skip
CLIENT_GUIDES = frozenset(SEED_GUIDES) - {"register", "imap", "official-app"}
OPENS_GOOGLES_WINDOW = CLIENT_GUIDES - {"the-bat"}
# address -> (IMAP host, port, SMTP host, port, user name, the notice's words in each language)
PROVIDERS = {
    "anna@mail.ru": (
        "imap.mail.ru",
        "993",
        "smtp.mail.ru",
        "465",
        "anna@mail.ru",
        {
            "ja": "外部アプリ用パスワード",
            "en": "password for external applications",
            "ru": "пароль для внешнего приложения",
        },
    ),
    "anna@gmail.com": (
        "imap.gmail.com",
        "993",
        "smtp.gmail.com",
        "465",
        "anna@gmail.com",
        {"ja": "アプリ パスワード", "en": "app password", "ru": "пароль приложения"},
    ),
    "anna@yahoo.co.jp": (
        "imap.mail.yahoo.co.jp",
        "993",
        "smtp.mail.yahoo.co.jp",
        "465",
        "anna",
        {"ja": "公式サービス以外", "en": "access by mail apps", "ru": "доступ почтовым программам"},
    ),
}


def enter_address(page: Page, portal: LivePortal, language: str, address: str) -> None:
    page.goto(f"{portal.url}/{language}/")
    page.get_by_role("main").get_by_role("textbox").fill(address)
    page.get_by_role("main").get_by_role("textbox").press("Enter")
    expect(page.locator("[data-address]")).to_have_attribute("data-address", address)


@pytest.mark.parametrize("address", PROVIDERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_address_to_guides(page: Page, portal: LivePortal, language: str, address: str) -> None:
    imap, imap_port, smtp, smtp_port, username, notice = PROVIDERS[address]
    domain = address.partition("@")[2]
    enter_address(page, portal, language, address)
    expect(page).to_have_url(f"{portal.url}/{language}/settings/{domain}/")
    page.locator("#first > summary").click()  # what comes first is one line that opens
    text = page.get_by_role("main").inner_text()
    assert 0 <= text.index(notice[language]) < text.index(imap)
    for value in (imap, imap_port, smtp, smtp_port, username):
        assert value in text
    for guide in SEED_GUIDES:
        page.get_by_role("main").locator(f'a.tile[href="/{language}/guides/{guide}/?at={domain}"]').click()
        expect(page).to_have_url(f"{portal.url}/{language}/guides/{guide}/?at={domain}")
        whole = page.get_by_role("main").inner_text()
        if domain != "gmail.com" or guide not in OPENS_GOOGLES_WINDOW:  # there neither password nor servers are typed
            if guide in CLIENT_GUIDES:
                assert notice[language] in whole
            for value in (imap, imap_port, smtp, smtp_port, username):
                assert value in whole, f"{value} is missing in {language}/{guide}"
        assert page.locator("article.text ol.steps > li").count() > 0
        assert address in whole
        assert "value-unknown" not in page.locator("article.text").inner_html()
        page.go_back()


@pytest.mark.parametrize("language", LANGUAGES)
def test_mail_ru_values_stand_in_the_steps_of_every_guide(page: Page, portal: LivePortal, language: str) -> None:
    enter_address(page, portal, language, "anna@mail.ru")
    for guide in SEED_GUIDES:
        page.goto(f"{portal.url}/{language}/guides/{guide}/?at=mail.ru")
        steps = page.locator("article.text").text_content() or ""
        for value in ("imap.mail.ru", "993", "smtp.mail.ru", "465", "anna@mail.ru"):
            assert value in steps, f"{value} is missing in {language}/{guide}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_unknown_domain_gets_a_guide_with_fields_to_be_found(page: Page, portal: LivePortal, language: str) -> None:
    enter_address(page, portal, language, "anna@unknown.example.com")
    expect(page.locator("#by-hand")).to_be_visible(timeout=20_000)  # all sources are asked first
    page.locator('a[href*="/guides/outlook/"]').click()
    expect(page.locator("article.text .value-unknown").first).to_be_visible()
    page.locator('.tailor a[href*="#by-hand"]').click()
    expect(page.locator("#by-hand")).to_have_attribute("open", "")
    expect(page.locator("#id_imap_host")).to_be_visible()


def test_switches_swap_the_guide_and_change_the_url(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/en/guides/outlook/?at=mail.ru")
    page.evaluate("window.stayed = true")
    page.get_by_role("navigation", name="Receive mail by").get_by_role("link", name="POP3").click()
    expect(page.locator("article.text")).to_contain_text("pop.mail.ru")
    expect(page).to_have_url(f"{portal.url}/en/guides/outlook/?at=mail.ru&protocol=pop3")
    page.get_by_role("navigation", name="Version").get_by_role("link").nth(1).click()
    expect(page).to_have_url(f"{portal.url}/en/guides/outlook/?at=mail.ru&version=2016&protocol=pop3")
    expect(page.get_by_role("navigation", name="Version").locator("[aria-current]")).to_contain_text("2016")
    assert page.evaluate("window.stayed") is True
    page.go_back()
    page.go_back()
    expect(page.locator("article.text")).to_contain_text("imap.mail.ru")


def test_everything_works_without_javascript(plain_page: Page, portal: LivePortal) -> None:
    page = plain_page
    page.goto(f"{portal.url}/en/")
    page.get_by_label("Your mail address").fill("anna@mail.ru")
    page.get_by_role("button", name="Show my settings").click()
    assert "imap.mail.ru" in page.content()
    page.locator('a[href="/en/guides/outlook/?at=mail.ru"]').click()
    page.get_by_role("link", name="POP3").click()
    assert "pop.mail.ru" in page.locator("article.text").inner_text()
    page.get_by_text("Change the mail address").click()
    page.get_by_label("Your mail address").fill("anna@mail.ru")
    page.get_by_role("button", name="Fill it in").click()
    assert "anna@mail.ru" in page.locator("article.text").inner_text()
    assert "anna" not in page.url


def test_the_address_stays_in_the_tab_and_can_be_forgotten(page: Page, portal: LivePortal) -> None:
    enter_address(page, portal, "en", "anna@mail.ru")
    page.goto(f"{portal.url}/en/guides/thunderbird/?at=mail.ru")
    expect(page.locator("[data-whose]")).to_contain_text("anna@mail.ru")
    page.goto(f"{portal.url}/en/guides/thunderbird/?at=gmail.com")
    expect(page.locator("[data-whose]")).to_be_hidden()
    page.goto(f"{portal.url}/en/guides/thunderbird/?at=mail.ru")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("[data-whose]")).to_be_hidden()
    assert "anna@" not in page.locator("article.text").inner_text()


def test_copy_buttons_copy_the_value(open_context: Callable[..., BrowserContext], portal: LivePortal) -> None:
    context = open_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{portal.url}/en/settings/mail.ru/")
    page.get_by_role("button", name="Copy imap.mail.ru").click()
    expect(page.locator("#announce")).to_have_text("Copied: imap.mail.ru")
    assert page.evaluate("navigator.clipboard.readText()") == "imap.mail.ru"
    # two values of IMAP and of SMTP and the link; nothing to copy where nothing is known
    expect(page.locator("button.copy:visible")).to_have_count(5)
    page.get_by_role("button", name="Copy all").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert [line for line in copied if line.startswith(("Server", "Port"))] == [
        "Server: imap.mail.ru",
        "Port: 993",
        "Server: smtp.mail.ru",
        "Port: 465",
    ]
    page.get_by_text("I need POP3").click()
    expect(page.get_by_role("button", name="Copy pop.mail.ru")).to_be_visible()


def test_by_keyboard_alone(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/en/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("anna@mail.ru")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    for _ in range(60):
        page.keyboard.press("Tab")
        if "/guides/outlook/" in (page.evaluate("document.activeElement.href") or ""):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up Outlook")


def test_an_error_takes_the_focus_and_leads_to_its_field(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/en/")
    page.get_by_label("Your mail address").fill("anna")
    page.keyboard.press("Enter")
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page).to_have_title("Error: Get your email working · Mail Helpdesk")
    page.locator(".error-summary a").click()
    expect(page.get_by_label("Your mail address")).to_be_focused()
    expect(page.get_by_label("Your mail address")).to_have_value("anna")


PAGES = (
    "", "settings/mail.ru/", "settings/unknown.example.com/", "guides/", "guides/outlook/?at=mail.ru",
    "guides/android/?at=yahoo.co.jp", "guides/imap/", "errors/", "test/?at=mail.ru", "test/?at=unknown.example.com",
    "search/?q=mail", "nothing/",
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_page_scrolls_sideways(
    open_context: Callable[..., BrowserContext], portal: LivePortal, language: str, width: int
) -> None:
    page = open_context(viewport={"width": width, "height": 800}).new_page()
    for path in PAGES:
        page.goto(f"{portal.url}/{language}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_staff_change_shows_on_the_next_request(page: Page, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/admin/")
    page.locator("#id_username").fill("anna")
    page.locator("#id_password").fill(portal.staff_password)
    page.locator("#id_password").press("Enter")
    page.goto(f"{portal.url}/admin/guides/guidetext/?language__exact=en&q=thunderbird")
    page.locator("#result_list tbody tr").filter(has_text="Thunderbird").get_by_role("link").first.click()
    body = page.locator("#id_body")
    before = body.input_value()
    assert "::: steps" in before
    body.fill(before + "\n\nWritten by staff a moment ago.\n")
    page.locator("input[name=_save]").first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    page.goto(f"{portal.url}/en/guides/thunderbird/")
    expect(page.locator("article.text")).to_contain_text("Written by staff a moment ago.")


def test_a_page_to_share_fills_a_user_name_of_another_form(page: Page, portal: LivePortal) -> None:
    enter_address(page, portal, "en", "anna@dd.iij4u.or.jp")
    page.goto(f"{portal.url}/en/settings/dd.iij4u.or.jp/")
    name = page.locator('[data-fill="%EMAILLOCALPART%.%EMAILDOMAIN%"]').first
    expect(name).to_have_text("anna.dd.iij4u.or.jp")
