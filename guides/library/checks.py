"""Checks a whole library: names used twice, missing references, the models' own rules, patterns, markup of texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import re2
from django.core.exceptions import ValidationError
from django.utils import translation

from guides.library import entries
from guides.library.rows import columns, key_of_column, model_of, part_rows
from guides.mail.accounts import BRIDGE_HOST, AddressError, PasswordKind, domain_to_ascii
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.patterns import Pattern, PatternFault, PatternSet, check_pattern
from guides.mail.discovery.names import is_public_suffix
from guides.markup import MarkupError, compile_text
from guides.models import Guide, MailClient, Provider
from guides.models.texts import TextStatus


@dataclass(frozen=True, slots=True)
class Known:
    """The rows that a library may refer to although it does not hold them."""

    providers: frozenset[str] = frozenset()
    clients: dict[str, tuple[str, ...] | None] = field(
        default_factory=dict
    )  # slug -> version slugs, None: not readable

    def and_files(self, files: Iterable[str]) -> Known:
        """The same with the providers and clients of unreadable files, so that references to them are no faults."""
        stems = {(Path(file).parent.name, Path(file).name.partition(".")[0]) for file in files}
        clients = {slug: None for folder, slug in stems if folder == "clients"}
        providers = {slug for folder, slug in stems if folder == "providers"}
        return Known(self.providers | providers, {**self.clients, **clients})


@dataclass(frozen=True, slots=True)
class Checked:
    """All faults, and the compiled form of each text without a fault, by the text's key."""

    faults: list[entries.FileFault]
    compiled: dict[str, list[Any]]


def check_library(library: entries.Library, known: Known) -> Checked:
    """Check a library that was read."""
    checks = _Checks(library, known)
    with translation.override("en"):  # faults are for the operator's terminal, whatever the portal's language
        faults = list(checks.faults())
    return Checked(faults, checks.compiled)


class _Checks:
    """One library, checked once."""

    def __init__(self, library: entries.Library, known: Known) -> None:
        self.library = library
        self.compiled: dict[str, list[Any]] = {}
        self.providers = sorted(known.providers.union(each.slug for each in library.providers))
        own = {each.slug: tuple(version.slug for version in each.versions) for each in library.clients}
        self.versions = {**known.clients, **own}
        self.client_of = {guide.slug: guide.client for guide in library.guides}

    def faults(self) -> Iterator[entries.FileFault]:
        yield from self._used_twice()
        yield from _former(self.library)
        for entry in self.library.entries():
            yield from _columns(entry)
            match entry:
                case entries.ProviderEntry():
                    yield from _provider(entry)
                case entries.ClientEntry():
                    yield from _client(entry)
                case entries.GuideEntry():
                    yield from self._guide(entry)
                case entries.ArticleEntry():
                    yield from _article(entry)
                case entries.PatternEntry():
                    yield from self._pattern(entry)
                case entries.TextEntry():
                    yield from self._text(entry)

    def _used_twice(self) -> Iterator[entries.FileFault]:
        """Unique names that the library holds twice."""
        places: dict[tuple[str, str], str] = {}
        for entry in self.library.entries():
            for kind, name, key in entries.unique_names(entry):
                place = f"{entry.where.file}:{entry.where.lines.get(key, entry.where.line)}"
                first = places.setdefault((kind, name), place)
                if first != place:
                    article = "a" if kind == "guide about the client" else "the"
                    yield entry.where.fault(key, f"{article} {kind} {name} already stands in {first}")

    def _guide(self, guide: entries.GuideEntry) -> Iterator[entries.FileFault]:
        if (guide.kind == Guide.Kind.CLIENT) != bool(guide.client):
            yield guide.where.fault("client", "client: a guide of kind client names one, a topic names none")
        elif guide.client and guide.client not in self.versions:
            yield guide.where.fault("client", f"client: there is no mail client “{guide.client}”")

    def _pattern(self, entry: entries.PatternEntry) -> Iterator[entries.FileFault]:
        if entry.cause not in CLASSES:
            yield entry.where.fault("cause", f"cause: “{entry.cause}” is no class of docs/classes.md")
        if entry.provider and entry.provider not in self.providers:
            yield entry.where.fault("provider", f"provider: there is no provider “{entry.provider}”")
        try:
            check_pattern(entry.pattern)
        except PatternFault as error:
            yield entry.where.fault("pattern", f"pattern: {error}")
        else:
            if not finds_example(entry.pattern, entry.example):
                yield entry.where.fault("example", "example: the pattern does not find it")

    def _text(self, text: entries.TextEntry) -> Iterator[entries.FileFault]:
        published = text.status == TextStatus.PUBLISHED
        if published and not text.body:
            yield text.where.fault("status", "status: a published text needs a body")
            return
        client = self.client_of.get(text.parent, "") if text.folder == entries.TextFolder.GUIDES else ""
        versions = self.versions.get(client, ())
        if versions is None:
            return  # the client's file has a fault, so its versions are unknown
        try:
            self.compiled[text.key] = compile_text(
                text.body,
                versions=versions,
                providers=self.providers,
                require_steps=published and not isinstance(text, entries.NoticeEntry),
            )
        except MarkupError as error:
            for fault in error.faults:
                yield entries.FileFault(text.where.file, text.body_line + fault.line - 1, str(fault))


