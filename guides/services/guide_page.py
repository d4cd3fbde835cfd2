"""A guide's page for one mailbox: the provider's notice and the guide's steps, composed so that they tell one way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from guides.mail.accounts import Account, PasswordKind, Protocol
from guides.mail.publish.offer import Offer
from guides.mail.ways import TYPED, Ability, Choice, Obstacle, Way, choose
from guides.markup import Situation, fill
from guides.models.texts import Text
from guides.services.filler_words import FILLER_WORDS


class NoticePlace(StrEnum):
    """Where the provider's notice stands on a guide's page."""

    FIRST = "first"  # it is what must be done before the first step
    FOLDED = "folded"  # it tells another way than the steps, which works too
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class GuidePage:
    """What a page about a mail app shows for one mailbox, protocol and version."""

    choice: Choice
    situation: Situation
    place: NoticePlace
    body: SafeString
    notice: SafeString
    wanted: Protocol
    kind: PasswordKind  # what mail apps usually need at the provider
    offers_profile: bool  # an Apple profile can do what the steps do

    @property
    def way(self) -> Way:
        """The one way that the page tells."""
        return self.choice.way

    @property
    def types_password(self) -> bool:
        """Whether the visitor types a password into the mail app."""
        return self.way in TYPED

    @property
    def offers_test(self) -> bool:
        """Whether the portal can try the password that is typed into the mail app."""
        return self.types_password and self.way is not Way.BRIDGE

    @property
    def other_than_spoken(self) -> str:
        """The only protocol that the provider offers, where the app does not speak it."""
        return (Protocol.POP3 if self.situation.account.best(Protocol.IMAP) is None else Protocol.IMAP).name

    @property
    def tells_way(self) -> bool:
        """Whether the page itself says how to sign in: no notice does."""
        return self.place is not NoticePlace.FIRST or (self.way is Way.OAUTH and self.kind is PasswordKind.PASSWORD)

    @property
    def other_protocol(self) -> Protocol | None:
        """The protocol that was asked for, where the page has to tell the other one."""
        is_other = self.way is not Way.IMPOSSIBLE and self.choice.protocol is not self.wanted
        return self.wanted if is_other else None


def compose(
    text: Text, notice: Text | None, situation: Situation, ability: Ability, *, reads_profile: bool
) -> GuidePage:
    """The page of a guide about a mail app. `situation` holds the protocol that the visitor wants."""
    account, wanted = situation.account, situation.protocol
    choice = choose(account, ability, wanted)
    place = _place(choice, ability, account.password) if notice else NoticePlace.NOWHERE
    situation = replace(situation, protocol=choice.protocol, in_guide=True)
    told = replace(situation, account=choice.told(account))
    own = told if place is NoticePlace.FIRST else situation
    return GuidePage(
        choice=choice,
        situation=told,
        place=place,
        body=filled(text, told),
        notice=filled(notice, own) if notice and place is not NoticePlace.NOWHERE else SafeString(),
        wanted=wanted,
        kind=account.password,
        offers_profile=reads_profile and profile_is_the_way(account, ability),
    )


def profile_is_the_way(account: Account, ability: Ability) -> bool:
    """Whether an Apple profile sets the mailbox up: not where the device or a sign-in window does it."""
    is_typed = choose(account, ability).way in TYPED and account.password is not PasswordKind.BRIDGE
    return is_typed and bool(Offer(account).password_protocols)


def _place(choice: Choice, ability: Ability, kind: PasswordKind) -> NoticePlace:
    if choice.way is Way.IMPOSSIBLE:
        return NoticePlace.FIRST if choice.obstacle is Obstacle.CLOSED else NoticePlace.NOWHERE
    if choice.way is Way.DEVICE:
        return NoticePlace.NOWHERE
    if choice.way is Way.OAUTH and kind in _MADE_FIRST:
        return NoticePlace.NOWHERE if ability.window_only else NoticePlace.FOLDED
    return NoticePlace.FIRST


_MADE_FIRST = frozenset({PasswordKind.APP_PASSWORD, PasswordKind.AUTH_CODE, PasswordKind.MAIL_PASSWORD})


def filled(text: Any, situation: Situation) -> SafeString:
    """A text's HTML for a situation. `compile_text` made its parts safe when it was saved; `fill` escapes the rest."""
    return mark_safe(fill(text.compiled, situation, FILLER_WORDS))  # noqa: S308
