"""Every page about a mail app tells one way into the mailbox; and the check finds a page that does not."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from guides.library.content_check import faults
from guides.library.content_pages import ContentPages, RenderedPage
from guides.library.entries import TextFolder
from guides.library.reading import SHIPPED, read_library
from guides.mail.ways import Way
from guides.models.texts import Language, TextStatus
from tests.library_files import write_library


@pytest.fixture(scope="module")
def pages() -> list[RenderedPage]:
    """All English pages of the library; the command renders the others."""
    library, unreadable = read_library(SHIPPED)
    assert not unreadable
    return list(ContentPages(library).pages(["en"]))


def test_the_library_has_no_page_that_tells_two_ways() -> None:
    out = StringIO()
    call_command("check_content", stdout=out)
    assert out.getvalue().strip().endswith(" 0 faults")


def test_the_table_names_every_version_with_its_protocols_and_languages() -> None:
    out = StringIO()
    call_command("check_content", "--table", stdout=out)
    rows = [line.split() for line in out.getvalue().splitlines()]
    assert ["outlook", "ios", "yes", "-", "en", "ja", "ru"] in rows
    assert ["outlook", "android", "yes", "yes", "en", "ja", "ru"] in rows


def test_pages_of_each_way_exist(pages: list[RenderedPage]) -> None:
    assert {page.page.way for page in pages} == set(Way)


@pytest.mark.parametrize(
    ("way", "added", "fault"),
    [
        (Way.OAUTH, '<li class="row row-secret">', "password field"),
        (Way.OAUTH, '<li id="stop">', "“stop”"),
        (Way.APP_PASSWORD, "<p>Sign in in its own window.</p>", "own window"),
        (Way.PASSWORD, '<li id="sign-in">', "“sign-in”"),
        (Way.BRIDGE, '<a href="/en/apple/proton.me/">', "profile"),
        (Way.IMPOSSIBLE, '<li class="row row-secret">', "password field"),
        (
            Way.PASSWORD,
            "<p>Compare what you typed with the steps. Compare what you typed with the steps.</p>",
            "sentence",
        ),
        (Way.PASSWORD, '<p class="box-title">Look at the port last</p>' * 2, "warning"),
    ],
)
def test_a_page_with_something_of_another_way_is_found(
    pages: list[RenderedPage], way: Way, added: str, fault: str
) -> None:
    page = next(page for page in pages if page.page.way is way and page.provider)
    assert list(faults(page)) == []
    assert any(fault in found for found in faults(replace(page, html=page.html + added)))


def test_a_password_that_the_way_does_not_use_is_found(pages: list[RenderedPage]) -> None:
    page = next(page for page in pages if page.page.way is Way.OAUTH and page.provider == "gmail")
    named = replace(page, html=page.html + "<p>Make an app password.</p>", password_name="app password")
    assert any("names “app password”" in found for found in faults(named))
    folded = replace(named, html=page.html + "<details><summary>More</summary>app password</details>")
    assert list(faults(folded)) == []


def test_what_is_crossed_out_without_knowing_it_is_found(pages: list[RenderedPage]) -> None:
    page = next(page for page in pages if not page.provider)
    wrong = '<span class="wrong"><span class="wrong-mark">not</span> STARTTLS</span>'
    assert any("crosses out" in found for found in faults(replace(page, html=page.html + wrong)))


def test_an_impossible_page_says_so_first_and_which_app_can(pages: list[RenderedPage]) -> None:
    page = next(page for page in pages if page.page.way is Way.IMPOSSIBLE and page.provider == "proton")
    assert page.html.startswith('<p class="lead">')
    for old, fault in (('<p class="lead">', "say first"), ("<ul><li>", "which app")):
        assert any(fault in found for found in faults(replace(page, html=page.html.replace(old, "<p>", 1))))


def test_the_command_names_an_unreadable_library(tmp_path: Path) -> None:
    root = write_library(tmp_path / "library")
    next(root.glob("providers/*.yaml")).write_text("slug: [")
    with pytest.raises(CommandError):
        call_command("check_content", str(root), stdout=StringIO())


TASKS = (
    "password-changed",
    "sending-blocked",
    "new-device",
    "pop3-to-imap",
    "remove-account",
    "after-break-in",
    "mail-terms",
    "change-servers",
    "folders",
)
FILE_NAME = re.compile(r"\w\.(?:yaml|json|xml|java|kt|rs|mjs)\b|@[0-9a-f]{7}\b|facts/|[Ff]ounding document")


def test_every_task_is_told_in_each_language() -> None:
    library, _ = read_library(SHIPPED)
    written = {(text.parent, text.language) for text in library.texts if text.status == TextStatus.PUBLISHED}
    assert written >= {(task, language) for task in TASKS for language in Language.values}


def test_guides_and_notices_are_dated_and_name_their_sources_in_words() -> None:
    library, _ = read_library(SHIPPED)
    texts = [text for text in library.texts if text.folder != TextFolder.ERRORS]
    assert [text.key for text in texts if text.checked_on is None] == []
    assert [text.key for text in texts if not text.sources] == []
    found = [(text.key, source) for text in texts for source in text.sources if FILE_NAME.search(source)]
    assert [each for each in found if "://" not in each[1]] == []
