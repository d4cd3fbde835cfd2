"""Whose settings mail clients are given, and which host names are the operator's own.

Clients ask `autoconfig.<domain>` and its like by their real names, strangers by any name that leads here. Which names
are own is read once per version of the library.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from guides.library_cache import library_cached
from guides.limits.shared_cache import cache_optional, shared_cache
from guides.mail.accounts import AddressError, domain_to_ascii
from guides.models import Provider, ProviderDomain

# What clients put before a domain; a proxy may have certificates for these and for mta-sts (RFC 8461).
CLIENT_PREFIXES = ("autoconfig", "autodiscover", "ua-auto-config")
CERTIFICATE_PREFIXES = (*CLIENT_PREFIXES, "mta-sts")

_LONGEST_HOST = 253


def own_domains() -> frozenset[str]:
    """Every domain of the operator's own providers."""
    return library_cached("own domains", _own_domains)


def _own_domains() -> frozenset[str]:
    return frozenset(ProviderDomain.objects.filter(provider__is_own=True).values_list("domain", flat=True))


def split_client_host(host: str) -> tuple[str, str]:
    """A host name as (prefix, domain); the prefix is "" unless it is one of CERTIFICATE_PREFIXES."""
    host = host.lower().removesuffix(".")
    prefix, _, domain = host.partition(".")
    return (prefix, domain) if prefix in CERTIFICATE_PREFIXES and "." in domain else ("", host)


def own_client_domain(host: str) -> str:
    """The own domain that clients mean by asking `host` (one of CLIENT_PREFIXES, or the bare domain), or ""."""
    if len(host) > _LONGEST_HOST:
        return ""
    prefix, domain = split_client_host(host)
    return domain if prefix != "mta-sts" and domain in own_domains() else ""


def may_have_certificate(host: str) -> bool:
    """Whether a proxy may obtain a certificate for `host`: a prefix and an own domain, nothing else."""
    if len(host) > _LONGEST_HOST:
        return False
    prefix, domain = split_client_host(host)
    return bool(prefix) and domain in own_domains()


def own_domain_around(host: str) -> str:
    """The own domain that equals or contains the portal's host, else the only own domain, else ""."""
    own = own_domains()
    parts = host.lower().split(".")
    above = (".".join(parts[start:]) for start in range(len(parts)))
    return next((domain for domain in above if domain in own), next(iter(own)) if len(own) == 1 else "")


def provider_to_publish(domain: str, *, own_only: bool) -> Provider | None:
    """The provider whose settings clients get for a mail domain (A-labels), with its servers and domains.

    Never settings that the provider has not confirmed: a page can say so, and a mail client cannot.
    """
    providers = Provider.objects.for_domain(domain).published()
    return (providers.own() if own_only else providers).with_settings().prefetch_related("domains").first()


@lru_cache(maxsize=2048)
def domain_or_none(text: str) -> str | None:
    """A domain in A-labels, or None for what cannot be one."""
    if len(text) > _LONGEST_HOST:
        return None
    try:
        return domain_to_ascii(text)
    except AddressError:
        return None


def recall(key: str) -> object | None:
    """What was kept under `key`; None as well when the cache is down."""
    with cache_optional("it is worked out anew"), shared_cache() as cache:
        return cast("object | None", cache.get(key))
    return None


def keep(key: str, value: object, seconds: int) -> None:
    """Keep `value` for a while, if the cache is up. Keys must not be as many as strangers like."""
    with cache_optional("it is worked out anew each time"), shared_cache() as cache:
        cache.set(key, value, seconds)
