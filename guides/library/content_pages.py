"""Every page about a mail app that the library can make: app, version, protocol, language and provider, each once.

Providers that a page cannot tell apart, because no condition of its text asks for what they differ in and they have no
notice, share one page; so some thousand pages stand for all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation

from guides.library import entries
from guides.library.checks import Known, check_library
from guides.library.rows import columns, model_of, part_rows
from guides.mail.accounts import Account, Protocol
from guides.mail.ways import ABILITIES, Ability, Way, ability_of, able
from guides.markup import Situation
from guides.models import Provider, ProviderServer, ProviderText
from guides.models.texts import Text, TextStatus
from guides.services.filler_words import FILLER_WORDS
from guides.services.guide_page import GuidePage, NoticePlace, compose

UNKNOWN_DOMAIN = "unknown.example"
_PROTOCOLS = (Protocol.IMAP, Protocol.POP3)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox that pages are made for: at a provider of the library, or at a domain of which nothing is known."""

    account: Account
    app_name: str = ""

    @classmethod
    def of(cls, entry: entries.ProviderEntry) -> Mailbox:
        """One at a provider, at the first of its domains."""
        provider = Provider(**columns(entry))
        servers = [row.as_server() for _item, row in part_rows(entry, provider) if isinstance(row, ProviderServer)]
        provider.__dict__["_server_values"] = tuple(servers)  # the property would ask the database
        return cls(provider.account(entry.domains[0] if entry.domains else UNKNOWN_DOMAIN), entry.app_name)

    @property
    def slug(self) -> str:
        """The provider's slug; "" for the unknown domain."""
        return self.account.provider or ""


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page, with what it stands for."""

    language: str
    ability: Ability
    protocol: Protocol  # that the visitor asks for
    provider: str
    password_name: str
    page: GuidePage
    html: str

    def __str__(self) -> str:
        where = f"{self.ability.client}/{self.ability.version} {self.protocol.value} {self.language}"
        return f"{where} {self.provider or 'unknown domain'}"


class ContentPages:
    """The pages of a library that was read."""

    def __init__(self, library: entries.Library) -> None:
        self.library = library
        self.compiled = check_library(library, Known()).compiled
        self.mailboxes = [Mailbox(Account(UNKNOWN_DOMAIN)), *(Mailbox.of(entry) for entry in library.providers)]
        self._unconfirmed = {
            entry.slug for entry in library.providers if entry.confidence == Provider.Confidence.LOW and not entry.own
        }

    @cached_property
    def _texts(self) -> dict[tuple[str, str, str], Any]:
        """The published texts as unsaved rows, by folder, parent and language."""
        texts: dict[tuple[str, str, str], Any] = {}
        for entry in self.library.texts:
            if entry.status == TextStatus.PUBLISHED and entry.key in self.compiled:
                row = model_of(entry)(**columns(entry), compiled=self.compiled[entry.key])
                texts[entry.folder, entry.parent, entry.language] = row
        return texts

    @property
    def abilities(self) -> list[Ability]:
        """Each version of each client, in the library's order."""
        return [
            ability_of(client.slug, version, protocols=frozenset(client.protocols))
            for client in sorted(self.library.clients, key=lambda client: client.position)
            for version in [each.slug for each in client.versions] or [""]
        ]

    def languages(self, client: str) -> list[str]:
        """The languages that the guide about a client is published in."""
        return sorted(language for folder, parent, language in self._texts if (folder, parent) == ("guides", client))

    def pages(self, languages: Iterable[str]) -> Iterator[RenderedPage]:
        """All distinct pages in these languages."""
        for language in languages:
            with translation.override(language):
                for ability in self.abilities:
                    text = self._texts.get((entries.TextFolder.GUIDES, ability.client, language))
                    if text is not None:
                        yield from self._of_version(text, ability, language)

    def _of_version(self, text: Text, ability: Ability, language: str) -> Iterator[RenderedPage]:
        reads_profile = any(
            client.slug == ability.client and entries.Reads.PROFILE in client.reads for client in self.library.clients
        )
        asked = _words_asked_for(text)
        seen = set()
        for mailbox in self.mailboxes:
            notice = self._texts.get((entries.TextFolder.PROVIDERS, mailbox.slug, language))
            for protocol in _PROTOCOLS:
                situation = _situation(mailbox, notice, protocol, ability)
                page = compose(text, notice, situation, ability, reads_profile=reads_profile)
                told = page.situation.truths() & asked
                shown = notice is not None and page.place is not NoticePlace.NOWHERE
                same = (page.way, page.choice, told, page.offers_profile, mailbox.slug if shown else mailbox.slug == "")
                if same in seen:
                    continue
                seen.add(same)
                html = self._html(page, text, notice, mailbox, ability)
                name = notice.password_name if notice else ""
                yield RenderedPage(language, ability, protocol, mailbox.slug, name, page, html)

    def _html(
        self, page: GuidePage, text: Text, notice: ProviderText | None, mailbox: Mailbox, ability: Ability
    ) -> str:
        account = mailbox.account
        client = next(each for each in self.library.clients if each.slug == ability.client)
        version = next((each for each in client.versions if each.slug == ability.version), None)
        offers_profile = page.offers_profile and bool(mailbox.slug) and mailbox.slug not in self._unconfirmed
        context = {
            "page": page,
            "text": text,
            "notice": notice,
            "provider": account.provider_name or account.domain,
            "app": getattr(version, text.language) if version else client.name,
            "password": (notice.password_name if notice else "") or FILLER_WORDS[f"password.{account.password}"],
            "able": [_Link(f"{each.client} {each.version}", f"/{each.client}/") for each in able(account, ABILITIES)]
            if page.way is Way.IMPOSSIBLE
            else [],
            "profile_url": reverse("apple", args=[account.domain]) if offers_profile else "",
            "cards": [],
            "LANGUAGE_CODE": text.language,
        }
        lead = _LEAD.render(context) if page.way is Way.IMPOSSIBLE else f'<p class="lead">{escape(text.summary)}</p>'
        return lead + _ARTICLE.render(context)


@dataclass(frozen=True, slots=True)
class _Link:
    label: str
    url: str


_LEAD = get_template("guide/_impossible.html")
_ARTICLE = get_template("guide/_article.html")


def _situation(mailbox: Mailbox, notice: ProviderText | None, protocol: Protocol, ability: Ability) -> Situation:
    return Situation(
        mailbox.account,
        protocol,
        ability.version,
        password_name=notice.password_name if notice else "",
        username_name=notice.username_name if notice else "",
        app_name=mailbox.app_name,
    )


def _words_asked_for(text: Text) -> frozenset[str]:
    """The words that can be in a condition of a text: all strings of its compiled form that look like one."""
    return frozenset(re.findall(r'"([a-z0-9_]+(?::[a-z0-9-]+)?)"', json.dumps(text.compiled)))
