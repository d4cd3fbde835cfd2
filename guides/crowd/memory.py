"""What tests found out about servers, kept in the cache for those who come next, in whichever process.

Failures before login are kept for a minute; five tests that came to a place that does not answer open its breaker,
when two of them looked for themselves, and then one test a minute tries one place of its host; "this server refuses
the portal" is kept for half an hour. Nothing in it comes from a login
that was a visitor's own matter, and no visitor can be found in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
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

OPEN_SECONDS = 600  # after the last failed look a breaker closes by itself, and it is not known any more since when
LOOKS_TO_OPEN = 2  # of the tests that open a breaker, so many must have looked themselves; the others were told
_MINUTE = 60
_WANTED = 1  # a second look: nobody has claimed it yet


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a test's places before it starts."""

    known: Mapping[Place, Answer] = field(default_factory=dict)  # places that fail
    may_probe: frozenset[Place] = frozenset()  # of these, the ones that it is time to try again (`claim_probes`)

    def settles(self, places: Collection[Place]) -> bool:
        """Whether nothing is left to be found out about `places`."""
        return not self.may_probe and all(place in self.known for place in places)


def outlook(places: Iterable[Place]) -> Outlook:
    """What is known of `places`: one read of the cache."""
    wanted = list(dict.fromkeys(places))
    return _either(lambda memory: memory.outlook(wanted))


def claim_probes(outlook: Outlook) -> frozenset[Place]:
    """Ask for leave to try places that are known not to answer.

    Behind open breakers one test a minute gets it, for one place of a host: the one that was tried longest ago. Before
    a breaker opens, one test gets it for each place whose failure only one test has seen.
    """
    return _either(lambda memory: memory.claim_probes(outlook)) if outlook.may_probe else frozenset()


def give_probes_back(claimed: Outlook) -> None:
    """Nothing was tried after all: another test may."""
    if claimed.may_probe:
        _either(lambda memory: memory.give_probes_back(claimed))


def learn_failure(place: Place, results: Sequence[StageResult], *, looked: bool) -> None:
    """A leg ended before its login. `looked`: by itself, not by what others found."""
    answer = Answer(shareable(results), time.time())
    _either(lambda memory: memory.learn_failure(place, answer, looked=looked))


