"""The library's entries as columns and rows of the database (the other way: `rows_to_entries`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from guides.library.entries import (
    ArticleEntry,
    ClientEntry,
    Entry,
    GuideEntry,
    Login,
    NoticeEntry,
    PatternEntry,
    ProviderEntry,
    Reads,
    Shelf,
    TextEntry,
)
from guides.mail.accounts import Protocol
from guides.models import (
    ArticleClass,
    ClientVersion,
    ErrorArticle,
    ErrorPattern,
    ErrorText,
    Guide,
    GuideText,
    MailClient,
    Provider,
    ProviderDomain,
    ProviderServer,
    ProviderText,
    SuffixRule,
)
from guides.models.texts import Text

MODEL_OF: dict[type[Entry], type[models.Model]] = {
    ProviderEntry: Provider,
    ClientEntry: MailClient,
    GuideEntry: Guide,
    ArticleEntry: ErrorArticle,
    PatternEntry: ErrorPattern,
}
TEXT_MODELS: dict[Shelf, tuple[type[Text], str]] = {
    Shelf.PROVIDERS: (ProviderText, "provider"),
    Shelf.GUIDES: (GuideText, "guide"),
    Shelf.ERRORS: (ErrorText, "article"),
}

# The columns whose name in the files is another one, for faults that the models' own rules find.
KEY_OF_COLUMN = {
    "signup_url": "links.signup",
    "webmail_url": "links.webmail",
    "help_url": "links.help",
    "password_url": "links.password_page",
    "enable_url": "links.enable_page",
    "app_ios_url": "links.app_ios",
    "app_android_url": "links.app_android",
    "is_own": "own",
    "name_ja": "ja",
    "name_en": "en",
    "name_ru": "ru",
}


def model_of(entry: Entry) -> type[models.Model]:
    """The table that an entry is a row of."""
    return TEXT_MODELS[entry.shelf][0] if isinstance(entry, TextEntry) else MODEL_OF[type(entry)]


def columns(entry: Entry) -> dict[str, Any]:
    """The entry as columns of its own row, without those that refer to other rows."""
    match entry:
        case ProviderEntry():
            return _provider_columns(entry)
        case ClientEntry():
            return _client_columns(entry)
        case GuideEntry():
            return {"slug": entry.slug, "kind": entry.kind, "position": entry.position}
        case ArticleEntry():
            return {"slug": entry.slug, "owner": entry.owner, "position": entry.position}
        case PatternEntry():
            return {
                "name": entry.name,
                "pattern": entry.pattern,
                "example": entry.example,
                "cause": entry.cause,
                "owner": entry.owner or "",
                "protocol": entry.protocol or "",
                "stage": entry.stage or "",
                "priority": entry.priority,
                "source": entry.source,
            }
        case TextEntry():
            return _text_columns(entry)


def _provider_columns(entry: ProviderEntry) -> dict[str, Any]:
    return {
        "slug": entry.slug,
        "name": entry.name,
        "password": entry.password,
        "password_pattern": entry.password_pattern,
        "must_enable": entry.must_enable,
        "signup_url": entry.links.signup,
        "webmail_url": entry.links.webmail,
        "help_url": entry.links.help,
        "password_url": entry.links.password_page,
        "enable_url": entry.links.enable_page,
        "app_name": entry.app_name,
        "app_ios_url": entry.links.app_ios,
        "app_android_url": entry.links.app_android,
        "confidence": entry.confidence,
        "sources": _lines(entry.sources),
        "doubts": _lines(entry.doubts),
        "checked_on": entry.checked_on,
        "position": entry.position,
        "is_own": entry.own,
    }


def _client_columns(entry: ClientEntry) -> dict[str, Any]:
    return {
        "slug": entry.slug,
        "name": entry.name,
        "aliases": ", ".join(entry.aliases),
        "platforms": ", ".join(entry.platforms),
        "speaks_imap": Protocol.IMAP in entry.protocols,
        "speaks_pop3": Protocol.POP3 in entry.protocols,
        "speaks_oauth2": entry.oauth2,
        "reads_autoconfig": Reads.AUTOCONFIG in entry.reads,
        "reads_autodiscover": Reads.AUTODISCOVER in entry.reads,
        "reads_profile": Reads.PROFILE in entry.reads,
        "help_url": entry.help_url,
        "retired": entry.retired,
        "position": entry.position,
    }


def _text_columns(entry: TextEntry) -> dict[str, Any]:
    own = {
        "language": entry.language,
        "title": entry.title,
        "summary": entry.summary,
        "body": entry.body,
        "status": entry.status,
        "sources": _lines(entry.sources),
        "checked_on": entry.checked_on,
    }
    if isinstance(entry, NoticeEntry):
        return {**own, "password_name": entry.password_name, "username_name": entry.username_name}
    return own


def children(entry: Entry) -> list[models.Model]:
    """The rows that belong to the entry's own row and to nobody else; they do not yet refer to it."""
    match entry:
        case ProviderEntry():
            return [
                *(ProviderDomain(domain=domain) for domain in entry.domains),
                *(SuffixRule(kind=SuffixRule.Kind.DOMAIN, suffix=suffix) for suffix in entry.domain_suffixes),
                *(SuffixRule(kind=SuffixRule.Kind.MX, suffix=suffix) for suffix in entry.mx_suffixes),
                *(
                    ProviderServer(
                        protocol=server.protocol,
                        host=server.host,
                        port=server.port,
                        security=server.security,
                        username=server.username,
                        password_login=Login.PASSWORD in server.auth,
                        oauth2_login=Login.OAUTH2 in server.auth,
                        position=number,
                    )
                    for number, server in enumerate(entry.servers)
                ),
            ]
        case ClientEntry():
            return [
                ClientVersion(
                    slug=version.slug,
                    name_ja=version.ja,
                    name_en=version.en,
                    name_ru=version.ru,
                    is_default=version.default,
                    position=number,
                )
                for number, version in enumerate(entry.versions)
            ]
        case ArticleEntry():
            return [ArticleClass(name=name) for name in entry.classes]
        case _:
            return []


CHILDREN: dict[type[models.Model], tuple[str, tuple[type[models.Model], ...]]] = {
    Provider: ("provider", (ProviderDomain, SuffixRule, ProviderServer)),
    MailClient: ("client", (ClientVersion,)),
    ErrorArticle: ("article", (ArticleClass,)),
}


def _lines(items: Iterable[str]) -> str:
    return "\n".join(items)
