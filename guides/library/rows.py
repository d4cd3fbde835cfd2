"""Entries of the library as rows of the database, and rows as entries: one table serves both directions.

A field's column has the field's name unless `_RENAMED` gives another. A list is one column of text (`_SEPARATORS`), one
boolean column for each thing that it may hold (`_FLAGS`), or rows of another table (`PARTS`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin

from django.db import models

from guides.library import entries
from guides.mail.accounts import Protocol
from guides.models import (
    ArticleClass,
    ClientVersion,
    ErrorArticle,
    ErrorPattern,
    ErrorText,
    FormerArticle,
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

L = TypeVar("L", bound=entries.Located)

_MODELS: dict[type[entries.Entry], type[models.Model]] = {
    entries.ProviderEntry: Provider,
    entries.ClientEntry: MailClient,
    entries.GuideEntry: Guide,
    entries.ArticleEntry: ErrorArticle,
    entries.PatternEntry: ErrorPattern,
}
# The table of each folder's texts, and the column that refers to the text's entry.
_TEXT_MODELS: dict[entries.TextFolder, tuple[type[Text], str]] = {
    entries.TextFolder.PROVIDERS: (ProviderText, "provider"),
    entries.TextFolder.GUIDES: (GuideText, "guide"),
    entries.TextFolder.ERRORS: (ErrorText, "article"),
}
_RENAMED: dict[type[entries.Located], dict[str, str]] = {
    entries.ProviderEntry: {"own": "is_own"},
    entries.LinksEntry: {
        "signup": "signup_url",
        "webmail": "webmail_url",
        "help": "help_url",
        "password_page": "password_url",
        "enable_page": "enable_url",
        "app_ios": "app_ios_url",
        "app_android": "app_android_url",
    },
    entries.ClientEntry: {"oauth2": "speaks_oauth2"},
    entries.VersionEntry: {"ja": "name_ja", "en": "name_en", "ru": "name_ru", "default": "is_default"},
}
_FLAGS: dict[str, dict[Any, str]] = {
    "auth": {entries.Login.PASSWORD: "password_login", entries.Login.OAUTH2: "oauth2_login"},
    "protocols": {Protocol.IMAP: "speaks_imap", Protocol.POP3: "speaks_pop3"},
    "reads": {
        entries.Reads.AUTOCONFIG: "reads_autoconfig",
        entries.Reads.AUTODISCOVER: "reads_autodiscover",
        entries.Reads.PROFILE: "reads_profile",
    },
}
_SEPARATORS = {"aliases": ", ", "platforms": ", "}  # of a list in one column; else one item in a line


@dataclass(frozen=True, slots=True)
class Part:
    """A list of an entry that is stored as rows of another table."""

    model: type[models.Model]
    owner: str  # the column that refers to the entry's own row
    related: str  # the entry's row reaches the part's rows by this name
    column: str = ""  # for items that are a text; others are dataclasses, and their order is stored
    same: Mapping[str, str] = field(default_factory=dict)  # columns that have the same value in all rows of this list


PARTS: dict[type[entries.Located], dict[str, Part]] = {
    entries.ProviderEntry: {
        "domains": Part(ProviderDomain, "provider", "domains", "domain"),
        "domain_suffixes": Part(SuffixRule, "provider", "suffix_rules", "suffix", {"kind": SuffixRule.Kind.DOMAIN}),
        "mx_suffixes": Part(SuffixRule, "provider", "suffix_rules", "suffix", {"kind": SuffixRule.Kind.MX}),
        "servers": Part(ProviderServer, "provider", "servers"),
    },
    entries.ClientEntry: {"versions": Part(ClientVersion, "client", "versions")},
    entries.ArticleEntry: {
        "classes": Part(ArticleClass, "article", "classes", "name"),
        "former": Part(FormerArticle, "article", "former", "slug"),
    },
}


# --- entries to rows ----------------------------------------------------------------------------


def model_of(entry: entries.Entry) -> type[models.Model]:
    """The table that an entry is a row of."""
    return _TEXT_MODELS[entry.folder][0] if isinstance(entry, entries.TextEntry) else _MODELS[type(entry)]


def columns(entry: entries.Located) -> dict[str, Any]:
    """The entry, or a part of one, as columns of its own row, without foreign keys."""
    found: dict[str, Any] = {}
    parts, renamed = PARTS.get(type(entry), {}), _RENAMED.get(type(entry), {})
    for each in fields(entry):
        name, value = each.name, getattr(entry, each.name)
        if name in parts or each.metadata.keys() & {"aside", "table", "reference", "own_entries"}:
            continue
        column = renamed.get(name, name)
        if isinstance(value, entries.Located):
            found |= columns(value)
        elif name in _FLAGS:
            found |= {flag: word in value for word, flag in _FLAGS[name].items()}
        elif isinstance(value, tuple):
            found[column] = _SEPARATORS.get(name, "\n").join(value)
        else:
            # A column of choices is empty where the field is None; a column of dates is NULL.
            found[column] = "" if value is None and name != "checked_on" else value
    return found


def key_of_column(entry: entries.Located, column: str) -> str:
    """The key that a file has for a column of the entry's row."""
    keys = {name: key for key, name in _RENAMED.get(type(entry), {}).items()}
    if isinstance(entry, entries.ProviderEntry):
        keys |= {name: f"links.{key}" for key, name in _RENAMED[entries.LinksEntry].items()}
    return keys.get(column, column)


