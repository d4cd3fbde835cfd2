"""Writing autoconfig 1.1 (draft-ietf-mailmaint-autoconfig), for Thunderbird and many others.

The user name is always a placeholder that the client replaces, so the file is the same for all addresses of a domain
and does not reveal whether a mailbox exists. Strict clients reject a whole file for one server that they do not
understand, so only values that all clients know are written.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from guides.mail.accounts import AuthMethod, Protocol, Security, Server, UsernameForm
from guides.mail.publish.oauth import sign_in_of
from guides.mail.publish.offer import Offer
from guides.mail.publish.xml import add, written

CONTENT_TYPE = "text/xml; charset=utf-8"  # Thunderbird accepts only text/xml and application/xml

_SOCKETS = {Security.TLS: "SSL", Security.STARTTLS: "STARTTLS"}
# Only the visitor knows a user name of another form without a template; clients show the address, which can be changed.
_USERNAMES = {
    UsernameForm.ADDRESS: "%EMAILADDRESS%",
    UsernameForm.LOCAL_PART: "%EMAILLOCALPART%",
    UsernameForm.OTHER: "%EMAILADDRESS%",
}


def write(offer: Offer) -> bytes:
    """The file for `offer`, which must be complete."""
    root = Element("clientConfig", {"version": "1.1"})
    provider = add(root, "emailProvider", id=offer.account.domain)
    for domain in dict.fromkeys((offer.account.domain, *offer.domains)):
        add(provider, "domain", domain)
    add(provider, "displayName", offer.name)
    add(provider, "displayShortName", offer.name)
    for server in offer.incoming:
        _add_server(provider, "incomingServer", server)
    for server in offer.outgoing:
        _add_server(provider, "outgoingServer", server)
    for page in offer.to_do:
        enable = add(provider, "enable", visiturl=page.url)
        add(enable, "instruction", page.words, lang=page.language)
    for page in offer.guides:
        documentation = add(provider, "documentation", url=page.url)
        add(documentation, "descr", page.words, lang=page.language)
    sign_in = sign_in_of((*offer.incoming, *offer.outgoing))
    if sign_in is not None:
        oauth = add(root, "oAuth2")
        add(oauth, "issuer", sign_in.issuer)
        add(oauth, "scope", sign_in.scope)
        add(oauth, "authURL", sign_in.auth_url)
        add(oauth, "tokenURL", sign_in.token_url)
    if offer.webmail:
        add(add(root, "webMail"), "loginPage", url=offer.webmail)
    return written(root)


def _add_server(provider: Element, tag: str, server: Server) -> None:
    element = add(provider, tag, type="smtp" if server.protocol is Protocol.SMTP else server.protocol.value)
    add(element, "hostname", server.host)
    add(element, "port", server.port)
    add(element, "socketType", _SOCKETS[server.security])
    add(element, "username", server.username_template or _USERNAMES[server.username])
    for method in dict.fromkeys(_authentication(method) for method in server.auth):
        add(element, "authentication", method)


def _authentication(method: AuthMethod) -> str:
    return "OAuth2" if method is AuthMethod.OAUTH2 else "password-cleartext"
