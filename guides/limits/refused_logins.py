"""Limits of refused logins: per mailbox and per mail server, whatever names, legs and visitors lead there.

Mail servers lock an account after three wrong passwords and ban an address after five; every test of this portal comes
from one address, and a stranger may name any account and any of a server's names. So a login counts as refused before
it is sent, and is taken back when the server has accepted it: a visitor who leaves before the answer gains nothing, and
tests at the same time cannot use up more than is left. A server is its name and the network of the address that was
connected to; a mailbox is a user name's local part with its domain, with the server's domain and with that network.

Counts are kept in the shared cache under keyed hashes: one key for each refused login, which expires with its window.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import ip_address, ip_network
from typing import TypeVar

from django.conf import settings

from guides.limits.counters import RateLimited
from guides.limits.host_semaphore import POLL_SECONDS
from guides.limits.shared_cache import SharedCacheDown, cache_optional, keyed_hash, shared_cache
from guides.mail.accounts import AddressError, domain_to_ascii
from guides.mail.connection.probes import LoginAttempt
from guides.mail.discovery.names import registrable_domain

T = TypeVar("T")

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNDER_WAY = 0.0  # the value of a login that has not ended; that of a refused one is when its window ends
# Spaces and quotation marks, and what SASLprep maps to nothing: soft hyphen, joiners, variation selectors.
_LEFT_OUT = re.compile("[\\s\"'\u00ad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]")
MOST_READ = 20  # of a limit beyond this, so many keys are drawn by lot: never more logins, perhaps a few less


@dataclass(frozen=True, slots=True)
class _Window:
    """At most `len(keys)` refused logins in `seconds`, a key for each."""

    keys: tuple[str, ...]
    seconds: int

    @classmethod
    def of(cls, subject: str, limit: int, seconds: int) -> _Window:
        numbers: Sequence[int] = range(limit)
        if limit > MOST_READ:
            numbers = secrets.SystemRandom().sample(numbers, MOST_READ)
        return cls(tuple(f"refused:{seconds}:{subject}:{number}" for number in numbers), seconds)

    def ends(self, found: Mapping[str, float]) -> list[float]:
        """When each of the refused logins leaves the window."""
        return [until for key in self.keys if (until := found.get(key, _UNDER_WAY)) != _UNDER_WAY]

    def is_full(self, found: Mapping[str, float]) -> bool:
        """Whether it is used up by logins that were refused."""
        return len(self.ends(found)) == len(self.keys)


@dataclass(frozen=True, slots=True)
class _Limit:
    """The windows of one account or server. Logins under way are kept in the first and shortest."""

    name: str
    windows: tuple[_Window, ...]

    def free(self, found: Mapping[str, float]) -> list[str]:
        """The keys of which a login may take one. Where a longer window has little room, all are offered the same."""
        shortest, *longer = self.windows
        under_way = sum(found.get(key) == _UNDER_WAY for key in shortest.keys)
        rooms = [len(window.keys) - len(window.ends(found)) - under_way for window in longer]
        free = [key for key in shortest.keys if key not in found]
        return free[: max(0, min(rooms, default=len(free)))]


class _Taken(Enum):
    """Whether a login has its keys: yes; perhaps soon, when others under way have been accepted; no."""

    YES = auto()
    LATER = auto()
    NO = auto()


class _Reservation:
    """The keys of one login. Its methods wait for the cache, and run in threads."""

    def __init__(self, limits: Iterable[_Limit]) -> None:
        self._limits = tuple(limits)
        self._lock = threading.Lock()  # the login may end, cancelled, while `take` still waits for the cache
        self._taken: dict[str, _Limit] = {}

    def take(self) -> _Taken:
        """Take a key of each limit, or none."""
        with self._lock:
            try:
                return self._take()
            except SharedCacheDown:  # what cannot be counted is not allowed
                return _Taken.NO

    def end(self, *, refused: bool) -> None:
        """The login has ended, or was never sent."""
        with self._lock, cache_optional("what a login has reserved expires by itself"):
            if refused:
                self._keep()
            else:
                self._free()

    def _take(self) -> _Taken:
        found = _read(self._limits)
        for limit in self._limits:
            with shared_cache() as cache:
                timeout = limit.windows[0].seconds
                key = next((key for key in limit.free(found) if cache.add(key, _UNDER_WAY, timeout)), None)
            if key is None:
                self._free()
                return _Taken.NO if any(window.is_full(found) for window in limit.windows) else _Taken.LATER
            self._taken[key] = limit
        return _Taken.YES

    def _free(self) -> None:
        keys, self._taken = [*self._taken], {}
        if keys:
            with shared_cache() as cache:
                cache.delete_many(keys)

    def _keep(self) -> None:
        now = time.time()
        with shared_cache() as cache:
            for key, limit in self._taken.items():
                shortest, *longer = limit.windows
                for window in longer:
                    next((one for one in window.keys if cache.add(one, now + window.seconds, window.seconds)), None)
                cache.set(key, now + shortest.seconds, shortest.seconds)


def check(logins: Iterable[tuple[str, str]]) -> None:
    """Raise RateLimited when no login may be refused any more to one of these user names at these hosts.

    One read of the cache; a login under way refuses none. What a server's address comes to is seen at the login.
    """
    limits = [limit for username, host in dict.fromkeys(logins) for limit in _limits(username, host)]
    found = _read(limits)
    for limit in limits:
        for window in limit.windows:
            if window.is_full(found):
                raise RateLimited(limit.name, max(1, round(min(window.ends(found)) - time.time())))


@asynccontextmanager
async def attempt(username: str, host: str, address: str) -> AsyncIterator[LoginAttempt | None]:
    """To be entered before a login to `host` over a connection to `address`. None: do not log in.

    Waits LIMIT_QUEUE_SECONDS at most for logins under way: most are accepted. The loop never waits for the cache.
    """
    reservation = _Reservation(_limits(username, host, _network(address)))
    made: LoginAttempt | None = None
    try:
        until = time.monotonic() + settings.LIMIT_QUEUE_SECONDS
        while (taken := await _in_thread(reservation.take)) is _Taken.LATER and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)  # other processes take theirs back as well
        if taken is _Taken.YES:
            made = LoginAttempt()
        yield made
    finally:
        refused = made is not None and made.counts
        await _in_thread(lambda: reservation.end(refused=refused))


async def _in_thread(work: Callable[[], T]) -> T:
    """Work that goes on to its end even when the test is cancelled."""
    return await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, work))


def _read(limits: Iterable[_Limit]) -> dict[str, float]:
    with shared_cache() as cache:
        return cache.get_many([key for limit in limits for window in limit.windows for key in window.keys])


def _limits(username: str, host: str, network: str = "") -> Iterator[_Limit]:
    """What limits a login. The user name at its own domain is one mailbox, with longer windows as well.

    Other domains behind the same local part may be cut off by the server, so they share ten minutes' limit there; not
    at a server that the operator has exempted, which has many mailboxes `info`.
    """
    host = host.lower()
    server_domain = registrable_domain(host)
    is_exempt = host in settings.LIMIT_HOST_EXEMPT
    short = (settings.LIMIT_ACCOUNT_10_MINUTES, 10 * _MINUTE)
    longer = ((settings.LIMIT_ACCOUNT_HOUR, _HOUR), (settings.LIMIT_ACCOUNT_DAY, _DAY))
    for local_part, own_domain in _mailboxes(username, server_domain):
        yield _limit("account", f"{local_part}@{own_domain}", short, *longer)
        for place in () if is_exempt else sorted({server_domain, network} - {own_domain, ""}):
            yield _limit("account", f"{local_part}@{place}", short)
    if is_exempt:
        return
    for place in filter(None, (host, network)):
        yield _limit("host", place, (settings.LIMIT_HOST_10_MINUTES, 10 * _MINUTE))


def _limit(name: str, place: str, *windows: tuple[int, int]) -> _Limit:
    subject = keyed_hash(f"refused.{name}", place)
    return _Limit(name, tuple(_Window.of(subject, limit, seconds) for limit, seconds in windows))


def _mailboxes(username: str, server_domain: str) -> set[tuple[str, str]]:
    """The local part and the registrable domain of each mailbox that a user name may sign in to, as servers read it.

    Capitals, dots and `+detail` make no other mailbox at many providers; `DOMAIN\\anna` and `anna%lab.test` are older
    ways to name a domain. Exchange signs anna in for `DOMAIN\\anna\\shared` and `anna@lab.test\\shared` as well
    (chilkatsoft.com/p/p_175.asp, read 2026-11-30), so both are counted. SASLprep (RFC 4013) leaves out _LEFT_OUT.
    """
    text = unicodedata.normalize("NFKC", username).casefold()
    parts = [part for part in re.split(r"[\\/]", _LEFT_OUT.sub("", text))[:3] if part]
    if len(parts) > 1 and "@" not in parts[0]:
        del parts[0]
    return {_mailbox(part, server_domain) for part in parts or [""]}


def _mailbox(name: str, server_domain: str) -> tuple[str, str]:
    local_part, _separator, domain = re.sub("%", "@", name, count=1).partition("@")
    own_domain = server_domain
    if "." in domain:
        with suppress(AddressError):  # not a domain, so the server cuts it off or refuses it
            own_domain = registrable_domain(domain_to_ascii(domain))
    return local_part.partition("+")[0].replace(".", ""), own_domain


def _network(address: str) -> str:
    """The /24 or /56 of an address: one operator's machines, and what a server calls one place in turn."""
    ip = ip_address(address)
    return str(ip_network((ip, 24 if ip.version == 4 else 56), strict=False))
