"""What tests found out about servers, kept in the cache for those who come next, in whichever process.

Failures before login are kept for a minute; five tests that found a place unreachable open its breaker, and then one
test a minute tries it; "this server refuses the portal" is kept for half an hour. Nothing in it comes from a login
that was a visitor's own matter, and no visitor can be found in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar
from zlib import crc32

from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from guides import ledger as ledgers
from guides.ledger import Ledger, Window, hashed
from guides.mail.connection.shared import Answer, Place, shareable
from guides.mail.diagnosis.codes import PORTAL_CAUSES
from guides.mail.outcomes import StageResult

T = TypeVar("T")

OPEN_SECONDS = 600  # a breaker that nobody comes to any more closes by itself
SINCE_SECONDS = 24 * 3600
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a test's places before it starts."""

    known: Mapping[Place, Answer] = field(default_factory=dict)  # places that fail
    may_probe: frozenset[Place] = frozenset()  # of these, the ones that it is time to try again


def outlook(places: Iterable[Place]) -> Outlook:
    """What is known of `places`: one read of the cache."""
    wanted = list(dict.fromkeys(places))
    return _either(lambda memory: memory.outlook(wanted))


def claim_probe(place: Place) -> bool:
    """Ask for leave to try a place behind an open breaker; one test a minute gets it."""
    return _either(lambda memory: memory.claim_probe(place))


def learn_failure(place: Place, results: Sequence[StageResult], *, looked: bool) -> None:
    """A leg ended before login, or was refused for the portal's sake. `looked`: by itself, not by what others found."""
    answer = Answer(shareable(results), time.time())
    _either(lambda memory: memory.learn_failure(place, answer, looked=looked))


def learn_success(place: Place) -> None:
    """A leg got as far as the login: the place answers."""
    _either(lambda memory: memory.learn_success(place))


class _Memory:
    """The memory in one cache."""

    def __init__(self, store: BaseCache, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    def outlook(self, places: Sequence[Place]) -> Outlook:
        names = {place: _name(place) for place in places}
        keys = [_key(kind, name) for name in names.values() for kind in ("answer", "open", "since", "probe")]
        found = self._store.get_many(keys)
        known, may_probe = {}, set()
        for place, name in names.items():
            opened: Answer | None = found.get(_key("open", name))
            answer: Answer | None = found.get(_key("answer", name))
            if opened is not None:
                known[place] = replace(opened, since=found.get(_key("since", name), opened.at), is_open=True)
                if _key("probe", name) not in found:
                    may_probe.add(place)
            elif answer is not None:
                known[place] = answer
        return Outlook(known, frozenset(may_probe))

    def claim_probe(self, place: Place) -> bool:
        return bool(self._store.add(_key("probe", _name(place)), 1, timeout=settings.LIMIT_BREAKER_SECONDS))

    def learn_failure(self, place: Place, answer: Answer, *, looked: bool) -> None:
        name = _name(place)
        failure = answer.failure
        is_blocked = failure is not None and failure.cause in PORTAL_CAUSES
        seconds = settings.LIMIT_PORTAL_BLOCKED_SECONDS if is_blocked else settings.LIMIT_SHARED_SECONDS
        if looked and seconds:
            self._store.set(_key("answer", name), answer, timeout=seconds)
        if not answer.is_unreachable:
            return
        since = self._store.get_or_set(_key("since", name), answer.at, timeout=SINCE_SECONDS)
        # What was counted before somebody got through counts no more: a new beginning is a new subject.
        subject = f"{name}:{since}"
        window = Window("unreachable", settings.LIMIT_UNREACHABLE_MINUTE, _MINUTE)
        self._ledger.count(window, subject)
        is_open = self._store.get(_key("open", name)) is not None
        if (is_open and looked) or (not is_open and self._ledger.is_full(window, subject)):
            self._store.set(_key("open", name), answer, timeout=OPEN_SECONDS)
            self.claim_probe(place)  # it has been tried this moment

    def learn_success(self, place: Place) -> None:
        name = _name(place)
        self._store.delete_many([_key(kind, name) for kind in ("answer", "open", "since", "probe")])


_shared = _Memory(cache, ledgers.shared)
_own = _Memory(LocMemCache("crowd", {"OPTIONS": {"MAX_ENTRIES": 10_000}}), ledgers.own)


def _either(work: Callable[[_Memory], T]) -> T:
    return ledgers.either(_shared, _own, work)


def _name(place: Place) -> str:
    return hashed("place", f"{place.host.lower()}\0{place.port}\0{place.security}\0{place.hidden}")


# An answer that an older portal kept lacks what results have got since: it is not found any more.
_SHAPE = f"{crc32(','.join(one.name for one in fields(StageResult)).encode()):x}"


def _key(kind: str, name: str) -> str:
    return f"crowd:{_SHAPE}:{kind}:{name}"
