"""Domains that somebody who typed an unknown one may have meant."""

from __future__ import annotations

import difflib

from guides.models import ProviderDomain

MOST = 3
LIKENESS = 0.8


def similar_domains(domain: str) -> list[str]:
    """At most three known domains whose spelling is close to `domain`, the closest first."""
    known = ProviderDomain.objects.order_by("provider__position", "domain").values_list("domain", flat=True)
    return difflib.get_close_matches(domain, list(known), n=MOST, cutoff=LIKENESS)
