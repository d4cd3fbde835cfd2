"""The proof of work that a visitor's browser can offer for some more tests, with the `altcha` package.

A challenge is a hash to be found by trying; it is signed, made for one visitor, expires, and counts once. There is
nothing to look at and nothing to click, so it excludes no visitor; a browser without JavaScript waits instead.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from altcha.v1 import SHA256, ChallengeOptions, create_challenge, extract_params, verify_solution
from django.conf import settings

from guides.limits.counters import is_first
from guides.limits.shared_cache import keyed_hash

VALID_SECONDS = 600
LONGEST_SOLUTION = 2000


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a browser must solve: the number up to `most` for which SHA-256 of `salt` and number is `digest`."""

    digest: str
    salt: str
    signature: str
    most: int


def challenge(visitor: str) -> Challenge:
    """A challenge for one visitor (`rate_limits.visitor_name`)."""
    made = create_challenge(
        ChallengeOptions(
            algorithm=SHA256,
            max_number=settings.LIMIT_PROOF_WORK,
            hmac_key=_key(),
            expires=datetime.now(UTC) + timedelta(seconds=VALID_SECONDS),
            params={"for": visitor},
        )
    )
    return Challenge(made.challenge, made.salt, made.signature, settings.LIMIT_PROOF_WORK)


def is_solved(solution: str, visitor: str) -> bool:
    """Whether `solution` (base64 of JSON, made by the page's script) proves work done for this visitor, now, once.

    Raises SharedCacheDown.
    """
    if not solution or len(solution) > LONGEST_SOLUTION or not _is_well_formed(solution):
        return False
    is_right, _fault = verify_solution(solution, _key(), check_expires=True)
    if not is_right:
        return False
    payload = json.loads(base64.b64decode(solution))
    parameters = extract_params(payload)
    if parameters.get("for") != [visitor] or "expires" not in parameters:
        return False
    return is_first("proof", keyed_hash("proof", payload["signature"]), VALID_SECONDS)


def _key() -> str:
    return keyed_hash("proof-key", "altcha")


def _is_well_formed(solution: str) -> bool:
    """What comes from a stranger: the package expects a mapping of strings and one number."""
    try:
        payload = json.loads(base64.b64decode(solution, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return False
    if not isinstance(payload, dict) or payload.get("algorithm") != SHA256:
        return False
    number = payload.get("number")
    texts = (payload.get(name) for name in ("challenge", "salt", "signature"))
    return isinstance(number, int) and not isinstance(number, bool) and all(isinstance(text, str) for text in texts)
