"""Domains that somebody who typed an unknown one may have meant."""

from __future__ import annotations

from rapidfuzz import process
from rapidfuzz.distance import OSA

from guides.models import ProviderDomain

MOST = 3
MOST_COMPARED = (
    5000  # an operator's table may hold a million; those of the first providers are the ones that are mistyped
)


def similar_domains(domain: str) -> list[str]:
    """At most three known domains that `domain` is a slip of the finger away from, the closest first.

    Two letters that changed places are one slip (optimal string alignment); short names may differ by one only.
    """
    rows = ProviderDomain.objects.order_by("provider_id").values_list("domain", flat=True)
    slips = 1 if len(domain) < 8 else 2
    found = process.extract(domain, list(rows[:MOST_COMPARED]), scorer=OSA.distance, score_cutoff=slips, limit=MOST)
    return [name for name, _distance, _position in found if name != domain]
