"""The library's entries: one frozen dataclass for each kind of file.

The dataclasses are the files' schema: a field is a key, its type is what the file may hold there, a default makes the
key optional (docs/library.md). Reading, checking, loading and dumping all use them; `rows` maps them to tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import Enum, StrEnum
from functools import cache
from typing import Any, ClassVar, get_type_hints

from guides.mail.accounts import PasswordKind, Protocol, Security, UsernameForm
from guides.mail.outcomes import Owner, Stage, Symptom
from guides.models.guides import Guide
from guides.models.providers import Provider
from guides.models.texts import Language, TextStatus


@dataclass(frozen=True, slots=True, order=True)
class FileFault:
    """Something wrong in a file of the library."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class LibraryError(ValueError):
    """A library cannot be loaded. `faults` holds everything that is wrong, in the order of files and lines."""

    def __init__(self, faults: list[FileFault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Where:
    """Where a part of a file was read: file, first line, and the line of each key (`"domains.2"`: of an item)."""

    file: str = ""
    line: int = 1
    lines: Mapping[str, int] = field(default_factory=dict)

    def fault(self, key: str, what: str) -> FileFault:
        """A fault at the line of `key`, or at the first line when the file does not hold the key."""
        return FileFault(self.file, self.lines.get(key, self.line), what)


NOWHERE = Where()


class Login(StrEnum):
    """How a client signs in to a server. The provider's entry says which kind of password is meant."""

    PASSWORD = "password"  # noqa: S105  a value in the files
    OAUTH2 = "oauth2"


class Reads(StrEnum):
    """What a mail client can take its settings from."""

    AUTOCONFIG = "autoconfig"
    AUTODISCOVER = "autodiscover"
    PROFILE = "profile"


class TextFolder(StrEnum):
    """The folders that hold texts."""

    PROVIDERS = "providers"
    GUIDES = "guides"
    ERRORS = "errors"


# The entry that a text in the folder belongs to.
HEADS = {
    TextFolder.PROVIDERS: "providers/{}.yaml",
    TextFolder.GUIDES: "guides/{}/guide.yaml",
    TextFolder.ERRORS: "errors/{}/article.yaml",
}


# Metadata of fields.
IN_PATH = {"in_path": True}  # its value comes from the file's path; a text's body, from below the head
UNORDERED = {"unordered": True}  # its items have no order
OWN_ENTRIES = {"own_entries": True}  # its items are loaded as entries of their own
ASIDE = {"aside": True}  # no part of the content
PLACE = {"least": 0, "most": 1_000_000}


def reference(path: str) -> dict[str, str]:
    """Metadata: the field names another entry, whose key is `path` with the name filled in."""
    return {"reference": path}


def unique(kind: str) -> dict[str, str]:
    """Metadata: no two entries of the library may hold the same value in the field."""
    return {"unique": kind}


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """A part of a file."""

    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry(Located):
    """A part of the library that is loaded, kept or deleted by itself."""

    path: ClassVar[str]

    @property
    def key(self) -> str:
        """The entry's name in the table of loaded entries: its file relative to the library, or a pattern's name."""
        return self.path.format(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerEntry(Located):
    """One server of a provider."""

    protocol: Protocol
    host: str
    port: int = field(metadata={"least": 1, "most": 65535})
    security: Security
    username: UsernameForm = UsernameForm.ADDRESS
    auth: tuple[Login, ...] = field(default=(Login.PASSWORD,), metadata=UNORDERED)
    username_template: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinksEntry(Located):
    """The provider's pages that texts may point at."""

    signup: str = ""
    webmail: str = ""
    help: str = ""
    password_page: str = ""
    enable_page: str = ""
    app_ios: str = ""
    app_android: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderEntry(Entry):
    """`providers/<slug>.yaml`"""

    path = "providers/{0.slug}.yaml"

    slug: str
    name: str
    password: PasswordKind = PasswordKind.PASSWORD
    password_pattern: str = ""
    must_enable: bool = False
    confidence: Provider.Confidence = Provider.Confidence.MEDIUM
    position: int = field(default=100, metadata=PLACE)
    own: bool = False
    checked_on: date | None = None
    links: LinksEntry = LinksEntry()
    app_name: str = ""
    domains: tuple[str, ...] = field(default=(), metadata=UNORDERED | unique("domain"))
    domain_suffixes: tuple[str, ...] = field(default=(), metadata=UNORDERED | unique("domain suffix"))
    mx_suffixes: tuple[str, ...] = field(default=(), metadata=UNORDERED | unique("MX suffix"))
    servers: tuple[ServerEntry, ...] = ()
    sources: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionEntry(Located):
    """A version of a mail client whose steps differ from the others'."""

    slug: str
    ja: str
    en: str
    ru: str
    default: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientEntry(Entry):
    """`clients/<slug>.yaml`"""

    path = "clients/{0.slug}.yaml"

    slug: str
    name: str
    aliases: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    protocols: tuple[Protocol, ...] = field(default=(Protocol.IMAP, Protocol.POP3), metadata=UNORDERED)
    oauth2: bool = False
    reads: tuple[Reads, ...] = field(default=(), metadata=UNORDERED)
    help_url: str = ""
    retired: bool = False
    position: int = field(default=100, metadata=PLACE)
    versions: tuple[VersionEntry, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GuideEntry(Entry):
    """`guides/<slug>/guide.yaml`"""

    path = "guides/{0.slug}/guide.yaml"

    slug: str = field(metadata=IN_PATH)
    kind: Guide.Kind
    client: str = field(default="", metadata=reference("clients/{}.yaml") | unique("guide about the client"))
    position: int = field(default=100, metadata=PLACE)


@dataclass(frozen=True, kw_only=True, slots=True)
class PatternEntry(Entry):
    """A pattern of an error article. No other pattern has its name, so that it can move between articles."""

    path = "patterns/{0.name}"

    article: str = field(metadata=IN_PATH | reference("errors/{}/article.yaml"))
    name: str = field(metadata=unique("pattern"))
    pattern: str
    example: str
    cause: str
    owner: Owner | None = None
    provider: str = field(default="", metadata=reference("providers/{}.yaml"))
    protocol: Protocol | None = None
    stage: Stage | None = None
    priority: int = field(default=100, metadata=PLACE)
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleEntry(Entry):
    """`errors/<slug>/article.yaml`. Its patterns are entries of their own: staff may change one and not the others."""

    path = "errors/{0.slug}/article.yaml"

    slug: str = field(metadata=IN_PATH)
    owner: Owner
    symptom: Symptom = Symptom.OTHER
    position: int = field(default=100, metadata=PLACE)
    classes: tuple[str, ...] = field(default=(), metadata=UNORDERED | unique("class"))
    former: tuple[str, ...] = field(default=(), metadata=UNORDERED | unique("former article"))
    patterns: tuple[PatternEntry, ...] = field(default=(), metadata=OWN_ENTRIES)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextEntry(Entry):
    """A text in one language: `guides/<slug>/<lang>.md`, `errors/<slug>/<lang>.md`."""

    path = "{0.folder}/{0.parent}/{0.language}.md"

    # Fingerprints that are stored already hold the folder by this name.
    folder: TextFolder = field(metadata=IN_PATH | {"table": True, "fingerprint_as": "shelf"})
    parent: str = field(metadata=IN_PATH | reference(""))
    language: Language = field(metadata=IN_PATH)
    title: str
    summary: str = ""
    status: TextStatus = TextStatus.DRAFT
    checked_on: date | None = None
    sources: tuple[str, ...] = ()
    body: str = field(default="", metadata=IN_PATH)
    body_line: int = field(default=1, compare=False, repr=False, metadata=ASIDE)

    @property
    def parent_key(self) -> str:
        """The key of the entry that the text belongs to."""
        return HEADS[self.folder].format(self.parent)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeEntry(TextEntry):
    """What must be done first at a provider: `providers/<slug>.<lang>.md`."""

    path = "providers/{0.parent}.{0.language}.md"

    password_name: str = ""
    username_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """All entries of a folder or of the database."""

    providers: tuple[ProviderEntry, ...] = ()
    clients: tuple[ClientEntry, ...] = ()
    guides: tuple[GuideEntry, ...] = ()
    articles: tuple[ArticleEntry, ...] = ()
    texts: tuple[TextEntry, ...] = ()

    @property
    def patterns(self) -> Iterator[PatternEntry]:
        """The patterns of all articles."""
        return (pattern for article in self.articles for pattern in article.patterns)

    def entries(self) -> Iterator[Entry]:
        """All entries; each comes after those that it refers to."""
        yield from self.providers
        yield from self.clients
        yield from self.guides
        yield from self.articles
        yield from self.patterns
        yield from self.texts


# The types of a dataclass's fields, by name.
types_of: Callable[[Any], dict[str, Any]] = cache(get_type_hints)


def unique_names(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """The values that no other entry of the library may hold: kind, value, and the key of its line."""
    for each in fields(entry):
        value = getattr(entry, each.name)
        if (kind := each.metadata.get("unique")) and value:
            if isinstance(value, tuple):
                yield from ((kind, name, f"{each.name}.{number}") for number, name in enumerate(value))
            else:
                yield kind, value, each.name


def as_file(entry: Entry) -> dict[str, Any]:
    """The content of the entry's file in plain types, without defaults."""
    return _plain(entry, without="in_path")


def fingerprint(entry: Entry) -> str:
    """SHA-256 of the entry's content. It depends neither on the place in the file nor on the order of unordered items.

    Stored for each loaded entry: another value for the same content would make every row look changed by staff.
    """
    plain = _plain(entry, without="own_entries")
    named = {each.name: each.metadata["fingerprint_as"] for each in fields(entry) if "fingerprint_as" in each.metadata}
    content = [entry.key, {named.get(name, name): value for name, value in plain.items()}]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()


def _plain(entry: Located, *, without: str) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for each in fields(entry):
        value = getattr(entry, each.name)
        # A field with its default is left out, so that a new field does not change fingerprints.
        if value == each.default or each.metadata.get("aside") or each.metadata.get(without):
            continue
        if isinstance(value, tuple):
            items = [_scalar(item, without) for item in value]
            plain[each.name] = sorted(items) if each.metadata.get("unordered") else items
        else:
            plain[each.name] = _scalar(value, without)
    return plain


def _scalar(value: Any, without: str) -> Any:
    if isinstance(value, Enum):
        return value.value
    return _plain(value, without=without) if isinstance(value, Located) else value
