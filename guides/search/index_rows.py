"""Builds the index rows of guides, error articles and providers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.utils import translation
from django.utils.translation import gettext

from guides.markup import WORDS, plain, searching
from guides.models import ErrorArticle, Guide, Provider, SearchEntry
from guides.models.texts import Language, TextStatus

Parent = Guide | ErrorArticle | Provider
Kind = SearchEntry.Kind

# A token of the index is bare, or bears one of these marks. Each field's tokens bear the marks of the fields below it
# as well, so that "in the summary or a better field" is one look-up. No query holds such a mark: NFKC makes
# digits of them.
NAME, HEAD, SUMMARY, OFTEN, LANGUAGE = "⁰", "¹", "²", "³", "¤"
OFTEN_TIMES = 3
# Characters. PostgreSQL takes a megabyte of tokens for a row, and a text alone may need half of it.
MOST_BESIDE = 20_000

COLUMN_OF = {Kind.GUIDE: "guide", Kind.ERROR: "article", Kind.PROVIDER: "provider"}


@dataclass(frozen=True, slots=True)
class RowContent:
    """The content of one index row."""

    kind: Kind
    parent: int
    language: str
    slug: str
    position: int
    title: str
    summary: str = ""
    names: tuple[str, ...] = ()
    compiled: tuple[Any, ...] = ()
    beside: str = ""  # found, but never shown: classes, servers' words

    @property
    def fingerprint(self) -> str:
        """Changes with the content, the normaliser, or the translated words in the text."""
        content = [getattr(self, name) for name in self.__slots__]
        whole = json.dumps([content, _making(), list(_words(self.language).values())], ensure_ascii=False)
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()

    def made(self) -> tuple[SearchEntry, set[str]]:
        """The unsaved row, and its words that suggestions may offer for a misspelt one."""
        text = plain.plain_text(self.compiled, _words(self.language))
        row = SearchEntry(
            kind=self.kind,
            language=self.language,
            slug=self.slug,
            position=self.position,
            title=self.title,
            summary=self.summary,
            plain=text,
            tokens=" ".join(sorted(self._tokens(text))),
            fingerprint=self.fingerprint,
            **{f"{COLUMN_OF[self.kind]}_id": self.parent},
        )
        return row, searching.words("\n".join((*self.names, self.title, self.summary, text)))

    def _tokens(self, text: str) -> set[str]:
        head = set(searching.tokens("\n".join((self.title, *self.names))))
        summary = head.union(searching.tokens(self.summary))
        body = searching.counted(text)
        often = summary.union(token for token, times in body.items() if times >= OFTEN_TIMES)
        whole = {searching.whole(name) for name in (self.title, *self.names)} - {""}
        marked = {NAME: whole, HEAD: head, SUMMARY: summary, OFTEN: often}
        bare = summary.union(body, searching.tokens(self.beside[:MOST_BESIDE]))
        return {f"{LANGUAGE}{self.language}", *bare, *(mark + token for mark, some in marked.items() for token in some)}


@lru_cache(maxsize=1)
def _making() -> str:
    """A hash of the code that builds rows, so that a newer version builds them again."""
    made_by = (Path(module.__file__ or "").read_bytes() for module in (searching, plain))
    return hashlib.sha256(b"".join([*made_by, Path(__file__).read_bytes()])).hexdigest()


@lru_cache(maxsize=len(Language))
def _words(language: str) -> dict[str, str]:
    with translation.override(language):
        return {key: gettext(word) for key, word in WORDS.items()}


def sources(parents: Iterable[Parent]) -> Iterator[RowContent]:
    """The rows that these parents should have, in a constant number of queries for each kind."""
    keys: dict[type[Parent], list[int]] = {}
    for parent in parents:
        keys.setdefault(type(parent), []).append(parent.pk)
    for model, some in keys.items():
        yield from _CONTENTS_OF[model](some)


def _guides(keys: list[int]) -> Iterator[RowContent]:
    rows = Guide.objects.filter(pk__in=keys).select_related("client")
    for guide in rows.prefetch_related("texts", "client__versions").order_by("position", "slug"):
        client = guide.client
        for text in _published(guide):
            names = [guide.slug]
            if client:
                aliases = client.aliases.split(",")
                names += [client.name, *aliases]
                names += [getattr(version, f"name_{text.language}") for version in client.versions.all()]
            yield _of_text(Kind.GUIDE, guide, text, names)


def _articles(keys: list[int]) -> Iterator[RowContent]:
    rows = ErrorArticle.objects.filter(pk__in=keys).prefetch_related("texts", "classes", "patterns")
    for article in rows.order_by("position", "slug"):
        beside = [each.name for each in article.classes.all()] + [each.example for each in article.patterns.all()]
        for text in _published(article):
            yield _of_text(Kind.ERROR, article, text, [article.slug], "\n".join(beside))


def _providers(keys: list[int]) -> Iterator[RowContent]:
    rows = Provider.objects.filter(pk__in=keys).prefetch_related("texts", "domains", "suffix_rules", "servers")
    for provider in rows.order_by("position", "slug"):
        domains = [each.domain for each in provider.domains.all()]
        if not domains:
            continue  # it has no page to link
        notices = {text.language: text for text in _published(provider)}
        suffixes = [rule.suffix for rule in provider.suffix_rules.all()]
        for language in sorted(Language.values):
            notice = notices.get(language)
            yield RowContent(
                kind=Kind.PROVIDER,
                parent=provider.pk,
                language=language,
                slug=_usual_domain(provider, domains),
                position=provider.position,
                title=provider.name,
                summary=(notice.summary or notice.title) if notice else "",
                names=(provider.slug, *domains, *suffixes),
                compiled=tuple(notice.compiled) if notice else (),
            )


def _usual_domain(provider: Provider, domains: list[str]) -> str:
    """The domain that a provider's page is linked by: the one it is named after, else the one its servers are in."""
    hosts = [server.host for server in provider.servers.all()]

    def likeness(domain: str) -> tuple[bool, bool, bool, int, str]:
        is_name = domain.replace(".", "-") == provider.slug
        holds_servers = any(host.endswith(f".{domain}") for host in hosts)
        return (not is_name, not holds_servers, not domain.startswith(f"{provider.slug}."), len(domain), domain)

    return min(domains, key=likeness)


def _published(parent: Any) -> list[Any]:
    texts = (text for text in parent.texts.all() if text.status == TextStatus.PUBLISHED)
    return sorted(texts, key=lambda text: text.language)


def _of_text(kind: Kind, parent: Any, text: Any, names: list[str], beside: str = "") -> RowContent:
    return RowContent(
        kind=kind,
        parent=parent.pk,
        language=text.language,
        slug=parent.slug,
        position=parent.position,
        title=text.title,
        summary=text.summary,
        names=tuple(name.strip() for name in names if name.strip()),
        compiled=tuple(text.compiled),
        beside=beside,
    )


_CONTENTS_OF: dict[type[Any], Callable[[list[int]], Iterator[RowContent]]] = {
    Guide: _guides,
    ErrorArticle: _articles,
    Provider: _providers,
}
