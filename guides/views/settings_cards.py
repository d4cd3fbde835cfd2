"""A provider's settings as pages show them: one card per protocol."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.functional import Promise

from guides.mail.accounts import Address, Protocol, Server, UsernameForm, display_domain
from guides.views import labels
from guides.views.visitor import VisitorContext


@dataclass(frozen=True)
class Card:
    """One protocol's settings as the page shows them."""

    title: str | Promise
    server: Server
    security: str | Promise
    wrong_security: str
    username: str | None  # to type, when the address is known or the form is
    username_words: str | Promise
    fill: str  # what the browser may put in: "address", "local_part", autoconfig's placeholders, or ""
    alternatives: tuple[tuple[Server, str | Promise], ...]


def cards(visitor: VisitorContext, protocols: Collection[Protocol] = tuple(Protocol)) -> list[Card]:
    """The best server of each protocol, with its alternatives."""
    account = visitor.account
    made = []
    for protocol in protocols:
        servers = [server for server in account.servers if server.protocol is protocol]
        if not servers:
            continue
        best, *others = servers
        made.append(
            Card(
                title=labels.PROTOCOLS[protocol],
                server=best,
                security=labels.SECURITIES[best.security],
                wrong_security="" if visitor.by_hand else _wrong_security(best, others),
                username=_username(best, visitor.address),
                username_words=_username_words(best, visitor),
                fill="" if best.asks_for_username else best.username_template or best.username.value,
                alternatives=tuple((server, labels.SECURITIES[server.security]) for server in others),
            )
        )
    return made


def _wrong_security(best: Server, others: list[Server]) -> str:
    """What is often chosen instead and does not work: nothing that the provider offers as another way."""
    wrong = labels.WRONG_SECURITIES.get(best.security, "")
    return "" if wrong in {labels.SECURITIES[server.security] for server in others} else wrong


def _username_words(server: Server, visitor: VisitorContext) -> str | Promise:
    if server.username_template:
        return server.username_with(
            f"‹{labels.USERNAMES[UsernameForm.ADDRESS]}›",
            f"‹{labels.USERNAMES[UsernameForm.LOCAL_PART]}›",
            visitor.shown_domain,
        )
    if server.username is UsernameForm.OTHER and visitor.username_name:
        return visitor.username_name
    return labels.USERNAMES[server.username]


def _username(server: Server, address: Address | None) -> str | None:
    if address is None:
        return None
    name = server.username_for(address)
    return name and name.replace(address.domain, display_domain(address.domain))