def part_rows(entry: entries.Entry, row: models.Model | None = None) -> Iterator[tuple[Any, models.Model]]:
    """Each item of the entry's lists with its row, which refers to `row`; none is saved yet."""
    for name, part in PARTS.get(type(entry), {}).items():
        owner = {part.owner: row} if row else {}
        for position, item in enumerate(getattr(entry, name)):
            own = {part.column: item} if part.column else {**columns(item), "position": position}
            yield item, part.model(**owner, **part.same, **own)


def references(entry: entries.Entry) -> dict[str, str]:
    """The columns that are foreign keys, each with the key of the entry that it refers to; "" for none."""
    if isinstance(entry, entries.TextEntry):
        return {_TEXT_MODELS[entry.folder][1]: entry.parent_key}
    paths = {each.name: each.metadata["reference"] for each in fields(entry) if "reference" in each.metadata}
    return {name: path.format(getattr(entry, name)) if getattr(entry, name) else "" for name, path in paths.items()}


# --- rows to entries ----------------------------------------------------------------------------


class StoredLibrary:
    """The whole database as a `Library`, and the row of each entry by the entry's key; a constant number of queries."""

    def __init__(self) -> None:
        self.row_of: dict[str, models.Model] = {}
        texts = [row for model, owner in _TEXT_MODELS.values() for row in model._default_manager.select_related(owner)]
        articles = ErrorArticle.objects.prefetch_related("classes", "former", "patterns__provider")
        self.library = entries.Library(
            providers=self._read(Provider.objects.prefetch_related("domains", "suffix_rules", "servers")),
            clients=self._read(MailClient.objects.prefetch_related("versions")),
            guides=self._read(Guide.objects.select_related("client")),
            articles=self._read(articles),
            texts=self._read(texts),
        )
        self._read(pattern for article in articles for pattern in article.patterns.all())

    def _read(self, rows: Iterable[models.Model]) -> tuple[Any, ...]:
        read = [(entry_of(row), row) for row in rows]
        self.row_of.update({entry.key: row for entry, row in read})
        return tuple(entry for entry, _row in read)


def entry_of(row: models.Model) -> entries.Entry:
    """The entry that a row of any of the library's tables, with the rows that belong to it, amounts to."""
    match row:
        case Provider():
            return _entry(entries.ProviderEntry, row)
        case MailClient():
            return _entry(entries.ClientEntry, row)
        case Guide():
            return _entry(entries.GuideEntry, row)
        case ErrorArticle():
            patterns = tuple(_entry(entries.PatternEntry, pattern) for pattern in row.patterns.all())
            return _entry(entries.ArticleEntry, row, patterns=patterns)
        case ErrorPattern():
            return _entry(entries.PatternEntry, row)
    for folder, (model, owner) in _TEXT_MODELS.items():
        if isinstance(row, model):
            kind = entries.NoticeEntry if folder == entries.TextFolder.PROVIDERS else entries.TextEntry
            return _entry(kind, row, folder=folder, parent=getattr(row, owner).slug)
    raise TypeError(f"{row!r} is no entry of the library")


def _entry(kind: type[L], row: Any, **given: Any) -> L:
    values = dict(given)
    parts, renamed, types = PARTS.get(kind, {}), _RENAMED.get(kind, {}), entries.types_of(kind)
    for each in fields(kind):
        name, hint = each.name, types[each.name]
        column = renamed.get(name, name)
        if name in given or "aside" in each.metadata:
            continue
        if name in parts:
            values[name] = tuple(_items(parts[name], row, get_args(hint)[0]))
        elif "reference" in each.metadata:
            values[name] = target.slug if (target := getattr(row, column)) else ""
        elif name in _FLAGS:
            values[name] = tuple(word for word, flag in _FLAGS[name].items() if getattr(row, flag))
        elif hint is entries.LinksEntry:
            values[name] = _entry(entries.LinksEntry, row)
        elif get_origin(hint) is tuple:
            items = getattr(row, column).split(_SEPARATORS.get(name, "\n").rstrip(" "))
            values[name] = tuple(item.strip() for item in items if item.strip())
        else:
            values[name] = _scalar(hint, getattr(row, column))
    return kind(**values)


def _items(part: Part, row: Any, kind: Any) -> Iterator[Any]:
    for each in getattr(row, part.related).all():
        if all(getattr(each, column) == value for column, value in part.same.items()):
            yield getattr(each, part.column) if part.column else _entry(kind, each)


def _scalar(hint: Any, value: Any) -> Any:
    """A column's value as the field's type has it; an empty column of words is None where the type has None."""
    for kind in get_args(hint) or (hint,):
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind(value) if value or kind is hint else None
    return value
