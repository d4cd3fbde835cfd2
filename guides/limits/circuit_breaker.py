"""Circuit breaker for mail servers: what tests found out about endpoints, kept in the shared cache for later tests.

Failures before the login are kept for LIMIT_SHARED_SECONDS. Five tests within a minute that met an endpoint which does
not answer open its breaker, when two of them connected themselves; from then on one test a minute tries one endpoint of
the host (half-open). "This server refuses the portal" is kept for half an hour. Nothing of it comes from a login that
was a visitor's own matter, and no visitor can be found in it. All functions raise SharedCacheDown.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from zlib import crc32

from django.conf import settings

from guides import metrics
from guides.limits.counters import Window, count, used
from guides.limits.shared_cache import keyed_hash, shared_cache
from guides.mail.connection.probes import Endpoint, ProbeResult, shareable
from guides.mail.diagnosis.codes import PORTAL_CAUSES
from guides.mail.outcomes import StageResult

OPEN_SECONDS = 600  # after the last failed probe the breaker closes by itself, and since when it failed is forgotten
PROBES_TO_OPEN = 2  # of the tests that open a breaker, so many must have connected; the others were shown its result
_MINUTE = 60
_WANTED = 1  # a second probe that no test has claimed yet


@dataclass(frozen=True, slots=True)
class KnownFailures:
    """What is known of a test's endpoints before it starts."""

    known: Mapping[Endpoint, ProbeResult] = field(default_factory=dict)  # endpoints that fail
    half_open: frozenset[Endpoint] = frozenset()  # of these, the ones that it is time to try again

    def settles(self, endpoints: Collection[Endpoint]) -> bool:
        """Whether nothing is left to be found out about `endpoints`."""
        return not self.half_open and all(endpoint in self.known for endpoint in endpoints)


def known_failures(endpoints: Iterable[Endpoint]) -> KnownFailures:
    """What is known of `endpoints`: one read of the cache."""
    names = {endpoint: _name(endpoint) for endpoint in endpoints}
    if not names:
        return KnownFailures()
    keys = [_key(kind, name) for name in names.values() for kind in ("answer", "open", "since", "again")]
    with shared_cache() as cache:
        found = cache.get_many([*keys, *{_half_open_key(endpoint) for endpoint in names}])
    known, half_open = {}, set()
    for endpoint, name in names.items():
        opened: ProbeResult | None = found.get(_key("open", name))
        answer: ProbeResult | None = found.get(_key("answer", name))
        if opened is not None:
            known[endpoint] = replace(opened, since=found.get(_key("since", name), opened.at), is_open=True)
            if _half_open_key(endpoint) not in found:
                half_open.add(endpoint)
        elif answer is not None:
            known[endpoint] = answer
            if answer.is_unreachable and found.get(_key("again", name)) == _WANTED:
                half_open.add(endpoint)
    return KnownFailures(known, frozenset(half_open))


def claim_half_open(failures: KnownFailures) -> frozenset[Endpoint]:
    """Claim the right to try endpoints that are known not to answer.

    Behind open breakers one test a minute gets it, for one endpoint of a host: the one that was tried longest ago.
    Before a breaker opens, one test gets it for each endpoint whose failure only one test has seen.
    """
    longest_ago = sorted(failures.half_open, key=lambda endpoint: failures.known[endpoint].at)
    return frozenset(endpoint for endpoint in longest_ago if _claim(endpoint, failures.known[endpoint]))


def return_half_open(claimed: KnownFailures) -> None:
    """No connection was made after all: another test may claim the endpoints."""
    with shared_cache() as cache:
        for endpoint in claimed.half_open:
            if claimed.known[endpoint].is_open:
                cache.delete(_half_open_key(endpoint))
            else:
                cache.set(_key("again", _name(endpoint)), _WANTED, timeout=_MINUTE)


def record_failure(endpoint: Endpoint, results: Sequence[StageResult], *, probed: bool) -> None:
    """A leg ended before its login. `probed`: by its own connection, not by a result of another test."""
    _record_failure(endpoint, ProbeResult(shareable(results), time.time()), probed=probed)


