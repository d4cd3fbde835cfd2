"""Marks a domain as the operator's own, and creates or changes its provider entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from guides.library_cache import raise_version
from guides.mail.accounts import Protocol, Server, UsernameForm
from guides.models import Provider, ProviderDomain, ProviderServer

LONGEST_SLUG = 60


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a domain's entry. Servers replace those of their protocols; None and () change nothing."""

    domain: str  # A-labels
    servers: tuple[Server, ...] = ()
    username: UsernameForm | None = None
    name: str = ""


class IncompleteError(ValueError):
    """No server is left for the direction `missing`, "incoming" or "outgoing"; mail clients reject such settings."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


@transaction.atomic
def make_own(change: Change) -> Provider:
    """Make or change the domain's entry and mark it as own. Raises IncompleteError, and then nothing has changed.

    A domain that shares its entry with other domains gets a new entry, so that theirs does not change.
    """
    provider = _entry_for(change)
    if change.name:
        provider.name = change.name
    provider.is_own = True
    provider.version = provider.version + 1
    provider.save()
    for protocol in {server.protocol for server in change.servers}:
        provider.servers.filter(protocol=protocol).delete()
    _add(provider, change.servers)
    if change.username is not None:
        provider.servers.update(username=change.username)
    raise_version()
    protocols = set(provider.servers.exclude(security="none").values_list("protocol", flat=True))
    if not protocols & {Protocol.IMAP, Protocol.POP3}:
        raise IncompleteError("incoming")
    if Protocol.SMTP not in protocols:
        raise IncompleteError("outgoing")
    return Provider.objects.with_settings().get(pk=provider.pk)


def _entry_for(change: Change) -> Provider:
    row = ProviderDomain.objects.select_related("provider").filter(domain=change.domain).first()
    if row is None:
        provider = _new_entry(change)
        provider.domains.create(domain=change.domain)
        return provider
    shared = row.provider.domains.count() > 1 or row.provider.suffix_rules.exists()
    if row.provider.is_own or not shared:
        return row.provider
    old = row.provider
    provider = _new_entry(change, like=old)
    row.provider = provider
    row.save()
    Provider.objects.filter(pk=old.pk).update(version=F("version") + 1)
    return provider


def _new_entry(change: Change, like: Provider | None = None) -> Provider:
    slug = stem = change.domain.replace(".", "-")[:LONGEST_SLUG]
    number = 2
    while Provider.objects.filter(slug=slug).exists():
        slug, number = f"{stem[: LONGEST_SLUG - 4]}-{number}", number + 1
    provider = Provider(slug=slug, name=change.name or change.domain, confidence=Provider.Confidence.HIGH)
    if like is not None:
        for field in (
            "password",
            "password_pattern",
            "must_enable",
            "webmail_url",
            "help_url",
            "password_url",
            "enable_url",
        ):
            setattr(provider, field, getattr(like, field))
    provider.save()
    if like is not None:
        _add(provider, [server.as_server() for server in like.servers.all()])
    return provider


def _add(provider: Provider, servers: Sequence[Server]) -> None:
    """Append servers, the first the most preferred of its protocol."""
    start = provider.servers.count()
    for position, server in enumerate(servers, start):
        ProviderServer.objects.create(provider=provider, position=position, **ProviderServer.columns_of(server))
