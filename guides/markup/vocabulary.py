"""The closed vocabulary of texts: placeholders, words of conditions, links, blocks and rows.

docs/markup.md describes each of them; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

LINKS: tuple[str, ...] = ("signup", "webmail", "help", "password_page", "enable_page", "app_ios", "app_android")


class PlaceholderKind(StrEnum):
    """The kind of a placeholder, which decides how it is shown."""

    ADDRESS = "address"
    LOCAL_PART = "local_part"
    DOMAIN = "domain"
    PROVIDER = "provider"
    PASSWORD_NAME = "password_name"  # noqa: S105
    PROTOCOL = "protocol"
    HOST = "host"
    PORT = "port"
    SECURITY = "security"
    USERNAME = "username"
    LINK = "link"
    APP_NAME = "app_name"


_SERVER_VALUES = (PlaceholderKind.HOST, PlaceholderKind.PORT, PlaceholderKind.SECURITY, PlaceholderKind.USERNAME)

PLACEHOLDERS: dict[str, PlaceholderKind] = {
    "address": PlaceholderKind.ADDRESS,
    "local_part": PlaceholderKind.LOCAL_PART,
    "domain": PlaceholderKind.DOMAIN,
    "provider": PlaceholderKind.PROVIDER,
    "password.name": PlaceholderKind.PASSWORD_NAME,
    "incoming.protocol": PlaceholderKind.PROTOCOL,
    **{f"{server}.{kind}": kind for server in ("incoming", "imap", "pop3", "smtp") for kind in _SERVER_VALUES},
    **{f"link.{name}": PlaceholderKind.LINK for name in LINKS},
    "app.name": PlaceholderKind.APP_NAME,
}

# Values that are typed or copied verbatim; shown as <code class="value">.
TECHNICAL: frozenset[PlaceholderKind] = frozenset(
    {PlaceholderKind.ADDRESS, PlaceholderKind.LOCAL_PART, *_SERVER_VALUES}
)

# Word -> dimension. Of the words of one dimension at most one is true; `version:` and `provider:` words come on top.
CONDITIONS: dict[str, str] = {
    "imap": "protocol",
    "pop3": "protocol",
    "password": "password",
    "app_password": "password",
    "auth_code": "password",
    "mail_password": "password",
    "oauth2_only": "password",
    "bridge": "password",
    "no_clients": "password",
    "oauth2": "oauth2",
    "must_enable": "must_enable",
    "incoming_tls": "incoming_security",
    "incoming_starttls": "incoming_security",
    "smtp_tls": "smtp_security",
    "smtp_starttls": "smtp_security",
    "username_address": "username",
    "username_local_part": "username",
    "username_other": "username",
    "smtp_username_address": "smtp_username",
    "smtp_username_local_part": "smtp_username",
    "smtp_username_other": "smtp_username",
    "has_pop3": "has_pop3",
    "has_imap": "has_imap",
    "known": "known",
    "in_guide": "in_guide",
    **{f"has_link:{name}": f"has_link:{name}" for name in LINKS},
    "has_app": "has_app",
}

# Dimensions in which no word need be true: a server without encryption has neither `_tls` nor `_starttls`.
OPEN_DIMENSIONS: frozenset[str] = frozenset(
    set(CONDITIONS.values()) - {"protocol", "password", "username", "smtp_username"}
)

# The words that are true for a domain without known settings, in addition to the chosen protocol and version.
TRUE_WHEN_UNKNOWN: frozenset[str] = frozenset(
    {"password", "incoming_tls", "smtp_tls", "username_address", "smtp_username_address", "has_imap", "has_pop3"}
)

BOXES: tuple[str, ...] = ("warning", "note", "tip")
BLOCKS: tuple[str, ...] = ("steps", "step", "if", *BOXES, "details", "form")

ROWS_WITH_VALUE: tuple[str, ...] = ("field", "choice", "secret")
ROWS: tuple[str, ...] = (*ROWS_WITH_VALUE, "tick", "untick", "button", "text")
ROWS_WITH_WRONG_CHOICE: frozenset[str] = frozenset({*ROWS_WITH_VALUE, "button"})


def dimension(word: str) -> str:
    """The dimension of a word that `condition_words` holds."""
    return CONDITIONS.get(word) or word.partition(":")[0]


def condition_words(versions: Collection[str], providers: Collection[str]) -> frozenset[str]:
    """All words for the conditions of a text, given the versions of its client and the known providers."""
    return frozenset(
        {*CONDITIONS, *(f"version:{slug}" for slug in versions), *(f"provider:{slug}" for slug in providers)}
    )
