"""Known domains that are spelt like an unknown one."""

from __future__ import annotations

from rapidfuzz import process
from rapidfuzz.distance import OSA

from guides.models import ProviderDomain

MOST = 3
MOST_COMPARED = 5000  # of the first providers, which are mistyped most; a table may hold a million domains


def similar_domains(domain: str) -> list[str]:
    """At most three known domains within a small edit distance of `domain`, the closest first.

    Two letters that changed places count as one edit (optimal string alignment); short names may differ by one.
    """
    rows = ProviderDomain.objects.order_by("provider_id").values_list("domain", flat=True)
    slips = 1 if len(domain) < 8 else 2
    found = process.extract(domain, list(rows[:MOST_COMPARED]), scorer=OSA.distance, score_cutoff=slips, limit=MOST)
    return [name for name, _distance, _position in found if name != domain]