def record_refusal(endpoint: Endpoint, results: Sequence[StageResult], visitor: str) -> None:
    """A login was refused because of the portal, or so it seems: an odd user name can provoke such a reply.

    Later tests are shown it when a second visitor has met it, without a success in between.
    """
    name = _name(endpoint)
    me = keyed_hash("met", f"{visitor}\0{name}")
    with shared_cache() as cache:
        first = cache.get_or_set(_key("met", name), me, timeout=settings.LIMIT_PORTAL_BLOCKED_SECONDS)
    if first == me:
        _close(name)
    else:
        record_failure(endpoint, results, probed=True)


def record_success(endpoint: Endpoint) -> None:
    """A leg got as far as the login: the endpoint answers."""
    _close(_name(endpoint), "answer", "met")


def _record_failure(endpoint: Endpoint, answer: ProbeResult, *, probed: bool) -> None:
    name = _name(endpoint)
    failure = answer.failure
    is_blocked = failure is not None and failure.cause in PORTAL_CAUSES
    seconds = settings.LIMIT_PORTAL_BLOCKED_SECONDS if is_blocked else settings.LIMIT_SHARED_SECONDS
    with shared_cache() as cache:
        if probed and seconds:
            cache.set(_key("answer", name), answer, timeout=seconds)
        if probed and answer.is_an_answer:
            _close(name)
        if not answer.is_unreachable:
            return
        if probed and not cache.touch(_key("since", name), timeout=OPEN_SECONDS):
            cache.add(_key("since", name), answer.at, timeout=OPEN_SECONDS)
        found = cache.get_many([_key(kind, name) for kind in ("since", "answer", "open")])
    if _key("open", name) in found:
        if probed:
            _open(endpoint, answer)
    elif _key("since", name) in found:  # else a test has succeeded since the probe whose result was shown
        _count(endpoint, found[_key("since", name)], found.get(_key("answer", name), answer), probed=probed)


def _count(endpoint: Endpoint, since: float, seen: ProbeResult, *, probed: bool) -> None:
    """Count one more test that met an endpoint which does not answer; `seen` is the result of the last probe."""
    limit = settings.LIMIT_UNREACHABLE_MINUTE
    tests = Window("unreachable", limit, _MINUTE)
    probes = Window("unreachable_probes", limit, _MINUTE)
    # What was counted before a success counts no more: a new series of failures is a new subject.
    subject = f"{_name(endpoint)}:{since}"
    count(tests, subject)
    if probed:
        count(probes, subject)
    met, connected = used([(tests, subject), (probes, subject)])
    enough = min(PROBES_TO_OPEN, limit)
    if met >= limit and connected >= enough:
        _open(endpoint, seen)
    elif met >= limit - 1 and connected < enough:
        with shared_cache() as cache:
            cache.add(_key("again", _name(endpoint)), _WANTED, timeout=_MINUTE)


def _open(endpoint: Endpoint, seen: ProbeResult) -> None:
    metrics.BREAKERS.inc()
    with shared_cache() as cache:
        cache.set(_key("open", _name(endpoint)), seen, timeout=OPEN_SECONDS)
    _claim_host(endpoint)  # it has been tried this moment


def _close(name: str, *more: str) -> None:
    """An endpoint that answers, in whatever way, is not silent any more."""
    with shared_cache() as cache:
        cache.delete_many([_key(kind, name) for kind in ("open", "since", "again", *more)])


def _claim(endpoint: Endpoint, answer: ProbeResult) -> bool:
    if answer.is_open:
        return _claim_host(endpoint)
    with shared_cache() as cache, suppress(ValueError):  # it has expired
        return cache.incr(_key("again", _name(endpoint))) == _WANTED + 1
    return False


def _claim_host(endpoint: Endpoint) -> bool:
    with shared_cache() as cache:
        return bool(cache.add(_half_open_key(endpoint), 1, timeout=settings.LIMIT_BREAKER_SECONDS))


def _name(endpoint: Endpoint) -> str:
    parts = (endpoint.protocol, endpoint.host.lower(), endpoint.port, endpoint.security, endpoint.hidden)
    return keyed_hash("endpoint", "\0".join(map(str, parts)))


def _half_open_key(endpoint: Endpoint) -> str:
    return _key("half_open", keyed_hash("half_open", endpoint.host.lower()))


# A result that an older release stored lacks fields that StageResult has got since: it must not be found any more.
_FIELDS = f"{crc32(','.join(one.name for one in fields(StageResult)).encode()):x}"


def _key(kind: str, name: str) -> str:
    return f"breaker:{_FIELDS}:{kind}:{name}"