def finds_example(pattern: str, example: str) -> bool:
    """Whether a pattern finds its own example, by the same search as in a server's reply."""
    patterns = PatternSet([Pattern(name="", expression=pattern, cause="unknown.unknown")])
    return patterns.match(example, protocol=None, stage=None, provider=None) is not None


def password_pattern_fault(pattern: str) -> str:
    """RE2's message about a pattern for whole passwords; "" when it is valid."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        return str(error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0])
    return ""


PUBLIC_SUFFIX = "names below it have different owners"


def host_fault(host: str) -> str:
    """What is wrong with a domain or host name; "" when it is in A-labels and lower case."""
    try:
        written = domain_to_ascii(host)
    except AddressError:
        return f"“{host}” is no domain"
    return "" if written == host else f"“{host}” must be written {written}"


def _columns(entry: entries.Entry) -> Iterator[entries.FileFault]:
    """Faults by the rules of the models' columns: lengths, forms of slugs, https addresses."""
    yield from _row_faults(model_of(entry)(**columns(entry)), entry)
    for item, row in part_rows(entry):
        if isinstance(item, entries.Located):
            yield from _row_faults(row, item)


def _row_faults(row: Any, entry: entries.Located) -> Iterator[entries.FileFault]:
    foreign_keys = [each.name for each in row._meta.fields if each.is_relation]
    try:
        row.clean_fields(exclude=[*foreign_keys, "compiled"])
    except ValidationError as error:
        for column, messages in error.message_dict.items():
            key = key_of_column(entry, column)
            yield entry.where.fault(key.partition(".")[0], f"{key}: {' '.join(messages)}")


def _provider(entry: entries.ProviderEntry) -> Iterator[entries.FileFault]:
    yield from _named_as_its_file(entry.slug, entry.where)
    for key in ("domains", "domain_suffixes", "mx_suffixes"):
        for number, name in enumerate(getattr(entry, key)):
            if what := host_fault(name):
                yield entry.where.fault(f"{key}.{number}", f"{key}: {what}")
            elif key == "mx_suffixes" and is_public_suffix(name):
                yield entry.where.fault(f"{key}.{number}", f"{key}: “{name}” is a public suffix: {PUBLIC_SUFFIX}")
    if what := password_pattern_fault(entry.password_pattern):
        yield entry.where.fault("password_pattern", f"password_pattern: RE2 cannot read it: {what}")
    seen = set()
    for server in entry.servers:
        on_own_machine = entry.password == PasswordKind.BRIDGE and server.host == BRIDGE_HOST
        if not on_own_machine and (what := host_fault(server.host)):
            yield server.where.fault("host", f"host: {what}")
        if (name := (server.protocol, server.host, server.port)) in seen:
            yield server.where.fault(
                "host", f"servers: {server.protocol} {server.host}:{server.port} stands here twice"
            )
        seen.add(name)
        if not server.auth:
            yield server.where.fault("auth", "auth: at least one of password, oauth2")
        if entry.password == PasswordKind.OAUTH2 and entries.Login.PASSWORD in server.auth:
            yield server.where.fault("auth", "auth: a provider with “password: oauth2” takes no password")


def _client(entry: entries.ClientEntry) -> Iterator[entries.FileFault]:
    yield from _named_as_its_file(entry.slug, entry.where)
    for key in ("aliases", "platforms"):
        for number, name in enumerate(getattr(entry, key)):
            if "," in name or not name:
                yield entry.where.fault(f"{key}.{number}", f"{key}: “{name}” must be one name, without a comma")
    if not entry.protocols:
        yield entry.where.fault("protocols", "protocols: at least one of imap, pop3")
    slugs = [version.slug for version in entry.versions]
    for version in entry.versions:
        if slugs.count(version.slug) > 1:
            yield version.where.fault("slug", f"versions: {version.slug} stands here twice")
    if entry.versions and sum(version.default for version in entry.versions) != 1:
        yield entry.where.fault("versions", "versions: exactly one of them is the default")


def _article(entry: entries.ArticleEntry) -> Iterator[entries.FileFault]:
    for number, name in enumerate(entry.classes):
        if name not in CLASSES:
            yield entry.where.fault(f"classes.{number}", f"classes: “{name}” is no class of docs/classes.md")


def _former(library: entries.Library) -> Iterator[entries.FileFault]:
    """An article that was merged into another is not there any more."""
    slugs = {article.slug for article in library.articles}
    for article in library.articles:
        for number, slug in enumerate(article.former):
            if slug in slugs:
                yield article.where.fault(f"former.{number}", f'"{slug}" is an article of its own')


def _named_as_its_file(slug: str, where: entries.Where) -> Iterator[entries.FileFault]:
    if not where.file.endswith(f"/{slug}.yaml"):
        yield where.fault("slug", f"slug: “{slug}” must be the name of the file")


def known_rows() -> Known:
    """The providers and clients in the database."""
    clients: dict[str, tuple[str, ...] | None] = {}
    for client in MailClient.objects.prefetch_related("versions"):
        clients[client.slug] = tuple(version.slug for version in client.versions.all())
    return Known(frozenset(Provider.objects.values_list("slug", flat=True)), clients)
