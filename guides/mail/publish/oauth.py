"""Where mail clients let people sign in with OAuth 2, by the mail server's host: autoconfig's `oAuth2` element.

A client needs a registration of its own at the provider; without one it skips OAuth 2. Facts of the files of
thunderbird/autoconfig (ISPDB) for Google, Yahoo, AOL and Mail.ru, of Thunderbird 153's `OAuth2Providers` for Comcast
and Fastmail, and of https://learn.microsoft.com/exchange/client-developer/legacy-protocols/
how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth for Microsoft; all read on 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guides.mail.accounts import AuthMethod, Server


@dataclass(frozen=True, slots=True)
class SignIn:
    """A provider's sign-in: `scope` is for mail alone, several separated by spaces."""

    issuer: str
    scope: str
    auth_url: str
    token_url: str


_GOOGLE = SignIn(
    "accounts.google.com",
    "https://mail.google.com/",
    "https://accounts.google.com/o/oauth2/auth",
    "https://www.googleapis.com/oauth2/v3/token",
)
_YAHOO = SignIn(
    "login.yahoo.com",
    "mail-w",
    "https://api.login.yahoo.com/oauth2/request_auth",
    "https://api.login.yahoo.com/oauth2/get_token",
)
_MICROSOFT = SignIn(
    "login.microsoftonline.com",
    "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/POP.AccessAsUser.All "
    "https://outlook.office.com/SMTP.Send offline_access",
    "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    "https://login.microsoftonline.com/common/oauth2/v2.0/token",
)
_BY_DOMAIN = {
    "gmail.com": _GOOGLE,
    "yahoo.com": _YAHOO,
    "att.net": _YAHOO,
    "aol.com": SignIn(
        "login.aol.com",
        "mail-w",
        "https://api.login.aol.com/oauth2/request_auth",
        "https://api.login.aol.com/oauth2/get_token",
    ),
    "office365.com": _MICROSOFT,
    "outlook.com": _MICROSOFT,
    "mail.ru": SignIn("o2.mail.ru", "mail.imap", "https://o2.mail.ru/login", "https://o2.mail.ru/token"),
    "comcast.net": SignIn(
        "comcast.net",
        "https://email.comcast.net/ profile openid",
        "https://oauth.xfinity.com/oauth/authorize",
        "https://oauth.xfinity.com/oauth/token",
    ),
    "fastmail.com": SignIn(
        "www.fastmail.com",
        "https://www.fastmail.com/dev/protocol-imap https://www.fastmail.com/dev/protocol-pop "
        "https://www.fastmail.com/dev/protocol-smtp",
        "https://api.fastmail.com/oauth/authorize",
        "https://api.fastmail.com/oauth/refresh",
    ),
}


def sign_in_of(servers: Iterable[Server]) -> SignIn | None:
    """The sign-in of the first server that offers OAuth 2, or None where none does or its provider is not known."""
    hosts = (server.host for server in servers if AuthMethod.OAUTH2 in server.auth)
    parts = next(hosts, "").split(".")
    return next((_BY_DOMAIN[name] for at in range(len(parts)) if (name := ".".join(parts[at:])) in _BY_DOMAIN), None)
