"""Small objects for tests: plain functions that make a provider, a client, a guide, an article, a text."""

from __future__ import annotations

from datetime import date

from guides.library.compiling import compile_into
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
)
from guides.models.texts import TextStatus
from guides.search import index

STEPS = """::: steps
::: step {#server} Type the server
Server: {{ incoming.host }}, port {{ incoming.port }}
::: end
::: end"""


@index.gathered()  # the search index is written once, not after each row
def make_provider(
    slug: str = "example",
    *,
    domains: tuple[str, ...] = ("example.net",),
    username: str = "address",
    oauth2: bool = False,
    **fields: object,
) -> Provider:
    """A provider with an IMAP, a POP3 and a submission server under its first domain."""
    provider = Provider.objects.create(slug=slug, **{"name": slug.capitalize(), "confidence": "high", **fields})
    for domain in domains:
        ProviderDomain.objects.create(provider=provider, domain=domain)
    for position, (protocol, port) in enumerate((("imap", 993), ("pop3", 995), ("smtp", 465))):
        ProviderServer.objects.create(
            provider=provider,
            protocol=protocol,
            host=f"{protocol}.{domains[0]}",
            port=port,
            security="tls",
            username=username,
            password_login=fields.get("password") != "oauth2",
            oauth2_login=oauth2 or fields.get("password") == "oauth2",
            position=position,
        )
    return provider


def make_client(slug: str = "thunderbird", *, versions: tuple[str, ...] = (), **fields: object) -> MailClient:
    """A mail client; the first of its versions is the default."""
    client = MailClient.objects.create(slug=slug, **{"name": slug.capitalize(), **fields})
    for position, version in enumerate(versions):
        ClientVersion.objects.create(
            client=client,
            slug=version,
            name_ja=f"{version} ja",
            name_en=version,
            name_ru=f"{version} ru",
            is_default=position == 0,
            position=position,
        )
    return client


@index.gathered()  # the search index is written once, not after each row
def make_guide(
    slug: str = "thunderbird",
    *,
    client: MailClient | None = None,
    topic: bool = False,
    languages: tuple[str, ...] = ("en",),
    body: str = STEPS,
    **fields: object,
) -> Guide:
    """A guide with a published text in each of `languages`; about a client of the same name unless it is a topic."""
    if topic:
        guide = Guide.objects.create(slug=slug, kind=Guide.Kind.TOPIC, **fields)
    else:
        guide = Guide.objects.create(slug=slug, client=client or make_client(slug), **fields)
    for language in languages:
        make_guide_text(guide, language, body=body)
    return guide


def make_guide_text(guide: Guide, language: str = "en", *, body: str = STEPS, **fields: object) -> GuideText:
    """A text of a guide, published and compiled unless told otherwise."""
    text = GuideText(guide=guide, language=language, body=body, **_text_fields(f"Set up {guide.slug}", fields))
    compile_into(text)
    text.save()
    return text


@index.gathered()  # the search index is written once, not after each row
def make_article(
    slug: str = "mailbox-full",
    *,
    classes: tuple[str, ...] = (),
    languages: tuple[str, ...] = ("en",),
    body: str = STEPS,
    **fields: object,
) -> ErrorArticle:
    """An error article that explains `classes`, with a published text in each of `languages`."""
    article = ErrorArticle.objects.create(slug=slug, **fields)
    for name in classes:
        ArticleClass.objects.create(article=article, name=name)
    for language in languages:
        text = ErrorText(article=article, language=language, body=body, **_text_fields(f"About {slug}", {}))
        compile_into(text)
        text.save()
    return article


def make_pattern(article: ErrorArticle, name: str = "quota-exceeded", **fields: object) -> ErrorPattern:
    """A pattern that leads from "Quota exceeded" to `article`, unless told otherwise."""
    defaults = {"pattern": "(?i)quota exceeded", "example": "552 5.2.2 Quota exceeded", "cause": "mbox.overquota"}
    return ErrorPattern.objects.create(article=article, name=name, **{**defaults, **fields})


def make_notice(
    provider: Provider, language: str = "en", *, body: str = "Read this first.", **fields: object
) -> ProviderText:
    """What must be done first at a provider, published and compiled."""
    text = ProviderText(provider=provider, language=language, body=body, **_text_fields("Before you start", fields))
    compile_into(text)
    text.save()
    return text


def _text_fields(title: str, fields: dict[str, object]) -> dict[str, object]:
    return {"title": title, "status": TextStatus.PUBLISHED, "checked_on": date(2026, 11, 24), **fields}
