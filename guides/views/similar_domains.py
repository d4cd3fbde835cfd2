"""Domains that a visitor may have meant: known ones spelt alike, and common endings for one that does not exist."""

from __future__ import annotations

import re

from rapidfuzz import process
from rapidfuzz.distance import OSA

from guides.mail.accounts import display_domain
from guides.mail.discovery.names import has_known_ending
from guides.models import ProviderDomain

MOST = 3
MOST_COMPARED = 5000  # of the first providers, which are mistyped most; a table may hold a million domains

# Endings of most mail addresses in the portal's languages and around; the first of equally near ones is meant.
ENDINGS = (
    *("com", "net", "org", "ru", "jp", "co.jp", "ne.jp", "or.jp", "ac.jp", "info", "biz", "edu", "gov"),
    *("de", "fr", "it", "es", "pl", "cz", "uk", "co.uk", "eu", "ua", "by", "kz", "com.br", "com.cn", "cn", "kr"),
)
# The same keys on a Russian keyboard (the usual layout), and endings that are spelt in Cyrillic by their sound.
_KEYS = str.maketrans("йцукенгшщзфывапролдячсмитьхъжэбю", "qwertyuiopasdfghjklzxcvbnm[];',.")
_IN_LATIN = re.compile(r"[a-z0-9.-]+")
_SOUNDS = {"ру": "ru", "ком": "com", "нет": "net", "орг": "org", "су": "su"}


def similar_domains(domain: str) -> list[str]:
    """At most three domains that `domain` (in A-labels) may be a slip of, the closest first."""
    readings = _in_latin(display_domain(domain))
    rows = ProviderDomain.objects.order_by("provider_id").values_list("domain", flat=True)
    known = list(rows[:MOST_COMPARED])
    found = [name for reading in (domain, *readings) for name in _near(reading, known)]
    if not has_known_ending(domain):
        found += [*filter(has_known_ending, readings), *_with_another_ending(domain)]
    return [name for name in dict.fromkeys(found) if name != domain][:MOST]


def _near(domain: str, known: list[str]) -> list[str]:
    """Known domains within a small edit distance.

    Two letters that changed places count as one edit (optimal string alignment); short names may differ by one.
    """
    slips = 1 if len(domain) < 8 else 2
    found = process.extract(domain, known, scorer=OSA.distance, score_cutoff=slips, limit=MOST)
    return [name for name, _distance, _position in found]


def _with_another_ending(domain: str) -> list[str]:
    """The domain with a common ending instead of one that does not exist (`.con`, `.cojp`, `.co.j`)."""
    labels = domain.split(".")
    found = []
    for count in (2, 1):
        name, tail = ".".join(labels[:-count]), ".".join(labels[-count:])
        nearest = process.extractOne(tail, ENDINGS, scorer=OSA.distance, score_cutoff=1) if name else None
        found += [f"{name}.{nearest[0]}"] if nearest else []
    return found


def _in_latin(domain: str) -> list[str]:
    """What a domain means if its ending is Cyrillic by sound (`mail.ру`) or its keys were Russian (`ьфшд.кг`)."""
    name, _, ending = domain.rpartition(".")
    typed = (f"{name}.{_SOUNDS.get(ending, ending)}", domain.translate(_KEYS))
    return [text for text in typed if text != domain and _IN_LATIN.fullmatch(text)]
