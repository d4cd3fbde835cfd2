"""Small objects for tests: plain functions that make a provider, a client, a guide, an article, a text."""

from __future__ import annotations

from datetime import date

from guides import models
from guides.library.compiling import compile_into
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
) -> models.Provider:
    """A provider with an IMAP, a POP3 and a submission server under its first domain."""
    provider = models.Provider.objects.create(slug=slug, **{"name": slug.capitalize(), "confidence": "high", **fields})
    for domain in domains:
        models.ProviderDomain.objects.create(provider=provider, domain=domain)
    for position, (protocol, port) in enumerate((("imap", 993), ("pop3", 995), ("smtp", 465))):
        models.ProviderServer.objects.create(
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


def make_client(slug: str = "thunderbird", *, versions: tuple[str, ...] = (), **fields: object) -> models.MailClient:
    """A mail client; the first of its versions is the default."""
    client = models.MailClient.objects.create(slug=slug, **{"name": slug.capitalize(), **fields})
    for position, version in enumerate(versions):
        models.ClientVersion.objects.create(
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
    client: models.MailClient | None = None,
    topic: bool = False,
    languages: tuple[str, ...] = ("en",),
    body: str = STEPS,
    **fields: object,
) -> models.Guide:
    """A guide with a published text in each of `languages`; about a client of the same name unless it is a topic."""
    if topic:
        guide = models.Guide.objects.create(slug=slug, kind=models.Guide.Kind.TOPIC, **fields)
    else:
        guide = models.Guide.objects.create(slug=slug, client=client or make_client(slug), **fields)
    for language in languages:
        make_guide_text(guide, language, body=body)
    return guide


def make_guide_text(
    guide: models.Guide, language: str = "en", *, body: str = STEPS, **fields: object
) -> models.GuideText:
    """A text of a guide, published and compiled unless told otherwise."""
    text = models.GuideText(guide=guide, language=language, body=body, **_text_fields(f"Set up {guide.slug}", fields))
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
) -> models.ErrorArticle:
    """An error article that explains `classes`, with a published text in each of `languages`."""
    article = models.ErrorArticle.objects.create(slug=slug, **fields)
    for name in classes:
        models.ArticleClass.objects.create(article=article, name=name)
    for language in languages:
        text = models.ErrorText(article=article, language=language, body=body, **_text_fields(f"About {slug}", {}))
        compile_into(text)
        text.save()
    return article


def make_pattern(article: models.ErrorArticle, name: str = "quota-exceeded", **fields: object) -> models.ErrorPattern:
    """A pattern that leads from "Quota exceeded" to `article`, unless told otherwise."""
    defaults = {"pattern": "(?i)quota exceeded", "example": "552 5.2.2 Quota exceeded", "cause": "mbox.overquota"}
    return models.ErrorPattern.objects.create(article=article, name=name, **{**defaults, **fields})


def make_notice(
    provider: models.Provider, language: str = "en", *, body: str = "Read this first.", **fields: object
) -> models.ProviderText:
    """What must be done first at a provider, published and compiled."""
    text = models.ProviderText(
        provider=provider, language=language, body=body, **_text_fields("Before you start", fields)
    )
    compile_into(text)
    text.save()
    return text


def _text_fields(title: str, fields: dict[str, object]) -> dict[str, object]:
    return {"title": title, "status": TextStatus.PUBLISHED, "checked_on": date(2026, 11, 24), **fields}
