"""The database's rows as entries of the library."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models

from guides.library.entries import (
    ArticleEntry,
    ClientEntry,
    Entry,
    GuideEntry,
    Library,
    LinksEntry,
    Login,
    NoticeEntry,
    PatternEntry,
    ProviderEntry,
    Reads,
    ServerEntry,
    Shelf,
    TextEntry,
    VersionEntry,
)
from guides.library.entries_to_rows import TEXT_MODELS
from guides.mail.accounts import PasswordKind, Protocol, Security, UsernameForm
from guides.mail.outcomes import Owner, Stage
from guides.models import (
    ErrorArticle,
    ErrorPattern,
    ErrorText,
    Guide,
    GuideText,
    MailClient,
    Provider,
    ProviderServer,
    ProviderText,
)
from guides.models.texts import Language, Text, TextStatus

E = TypeVar("E", bound=Entry)


class Shelves:
    """The whole database as a `Library`, with the row behind each of its entries; a constant number of queries."""

    def __init__(self) -> None:
        self.row_of: dict[str, models.Model] = {}
        providers = Provider.objects.prefetch_related("domains", "suffix_rules", "servers")
        clients = MailClient.objects.prefetch_related("versions")
        articles = ErrorArticle.objects.prefetch_related("classes", "patterns__provider")
        texts = [
            self._note(row, text_entry(row))
            for model, parent in TEXT_MODELS.values()
            for row in model._default_manager.select_related(parent)
        ]
        self.library = Library(
            providers=tuple(self._note(row, provider_entry(row)) for row in providers),
            clients=tuple(self._note(row, client_entry(row)) for row in clients),
            guides=tuple(self._note(row, guide_entry(row)) for row in Guide.objects.select_related("client")),
            articles=tuple(self._note(row, self._article(row)) for row in articles),
            texts=tuple(texts),
        )

    def _note(self, row: models.Model, entry: E) -> E:
        self.row_of[entry.key] = row
        return entry

    def _article(self, row: ErrorArticle) -> ArticleEntry:
        entry = article_entry(row)
        for pattern, pattern_row in zip(entry.patterns, row.patterns.all(), strict=True):
            self._note(pattern_row, pattern)
        return entry


def entry_of(row: models.Model) -> Entry:
    """The entry that a row, whichever it is, amounts to."""
    match row:
        case Provider():
            return provider_entry(row)
        case MailClient():
            return client_entry(row)
        case Guide():
            return guide_entry(row)
        case ErrorArticle():
            return article_entry(row)
        case ErrorPattern():
            return pattern_entry(row, row.article.slug)
        case Text():
            return text_entry(row)
    raise TypeError(f"{row!r} is no entry of the library")


def provider_entry(row: Provider) -> ProviderEntry:
    """A provider with its domains, rules and servers."""
    rules = list(row.suffix_rules.all())
    return ProviderEntry(
        slug=row.slug,
        name=row.name,
        password=PasswordKind(row.password),
        password_pattern=row.password_pattern,
        must_enable=row.must_enable,
        confidence=Provider.Confidence(row.confidence),
        position=row.position,
        own=row.is_own,
        checked_on=row.checked_on,
        links=LinksEntry(
            signup=row.signup_url,
            webmail=row.webmail_url,
            help=row.help_url,
            password_page=row.password_url,
            enable_page=row.enable_url,
            app_ios=row.app_ios_url,
            app_android=row.app_android_url,
        ),
        app_name=row.app_name,
        domains=tuple(each.domain for each in row.domains.all()),
        domain_suffixes=tuple(rule.suffix for rule in rules if rule.kind == "domain"),
        mx_suffixes=tuple(rule.suffix for rule in rules if rule.kind == "mx"),
        servers=tuple(_server_entry(server) for server in row.servers.all()),
        sources=_items(row.sources),
        doubts=_items(row.doubts),
    )


def _server_entry(row: ProviderServer) -> ServerEntry:
    logins = ((Login.PASSWORD, row.password_login), (Login.OAUTH2, row.oauth2_login))
    return ServerEntry(
        protocol=Protocol(row.protocol),
        host=row.host,
        port=row.port,
        security=Security(row.security),
        username=UsernameForm(row.username),
        auth=tuple(login for login, accepted in logins if accepted),
    )


def client_entry(row: MailClient) -> ClientEntry:
    """A mail client with its versions."""
    protocols = ((Protocol.IMAP, row.speaks_imap), (Protocol.POP3, row.speaks_pop3))
    reads = (
        (Reads.AUTOCONFIG, row.reads_autoconfig),
        (Reads.AUTODISCOVER, row.reads_autodiscover),
        (Reads.PROFILE, row.reads_profile),
    )
    return ClientEntry(
        slug=row.slug,
        name=row.name,
        aliases=_items(row.aliases, ","),
        platforms=_items(row.platforms, ","),
        protocols=tuple(protocol for protocol, spoken in protocols if spoken),
        oauth2=row.speaks_oauth2,
        reads=tuple(source for source, read in reads if read),
        help_url=row.help_url,
        retired=row.retired,
        position=row.position,
        versions=tuple(
            VersionEntry(slug=each.slug, ja=each.name_ja, en=each.name_en, ru=each.name_ru, default=each.is_default)
            for each in row.versions.all()
        ),
    )


def guide_entry(row: Guide) -> GuideEntry:
    """A guide without its texts."""
    return GuideEntry(
        slug=row.slug,
        kind=Guide.Kind(row.kind),
        client=row.client.slug if row.client else "",
        position=row.position,
    )


def article_entry(row: ErrorArticle) -> ArticleEntry:
    """An error article with its classes and patterns, without its texts."""
    return ArticleEntry(
        slug=row.slug,
        owner=Owner(row.owner),
        position=row.position,
        classes=tuple(each.name for each in row.classes.all()),
        patterns=tuple(pattern_entry(pattern, row.slug) for pattern in row.patterns.all()),
    )


def pattern_entry(row: ErrorPattern, article: str) -> PatternEntry:
    """A pattern of the article with that slug."""
    return PatternEntry(
        article=article,
        name=row.name,
        pattern=row.pattern,
        example=row.example,
        cause=row.cause,
        owner=Owner(row.owner) if row.owner else None,
        provider=row.provider.slug if row.provider else "",
        protocol=Protocol(row.protocol) if row.protocol else None,
        stage=Stage(row.stage) if row.stage else None,
        priority=row.priority,
        source=row.source,
    )


def text_entry(row: Text) -> TextEntry:
    """A text of a guide or an article, or a provider's notice."""
    match row:
        case ProviderText():
            shelf, parent = Shelf.PROVIDERS, row.provider.slug
        case GuideText():
            shelf, parent = Shelf.GUIDES, row.guide.slug
        case ErrorText():
            shelf, parent = Shelf.ERRORS, row.article.slug
        case _:
            raise TypeError(f"{row!r} is no text of the library")
    said: dict[str, Any] = {
        "shelf": shelf,
        "parent": parent,
        "language": Language(row.language),
        "title": row.title,
        "summary": row.summary,
        "status": TextStatus(row.status),
        "checked_on": row.checked_on,
        "sources": _items(row.sources),
        "body": row.body,
    }
    if isinstance(row, ProviderText):
        return NoticeEntry(**said, password_name=row.password_name, username_name=row.username_name)
    return TextEntry(**said)


def _items(text: str, separator: str = "\n") -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(separator) if item.strip())
