"""What the library holds: one frozen dataclass for each kind of file, and the same for the rows made from it.

The dataclasses are the files' schema: a field is a key, its type what may stand there, a default makes it optional
(docs/library.md). Reading, checking, loading and dumping all speak in them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import Enum, StrEnum
from typing import Any

from guides.mail.accounts import PasswordKind, Protocol, Security, UsernameForm
from guides.mail.outcomes import Owner, Stage
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
    """Where an entry was read: its file and line, and the line of each of its keys (`"domains.2"`: of an item)."""

    file: str = ""
    line: int = 1
    lines: Mapping[str, int] = field(default_factory=dict)

    def fault(self, key: str, what: str) -> FileFault:
        """A fault at the line of `key`, or at the entry's own where the file does not name the key."""
        return FileFault(self.file, self.lines.get(key, self.line), what)


NOWHERE = Where()


class Login(StrEnum):
    """How a server lets a client sign in, as files say it; which password is meant stands in the provider's entry."""

    PASSWORD = "password"  # noqa: S105  a word of the files
    OAUTH2 = "oauth2"


class Reads(StrEnum):
    """What a mail client can take its settings from."""

    AUTOCONFIG = "autoconfig"
    AUTODISCOVER = "autodiscover"
    PROFILE = "profile"


class Shelf(StrEnum):
    """The folders that hold texts."""

    PROVIDERS = "providers"
    GUIDES = "guides"
    ERRORS = "errors"


# What the reader, the dumper and the fingerprint need to know of a field.
IN_PATH = {"in_path": True}  # its value stands in the file's path, or, a text's body, below the head
UNORDERED = {"unordered": True}  # its items have no order
OWN_ENTRIES = {"own_entries": True}  # its items are loaded by themselves
ASIDE = {"aside": True}  # no part of what the entry says
PLACE = {"least": 0, "most": 1_000_000}


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerEntry:
    """One server of a provider."""

    protocol: Protocol
    host: str
    port: int = field(metadata={"least": 1, "most": 65535})
    security: Security
    username: UsernameForm = UsernameForm.ADDRESS
    auth: tuple[Login, ...] = field(default=(Login.PASSWORD,), metadata=UNORDERED)
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinksEntry:
    """The provider's pages that texts may point at."""

    signup: str = ""
    webmail: str = ""
    help: str = ""
    password_page: str = ""
    enable_page: str = ""
    app_ios: str = ""
    app_android: str = ""
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderEntry:
    """`providers/<slug>.yaml`"""

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
    domains: tuple[str, ...] = field(default=(), metadata=UNORDERED)
    domain_suffixes: tuple[str, ...] = field(default=(), metadata=UNORDERED)
    mx_suffixes: tuple[str, ...] = field(default=(), metadata=UNORDERED)
    servers: tuple[ServerEntry, ...] = ()
    sources: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)

    @property
    def key(self) -> str:
        """The entry's file, relative to the library."""
        return f"providers/{self.slug}.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionEntry:
    """A version of a mail client whose steps differ from the others'."""

    slug: str
    ja: str
    en: str
    ru: str
    default: bool = False
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientEntry:
    """`clients/<slug>.yaml`"""

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
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)

    @property
    def key(self) -> str:
        """The entry's file, relative to the library."""
        return f"clients/{self.slug}.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class GuideEntry:
    """`guides/<slug>/guide.yaml`"""

    slug: str = field(metadata=IN_PATH)
    kind: Guide.Kind
    client: str = ""
    position: int = field(default=100, metadata=PLACE)
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)

    @property
    def key(self) -> str:
        """The entry's file, relative to the library."""
        return f"guides/{self.slug}/guide.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class PatternEntry:
    """A pattern of an error article. Its name is its own in the whole library, so that it can move between articles."""

    article: str = field(metadata=IN_PATH)
    name: str
    pattern: str
    example: str
    cause: str
    owner: Owner | None = None
    provider: str = ""
    protocol: Protocol | None = None
    stage: Stage | None = None
    priority: int = field(default=100, metadata=PLACE)
    source: str = ""
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)

    @property
    def key(self) -> str:
        """The pattern's name in the ledger of loaded entries."""
        return f"patterns/{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArticleEntry:
    """`errors/<slug>/article.yaml`. Its patterns are entries of their own: staff may change one and not the others."""

    slug: str = field(metadata=IN_PATH)
    owner: Owner
    position: int = field(default=100, metadata=PLACE)
    classes: tuple[str, ...] = field(default=(), metadata=UNORDERED)
    patterns: tuple[PatternEntry, ...] = field(default=(), metadata=OWN_ENTRIES)
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)

    @property
    def key(self) -> str:
        """The entry's file, relative to the library."""
        return f"errors/{self.slug}/article.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class TextEntry:
    """A text in one language: `guides/<slug>/<lang>.md`, `errors/<slug>/<lang>.md`."""

    shelf: Shelf = field(metadata=IN_PATH)
    parent: str = field(metadata=IN_PATH)
    language: Language = field(metadata=IN_PATH)
    title: str
    summary: str = ""
    status: TextStatus = TextStatus.DRAFT
    checked_on: date | None = None
    sources: tuple[str, ...] = ()
    body: str = field(default="", metadata=IN_PATH)
    body_line: int = field(default=1, compare=False, repr=False, metadata=ASIDE)
    where: Where = field(default=NOWHERE, compare=False, repr=False, metadata=ASIDE)

    @property
    def key(self) -> str:
        """The text's file, relative to the library."""
        return f"{self.shelf}/{self.parent}/{self.language}.md"

    @property
    def parent_key(self) -> str:
        """The entry that the text belongs to."""
        return f"{self.shelf}/{self.parent}/{'guide' if self.shelf == Shelf.GUIDES else 'article'}.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeEntry(TextEntry):
    """What must be done first at a provider: `providers/<slug>.<lang>.md`."""

    password_name: str = ""
    username_name: str = ""

    @property
    def key(self) -> str:
        """The text's file, relative to the library."""
        return f"providers/{self.parent}.{self.language}.md"

    @property
    def parent_key(self) -> str:
        """The entry that the text belongs to."""
        return f"providers/{self.parent}.yaml"


