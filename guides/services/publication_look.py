"""What a domain should publish so that mail clients find the portal's settings, and a look at what it publishes now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import close_old_connections

from guides import runtime
from guides.limits.rate_limits import lookup_permit
from guides.mail.discovery.query import Query
from guides.mail.publish.offer import Offer
from guides.mail.publish.publication_check import PublicationCheck, check_publication
from guides.mail.publish.records import DnsRecord, records_for
from guides.models import Provider, SuffixRule
from guides.services import publishing
from guides.services.offers import documentation_url, offer_of

LOOK_SECONDS = 60  # a look is shared for so long


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a domain should publish. `offer` is None without settings for both directions; `portal` is the portal's
    host name, "" where it has none that a record could lead to.
    """

    domain: str
    provider: Provider | None
    offer: Offer | None
    portal: str
    records: tuple[DnsRecord, ...]


def wanted_of(domain: str, base: str) -> Wanted:
    """The records for a domain (A-labels) that lead to a portal at the URL `base`, "" if it is not known."""
    provider = publishing.provider_to_publish(domain, own_only=False)
    offer = offer_of(provider, domain) if provider else None
    if offer is not None and not offer.is_complete:
        offer = None
    portal = publishing.domain_or_none(urlsplit(base).hostname or "") or ""  # no record leads to a number
    records = records_for(offer, portal, base, documentation_url(domain)) if offer else ()
    return Wanted(domain, provider, offer, portal, records)


def kept_look(wanted: Wanted) -> PublicationCheck | None:
    """A look of the last minute, or None."""
    known = publishing.recall(_key(wanted))
    return known if isinstance(known, PublicationCheck) else None


def look_now(wanted: Wanted) -> PublicationCheck:
    """Ask the domain's name servers and web servers. Raises RateLimited when too many looks are under way."""
    rules = SuffixRule.objects.filter(kind=SuffixRule.Kind.MX).values_list("suffix", "provider__slug")
    query = Query(wanted.domain, runtime.egress(), mx_suffixes=dict(rules))
    close_old_connections()  # a pooled connection is not held while other servers are asked
    with lookup_permit():
        look = runtime.background_loop().run(check_publication(query, wanted.offer, wanted.records))
    publishing.keep(_key(wanted), look, LOOK_SECONDS)
    return look


def _key(wanted: Wanted) -> str:
    servers = wanted.offer and wanted.offer.account.servers
    subject = f"{wanted.domain}|{servers}|{[record.line for record in wanted.records]}"
    return f"look:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"
