"""Which one way into a mailbox a page tells: the provider's kind of sign-in, the mail app's abilities and the protocol.

Decided here once for each page, so that notice, guide and warnings cannot contradict each other. `ABILITIES` says what
each version of a mail app can do; docs/library.md says where that is known from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from guides.mail.accounts import Account, PasswordKind, Protocol


class Way(StrEnum):
    """How a mail app gets into a mailbox."""

    OAUTH = "oauth"  # in the provider's own sign-in window
    DEVICE = "device"  # the device is signed in to the provider, and mail is switched on there
    APP_PASSWORD = "app_password"  # noqa: S105  # made for one app, or an authorisation code
    MAIL_PASSWORD = "mail_password"  # noqa: S105  # the second password of a mailbox, for mail apps alone
    PASSWORD = "password"  # noqa: S105  # the one of the mailbox
    BRIDGE = "bridge"  # a program of the provider's on the same computer
    IMPOSSIBLE = "impossible"


class Obstacle(StrEnum):
    """Why a mail app cannot open a mailbox."""

    CLOSED = "closed"  # the provider lets no mail app in
    BRIDGE = "bridge"  # the app does not reach the provider's bridge program
    WINDOW = "window"  # the provider accepts its own sign-in window only, and the app cannot open it
    PROTOCOL = "protocol"  # the provider does not offer the protocol that the app speaks


TYPED = frozenset({Way.APP_PASSWORD, Way.MAIL_PASSWORD, Way.PASSWORD, Way.BRIDGE})  # a password is typed into the app

_IMAP = frozenset({Protocol.IMAP})
_BOTH = frozenset({Protocol.IMAP, Protocol.POP3})
_GOOGLE = frozenset({"gmail", "google-workspace"})
_YAHOO = _GOOGLE | {"yahoo"}
_THUNDERBIRD = _YAHOO | {"aol", "verizon", "cox"}


@dataclass(frozen=True, slots=True)
class Ability:
    """What one version of a mail app can do. Without a row of its own, a version can do what the fields' defaults say.

    `windows` are the providers that accept a password as well, but whose sign-in window the app opens by itself;
    `window_only` means that it then leaves no way to type a password.
    """

    client: str
    version: str = ""
    protocols: frozenset[Protocol] = _BOTH
    opens_windows: bool = True  # of providers that accept nothing else
    windows: frozenset[str] = frozenset()
    window_protocols: frozenset[Protocol] = _IMAP
    window_only: bool = True
    reaches_bridge: bool = False  # runs on a computer, and fetches the mail itself
    device: frozenset[str] = frozenset()  # providers that the device itself is signed in to


ABILITIES = (
    Ability("outlook", "classic", windows=_GOOGLE, window_only=False, reaches_bridge=True),
    Ability("outlook", "2016", reaches_bridge=True),
    Ability("outlook", "new", windows=_YAHOO),
    Ability("outlook", "mac", windows=_YAHOO, reaches_bridge=True),
    Ability("outlook", "ios", protocols=_IMAP, windows=_YAHOO),
    Ability("outlook", "android", windows=_YAHOO),
    Ability("apple-mail", "current", windows=_YAHOO, reaches_bridge=True, device=frozenset({"icloud"})),
    Ability("apple-mail", "older", windows=_YAHOO, reaches_bridge=True, device=frozenset({"icloud"})),
    Ability("ios-mail", "current", windows=_YAHOO, device=frozenset({"icloud"})),
    Ability("ios-mail", "older", windows=_YAHOO, device=frozenset({"icloud"})),
    Ability(
        "thunderbird",
        "desktop",
        windows=_THUNDERBIRD | {"fastmail", "att", "comcast"},
        window_protocols=_BOTH,
        window_only=False,
        reaches_bridge=True,
    ),
    Ability("thunderbird", "android", windows=_THUNDERBIRD, window_protocols=_BOTH, window_only=False),
    Ability("android", "gmail", windows=_YAHOO),
    Ability("android", "samsung", windows=_YAHOO),
    Ability("android", "email", opens_windows=False),
    Ability("the-bat", "current", window_protocols=_BOTH, reaches_bridge=True),
)
_BY_VERSION = {(each.client, each.version): each for each in ABILITIES}


def ability_of(client: str, version: str = "", *, protocols: frozenset[Protocol] = _BOTH) -> Ability:
    """What a version can do. One without a row, which staff may have added, speaks `protocols`, on a computer."""
    return _BY_VERSION.get((client, version)) or Ability(client, version, protocols, reaches_bridge=True)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a page tells: the way, the protocol, and where it is impossible, why."""

    way: Way
    protocol: Protocol
    obstacle: Obstacle | None = None
    protocols: tuple[Protocol, ...] = ()  # with which the app can open the mailbox

    def told(self, account: Account) -> Account:
        """The account with the password that this way uses, as the conditions of texts see it."""
        if self.way in TYPED:
            return account
        return replace(account, password=PasswordKind.NONE if self.way is Way.IMPOSSIBLE else PasswordKind.OAUTH2)


def choose(account: Account, ability: Ability, wanted: Protocol = Protocol.IMAP) -> Choice:
    """The one way for a mailbox in a mail app: by the wanted protocol, else by the other one, else none."""
    ways = {protocol: _way(account, ability, protocol) for protocol in sorted(_BOTH)}
    possible = tuple(protocol for protocol, way in ways.items() if way is not Way.IMPOSSIBLE)
    if not possible:
        return Choice(Way.IMPOSSIBLE, wanted, _obstacle(account, ability))
    protocol = wanted if wanted in possible else possible[0]
    return Choice(ways[protocol], protocol, protocols=possible)


def able(account: Account, abilities: Iterable[Ability]) -> list[Ability]:
    """The versions of mail apps that can open a mailbox."""
    return [ability for ability in abilities if choose(account, ability).way is not Way.IMPOSSIBLE]


def _way(account: Account, ability: Ability, protocol: Protocol) -> Way:
    kind, slug = account.password, account.provider
    is_missing = bool(account.servers) and account.best(protocol) is None
    if protocol not in ability.protocols or is_missing:
        return Way.IMPOSSIBLE
    if slug in ability.device:
        return Way.DEVICE
    if slug in ability.windows or (kind is PasswordKind.OAUTH2 and ability.opens_windows):
        if protocol in ability.window_protocols:
            return Way.OAUTH
        if ability.window_only:
            return Way.IMPOSSIBLE
    if kind is PasswordKind.BRIDGE:
        return Way.BRIDGE if ability.reaches_bridge else Way.IMPOSSIBLE
    return _OF_KIND[kind]


_OF_KIND = {
    PasswordKind.PASSWORD: Way.PASSWORD,
    PasswordKind.APP_PASSWORD: Way.APP_PASSWORD,
    PasswordKind.AUTH_CODE: Way.APP_PASSWORD,
    PasswordKind.MAIL_PASSWORD: Way.MAIL_PASSWORD,
    PasswordKind.OAUTH2: Way.IMPOSSIBLE,
    PasswordKind.NONE: Way.IMPOSSIBLE,
}


def _obstacle(account: Account, ability: Ability) -> Obstacle:
    if account.password is PasswordKind.NONE:
        return Obstacle.CLOSED
    if account.password is PasswordKind.BRIDGE and not ability.reaches_bridge:
        return Obstacle.BRIDGE
    if account.password is PasswordKind.OAUTH2 and not ability.opens_windows:
        return Obstacle.WINDOW
    return Obstacle.PROTOCOL
