"""A corpus of bounces, written here in the shapes of the systems that send them.

Written from the standards (RFC 3464, 3834, 5965), the vendors' documents and the sources of the servers; no public
collection was taken in, so that a measurement on one stays honest. `all_cases()` gives every case.
"""

from __future__ import annotations

from tests.bounces import abroad, automatic, hosted, replies, unix, windows
from tests.bounces.shapes import Case


def all_cases() -> list[Case]:
    """Every bounce of the corpus, each with the class that it must get."""
    cases = [*unix.cases(), *windows.cases(), *hosted.cases(), *abroad.cases(), *automatic.cases(), *replies.cases()]
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), "two cases share a name"
    return cases
