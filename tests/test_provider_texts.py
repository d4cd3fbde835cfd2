"""What the provider table says of itself and to visitors: sources, doubts, notices, and every guide filled in."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.utils.translation import gettext, override

from guides.library.checks import check_library, known_rows
from guides.library.entries import NoticeEntry
from guides.mail.accounts import Protocol
from guides.markup import Situation, fill
from guides.markup.words import WORDS
from guides.models import Provider
from guides.models.texts import Language
from tests.provider_facts import BEYOND_THE_FACTS, SLUGS, entries, load_providers, shipped, usual, wants_a_name

pytestmark = pytest.mark.long

FIRST_TWELVE = [
    "fastmail", "gmail", "gmx-net", "icloud", "mail-ru", "outlook-com", "qq", "rambler", "web-de", "yahoo",
    "yahoo-japan", "yandex",
]  # fmt: skip


@pytest.fixture
def table(db: None) -> None:
    load_providers()


class TestHonesty:
    def test_every_entry_says_where_it_is_from(self) -> None:
        for slug, entry in entries().items():
            assert entry.sources, slug
            assert entry.checked_on, slug
            if entry.confidence == "low":
                assert entry.doubts, slug
        for slug in FIRST_TWELVE:
            assert entries()[slug].links.help.startswith("https://")
            assert entries()[slug].links.webmail.startswith("https://")
            assert entries()[slug].confidence != "low"

    def test_what_is_only_remembered_is_of_low_confidence(self) -> None:
        """Names that no source holds; an entry without servers gives none to get wrong."""
        for slug, entry in entries().items():
            if entry.servers and all("recalled" in source for source in entry.sources):
                assert entry.confidence == "low", slug

    def test_what_the_sources_doubt_is_kept(self) -> None:
        for slug, words in {
            "icloud": "user name",
            "qq": "POP3 host is not in ISPDB",
            "gmail": "Google Workspace",
            "google-workspace": "l.google.com stays with Gmail",
            "au": "Public tables disagree",
            "nifty": "clear text",
        }.items():
            assert any(words in doubt for doubt in entries()[slug].doubts), slug

    def test_every_provider_has_its_notice_in_every_language(self) -> None:
        """Of the facts' providers, and of those that a page without a notice could not explain."""
        notices = {(text.parent, text.language) for text in shipped().texts if isinstance(text, NoticeEntry)}
        told = {entry.slug for entry in shipped().providers if not entry.servers or wants_a_name(entry)}
        told |= {*SLUGS, *BEYOND_THE_FACTS}
        with_notice = {slug for slug, _language in notices}
        assert with_notice >= told
        assert notices == {(slug, language) for slug in with_notice for language in Language}

    @pytest.mark.parametrize(
        ("language", "asks"), [("en", "“Enter servers"), ("ja", "「サーバーを手"), ("ru", "«Ввести серверы")]
    )
    def test_a_notice_names_the_link_to_typing_servers_as_the_page_does(self, language: str, asks: str) -> None:
        with override(language):
            label = gettext("Enter servers by hand")
        texts = [text for text in shipped().texts if isinstance(text, NoticeEntry) and text.language == language]
        asking = [text for text in texts if asks in text.body]
        assert len(asking) >= 8
        for text in asking:
            assert f"{asks[0]}{label}" in text.body, text.parent

    @pytest.mark.parametrize(
        ("slug", "words"),
        [
            ("docomo", ["dアカウント", "IMAP専用パスワード"]),
            ("au", ["ユーザー ID", "確認できていません"]),
            ("icloud", ["@ より前"]),
            ("qq", ["授权码"]),
            ("netease-163", ["授权码"]),
            ("t-online", ["Passwort für E-Mail-Programme"]),
            ("softbank", ["@i.softbank.jp", "@softbank.ne.jp"]),
            ("outlook-com", ["Microsoft のログイン画面"]),
            ("microsoft-365", ["Microsoft のログイン画面", "550 5.7.30"]),
            ("proton", ["Proton Mail Bridge", "127.0.0.1", "テストできません"]),
            ("tuta", ["設定できるものはありません"]),
            ("hey", ["設定できるものはありません"]),
        ],
    )
    def test_unusual_logins_are_told_before_anything_else(self, slug: str, words: list[str]) -> None:
        notice = next(
            text
            for text in shipped().texts
            if isinstance(text, NoticeEntry) and text.parent == slug and text.language == "ja"
        )
        assert all(word in notice.title + notice.body for word in words)

    def test_a_name_for_the_user_name_stands_where_it_is_no_part_of_the_address(self) -> None:
        other = {entry.slug for entry in shipped().providers if wants_a_name(entry)}
        notices = [text for text in shipped().texts if isinstance(text, NoticeEntry)]
        assert {text.parent for text in notices if text.username_name} == other
        assert other == {"docomo", "au", "icloud-custom", "plusnet", "commufa", "ymobile-mail"}


# Providers after those of the facts whose guides differ from all of theirs.
UNUSUAL = ["commufa", "icloud-custom", "plusnet", "ymobile-mail"]

# Words that may stand in the place of a value although the provider is known.
MAY_BE_UNKNOWN = {WORDS["unknown.app"]}
UNKNOWN = re.compile(r'<span class="value-unknown">(.*?)</span>')
EMPTY = re.compile(r'<code class="value[^>]*></code>|\{\{|<(strong|h3|td|li|span class="row-value")></')


class TestGuides:
    def test_every_guide_fills_for_every_provider(self, table: None) -> None:
        """In each version, protocol and language: no value is missing, no field is empty, no placeholder is left."""
        checked = check_library(shipped(), known_rows())
        assert not checked.faults
        versions = {client.slug: [each.slug for each in client.versions] or [""] for client in shipped().clients}
        version_of = {guide.slug: versions.get(guide.client, [""]) for guide in shipped().guides}
        notices = {(text.parent, text.language): text for text in shipped().texts if isinstance(text, NoticeEntry)}
        providers = list(Provider.objects.with_settings().filter(slug__in=[*SLUGS, *BEYOND_THE_FACTS, *UNUSUAL]))
        guides = [text for text in shipped().texts if text.parent_key.startswith("guides/")]
        assert len(providers) == 57
        assert len(guides) >= 27
        wrong = []
        for provider in providers:
            account = provider.account(usual(provider.slug))
            protocols = [each for each in (Protocol.IMAP, Protocol.POP3) if account.best(each)] or [Protocol.IMAP]
            for text in [*guides, *(notices[provider.slug, language] for language in Language)]:
                notice = notices[provider.slug, text.language]
                for protocol in protocols:
                    for version in version_of.get(text.parent, [""]) if text in guides else [""]:
                        situation = Situation(
                            account,
                            protocol,
                            version,
                            password_name=notice.password_name,
                            username_name=notice.username_name,
                            app_name=provider.app_name,
                        )
                        html = fill(checked.compiled[text.key], situation, WORDS)
                        unknown = (
                            {unescape(each) for each in UNKNOWN.findall(html)} - MAY_BE_UNKNOWN - {notice.username_name}
                        )
                        if unknown or EMPTY.search(html) or not html.strip():
                            wrong.append((text.key, provider.slug, protocol, version, unknown or EMPTY.search(html)))
        assert not wrong, describe(wrong)


def describe(wrong: list[tuple[Any, ...]]) -> str:
    return "\n".join(" ".join(map(str, each)) for each in wrong[:40]) + f"\n{len(wrong)} in all"