Entry = ProviderEntry | ClientEntry | GuideEntry | ArticleEntry | PatternEntry | TextEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """Everything, as files or as the database holds it."""

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
        """Each thing that is loaded by itself, in an order in which nothing comes before what it refers to."""
        yield from self.providers
        yield from self.clients
        yield from self.guides
        yield from self.articles
        yield from self.patterns
        yield from self.texts


def as_file(entry: Any) -> dict[str, Any]:
    """What the entry's file says, in plain types and without what the reader would assume anyway."""
    return _plain(entry, without="in_path")


def fingerprint(entry: Entry) -> str:
    """A name for what the entry says, wherever and in whichever order it was written."""
    said = json.dumps(
        [entry.key, _plain(entry, without="own_entries")], ensure_ascii=False, sort_keys=True, default=str
    )
    return hashlib.sha256(said.encode()).hexdigest()


def _plain(entry: Any, *, without: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for each in fields(entry):
        value = getattr(entry, each.name)
        # A field that gets its default is left out, so that a new one does not make old rows look changed.
        if value == each.default or each.metadata.get("aside") or each.metadata.get(without):
            continue
        if isinstance(value, tuple):
            items = [_scalar(item, without) for item in value]
            said[each.name] = sorted(items) if each.metadata.get("unordered") else items
        else:
            said[each.name] = _scalar(value, without)
    return said


def _scalar(value: Any, without: str) -> Any:
    if isinstance(value, Enum):
        return value.value
    return _plain(value, without=without) if hasattr(value, "where") else value
