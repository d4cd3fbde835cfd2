"""What a check of the doctor's yields."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and what to do about it. Advice is no fault: the portal works, but not as well as it could."""

    words: str
    cure: str
    is_advice: bool = False