def learn_refusal(place: Place, results: Sequence[StageResult], visitor: str) -> None:
    """A login was refused for the portal's sake, or so it seems: a reply can be made to, by an odd user name.

    Others are told when a second visitor has met it, with nobody getting through in between.
    """
    answer = Answer(shareable(results), time.time())
    _either(lambda memory: memory.learn_refusal(place, answer, visitor))


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
        keys = [_key(kind, name) for name in names.values() for kind in ("answer", "open", "since", "again")]
        found = self._store.get_many([*keys, *{_probe_key(place) for place in places}])
        known, may_probe = {}, set()
        for place, name in names.items():
            opened: Answer | None = found.get(_key("open", name))
            answer: Answer | None = found.get(_key("answer", name))
            if opened is not None:
                known[place] = replace(opened, since=found.get(_key("since", name), opened.at), is_open=True)
                if _probe_key(place) not in found:
                    may_probe.add(place)
            elif answer is not None:
                known[place] = answer
                if answer.is_unreachable and found.get(_key("again", name)) == _WANTED:
                    may_probe.add(place)
        return Outlook(known, frozenset(may_probe))

    def claim_probes(self, outlook: Outlook) -> frozenset[Place]:
        longest_ago = sorted(outlook.may_probe, key=lambda place: outlook.known[place].at)
        return frozenset(place for place in longest_ago if self._claim(place, outlook.known[place]))

    def give_probes_back(self, claimed: Outlook) -> None:
        for place in claimed.may_probe:
            if claimed.known[place].is_open:
                self._store.delete(_probe_key(place))
            else:
                self._store.set(_key("again", _name(place)), _WANTED, timeout=_MINUTE)

    def _claim(self, place: Place, answer: Answer) -> bool:
        if answer.is_open:
            return self._claim_host(place)
        with suppress(ValueError):  # it has expired
            return self._store.incr(_key("again", _name(place))) == _WANTED + 1
        return False

    def _claim_host(self, place: Place) -> bool:
        return bool(self._store.add(_probe_key(place), 1, timeout=settings.LIMIT_BREAKER_SECONDS))

    def learn_failure(self, place: Place, answer: Answer, *, looked: bool) -> None:
        name = _name(place)
        failure = answer.failure
        is_blocked = failure is not None and failure.cause in PORTAL_CAUSES
        seconds = settings.LIMIT_PORTAL_BLOCKED_SECONDS if is_blocked else settings.LIMIT_SHARED_SECONDS
        if looked and seconds:
            self._store.set(_key("answer", name), answer, timeout=seconds)
        if looked and answer.is_an_answer:
            self._end_silence(name)
        if not answer.is_unreachable:
            return
        if looked and not self._store.touch(_key("since", name), timeout=OPEN_SECONDS):
            self._store.add(_key("since", name), answer.at, timeout=OPEN_SECONDS)
        if self._store.has_key(_key("open", name)):
            if looked:
                self._open(place, answer)
            return
        found = self._store.get_many([_key(kind, name) for kind in ("since", "answer")])
        if _key("since", name) in found:  # else somebody has got through since the look that this one was told of
            self._count(place, found[_key("since", name)], found.get(_key("answer", name), answer), looked=looked)

    def _count(self, place: Place, since: float, seen: Answer, *, looked: bool) -> None:
        """Count one more visitor to a place that does not answer; `seen` is what the last look found."""
        limit = settings.LIMIT_UNREACHABLE_MINUTE
        everybody = Window("unreachable", limit, _MINUTE)
        looks = Window("unreachable_looks", limit, _MINUTE)
        # What was counted before somebody got through counts no more: a new beginning is a new subject.
        subject = f"{_name(place)}:{since}"
        self._ledger.count(everybody, subject)
        if looked:
            self._ledger.count(looks, subject)
        came, looked_themselves = self._ledger.used([(everybody, subject), (looks, subject)])
        enough = min(LOOKS_TO_OPEN, limit)
        if came >= limit and looked_themselves >= enough:
            self._open(place, seen)
        elif came >= limit - 1 and looked_themselves < enough:
            self._store.add(_key("again", _name(place)), _WANTED, timeout=_MINUTE)

    def _open(self, place: Place, seen: Answer) -> None:
        self._store.set(_key("open", _name(place)), seen, timeout=OPEN_SECONDS)
        self._claim_host(place)  # it has been tried this moment

    def learn_refusal(self, place: Place, answer: Answer, visitor: str) -> None:
        name = _name(place)
        me = hashed("met", f"{visitor}\0{name}")
        first = self._store.get_or_set(_key("met", name), me, timeout=settings.LIMIT_PORTAL_BLOCKED_SECONDS)
        if first == me:
            self._end_silence(name)
        else:
            self.learn_failure(place, answer, looked=True)

    def learn_success(self, place: Place) -> None:
        self._end_silence(_name(place), "answer", "met")

    def _end_silence(self, name: str, *more: str) -> None:
        """A place that answers, in whatever way, is silent no more."""
        self._store.delete_many([_key(kind, name) for kind in ("open", "since", "again", *more)])


_shared = _Memory(cache, ledgers.shared)
_own = _Memory(LocMemCache("crowd", {"OPTIONS": {"MAX_ENTRIES": 10_000}}), ledgers.own)


def _either(work: Callable[[_Memory], T]) -> T:
    return ledgers.either(_shared, _own, work)


def _name(place: Place) -> str:
    return hashed("place", f"{place.protocol}\0{place.host.lower()}\0{place.port}\0{place.security}\0{place.hidden}")


def _probe_key(place: Place) -> str:
    return _key("probe", hashed("probe", place.host.lower()))


# An answer that an older portal kept lacks what results have got since: it is not found any more.
_SHAPE = f"{crc32(','.join(one.name for one in fields(StageResult)).encode()):x}"


def _key(kind: str, name: str) -> str:
    return f"crowd:{_SHAPE}:{kind}:{name}"
