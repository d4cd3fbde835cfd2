"""Explains a pasted text with the library's patterns, provider table and articles. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guides.mail.diagnosis.classes import ARTICLES
from guides.mail.diagnosis.explain import Explanation, diagnose
from guides.mail.diagnosis.judging import Cause
from guides.models import ProviderDomain, ProviderServer
from guides.services import articles


def explained(source: str | bytes) -> Explanation:
    """The explanation, with an article for each cause where one is published. Raises NotTextError."""
    known = articles.load()
    found = diagnose(source, known.patterns, provider_of=provider_of)
    causes = tuple(replace(cause, article=_article(cause, known)) for cause in found.causes)
    return replace(found, causes=causes)


def _article(cause: Cause, known: articles.Articles) -> str:
    """The article that a pattern named, else that of the class where its words were said."""
    usual = known.article_for(cause.name) or ""
    elsewhere = ARTICLES.get((cause.name, cause.context), usual)
    return elsewhere if cause.article in ("", usual) else cause.article


def provider_of(names: Sequence[str]) -> str | None:
    """The provider whose server or domain is the first of some names. Two queries."""
    servers = ProviderServer.objects.filter(host__in=names).values_list("host", "provider__slug")
    domains = ProviderDomain.objects.filter(domain__in=names).values_list("domain", "provider__slug")
    known = dict(domains) | dict(servers)
    return next((known[name] for name in names if name in known), None)
