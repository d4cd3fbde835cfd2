"""The value objects that the other modules exchange: Address, Server, Account.

Discovery returns an `Account`, providers are stored as one, guides show its values, the connection test takes it,
`publish` writes it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal
from urllib.parse import unquote

import idna

from guides.mail.unicode_text import normalized


class Protocol(StrEnum):
    """A mail protocol a client is set up with. SMTP always means submission (RFC 6409)."""

    IMAP = "imap"
    POP3 = "pop3"
    SMTP = "smtp"


class Security(StrEnum):
    """How a connection is protected. `TLS` is implicit TLS (RFC 8314), from the first byte on."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class UsernameForm(StrEnum):
    """What a server expects as user name."""

    ADDRESS = "address"
    LOCAL_PART = "local_part"
    OTHER = "other"


class AuthMethod(StrEnum):
    """How a client can sign in to a server."""

    PASSWORD = "password"
    APP_PASSWORD = "app_password"
    OAUTH2 = "oauth2"


class PasswordKind(StrEnum):
    """Which secret a provider expects in a mail client's password field."""

    PASSWORD = "password"  # the account's own password
    APP_PASSWORD = "app_password"  # made for one program on the provider's security page
    AUTH_CODE = "auth_code"  # QQ, 163: an authorisation code
    MAIL_PASSWORD = "mail_password"  # T-Online: a password for mail alone
    OAUTH2 = "oauth2"  # no password at all: the user signs in in the provider's own window
    BRIDGE = "bridge"  # Proton: a program on the visitor's own machine
    NONE = "none"  # no mail client can be used


BRIDGE_HOST = "127.0.0.1"  # the address of a bridge program: the visitor's own machine


AddressFault = Literal["empty", "no_at", "two_at", "space", "control", "too_long", "local_part", "ip_literal", "domain"]


class AddressError(ValueError):
    """A text is not a mail address. `fault` says why; the form has a message for each."""

    def __init__(self, fault: AddressFault) -> None:
        super().__init__(fault)
        self.fault: AddressFault = fault


_LONGEST_TYPED = 1000  # characters, before any work is done on them; an address has at most 254 octets
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # ！ to ～, as Japanese keyboards type them
_FULL_STOPS = dict.fromkeys(map(ord, "。｡"), ".")
# Word joiners and soft hyphens, which pages put into addresses so that they wrap, and byte order marks.
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_AS_MEANT = _FULL_WIDTH | _FULL_STOPS | _ZERO_WIDTH
_SPACES = " \t\u00a0\u3000"
# Marks and embeddings of direction, which dialogs of Windows put around a text; no overrides, which would reverse it.
_AROUND = _SPACES + "\r\n\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_BEFORE = _AROUND + '"<([,;:«“„「『〈《【'
_AFTER = _AROUND + "\"'>)].,;:!?»”“」』〉》】、"

_NAMED = re.compile(r"[^<>]*<([^<>]*)>[\s,;.]*")


def as_meant(typed: str) -> str:
    """What a visitor means by an address or a domain that was typed or pasted: without what stands around it.

    `mailto:` (RFC 6068), a display name before <…> (RFC 5322), quotation marks and punctuation at both ends, zero-width
    characters and spaces beside the @ are left out; full-width characters and ideographic full stops become ASCII.
    """
    text = normalized("NFC", typed[: _LONGEST_TYPED + 1]).translate(_AS_MEANT).strip(_AROUND)
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0])
    if named := _NAMED.fullmatch(text):
        text = named[1]
    if text[:1] == text[-1:] == "'":
        text = text[1:-1]
    text = text.lstrip(_BEFORE).rstrip(_AFTER)
    return "@".join(part.strip(_SPACES) for part in text.split("@"))


def domain_to_ascii(domain: str) -> str:
    """The IDNA 2008 A-label form of `domain`, in lower case and without a final dot.

    Raises AddressError("ip_literal") for address literals and AddressError("domain") for anything that cannot be a
    public host name: a single label, an empty or too long one, a last label that does not begin with a letter.
    """
    if len(domain) > _LONGEST_TYPED:
        raise AddressError("domain")
    text = normalized("NFC", domain).translate(_FULL_STOPS).strip().rstrip(".").lower()
    if not text or text.startswith("[") or ":" in text:
        raise AddressError("ip_literal" if text else "domain")
    try:
        ascii_form = idna.encode(text, uts46=True).decode("ascii").rstrip(".")
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressError("domain") from error
    labels = ascii_form.split(".")
    if all(label.isdigit() for label in labels):
        raise AddressError("ip_literal")
    if len(ascii_form) > 253 or len(labels) < 2 or not labels[-1][:1].isalpha():
        raise AddressError("domain")
    return ascii_form


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address (RFC 5321 section 4.1.2, RFC 6531). `domain` is in A-labels, `local_part` as typed."""

    local_part: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what a visitor typed, as it was meant (`as_meant`). Raises AddressError."""
        if len(text) > _LONGEST_TYPED:
            raise AddressError("too_long")
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise AddressError("control")
        text = as_meant(text)
        if not text.isascii() and (narrow := normalized("NFKC", text)).isascii():
            text = narrow
        if not text:
            raise AddressError("empty")
        if len(text.encode()) > 254:
            raise AddressError("too_long")
        if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") or char == "\ufffd" for char in text):
            raise AddressError("control")
        if text.count("@") > 1:
            raise AddressError("two_at")
        if any(char.isspace() for char in text):
            raise AddressError("space")
        local_part, at, domain = text.rpartition("@")
        if not at:
            raise AddressError("no_at")
        if not local_part or len(local_part.encode()) > 64:
            raise AddressError("local_part")
        if local_part[0] == "." or local_part[-1] == "." or ".." in local_part:
            raise AddressError("local_part")
        if any(char in '"(),:;<>[\\]/' for char in local_part):
            raise AddressError("local_part")
        return cls(local_part, domain_to_ascii(domain))

    @property
    def display_domain(self) -> str:
        """The domain for display, in U-labels where they decode."""
        return display_domain(self.domain)

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain}"


def display_domain(domain: str) -> str:
    """The U-labels of an A-label domain, or the domain itself where it does not decode."""
    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server with the protocol, port, encryption, user name and logins to use there."""

    protocol: Protocol
    host: str
    port: int
    security: Security
    username: UsernameForm = UsernameForm.ADDRESS
    auth: tuple[AuthMethod, ...] = (AuthMethod.PASSWORD,)
    username_template: str = ""  # of a name of another form: autoconfig's placeholders, e.g. "ACME\\%EMAILLOCALPART%"

    def username_for(self, address: Address) -> str | None:
        """The user name to enter for `address`; None when only the visitor knows it."""
        match self.username:
            case UsernameForm.ADDRESS:
                return str(address)
            case UsernameForm.LOCAL_PART:
                return address.local_part
            case _:
                name = self.username_with(str(address), address.local_part, address.domain)
                return name or None

    def username_with(self, address: str, local_part: str, domain: str) -> str:
        """The template with these values, or words for them, instead of its placeholders; "" without a template."""
        values = {"%EMAILADDRESS%": address, "%EMAILLOCALPART%": local_part, "%EMAILDOMAIN%": domain}
        return re.sub("%[A-Z]+%", lambda found: values.get(found[0], found[0]), self.username_template)

    @property
    def asks_for_username(self) -> bool:
        """Whether the address does not lead to the user name: only the provider can tell it."""
        return self.username is UsernameForm.OTHER and not self.username_template


@dataclass(frozen=True, slots=True)
class Account:
    """The settings of a mailbox: what is needed to set up a mail client. Servers are in order of preference."""

    domain: str
    address: Address | None = None
    provider: str | None = None  # slug of a known provider
    provider_name: str = ""
    password: PasswordKind = PasswordKind.PASSWORD
    servers: tuple[Server, ...] = ()
    must_enable: bool = False  # access by mail clients has to be switched on at the provider first
    links: dict[str, str] = field(default_factory=dict)  # name -> https URL; names in markup.vocabulary.LINKS

    def best(self, protocol: Protocol) -> Server | None:
        """The preferred server of a protocol, or None when the provider does not offer it."""
        return next((server for server in self.servers if server.protocol == protocol), None)

    def with_rules(self, server: Server) -> Server:
        """A server that was entered by hand, with the user name form and logins that this account has for it."""
        known = next((one for one in self.servers if (one.protocol, one.host) == (server.protocol, server.host)), None)
        return replace(server, username=known.username, auth=known.auth) if known else server

    @property
    def offers_oauth2(self) -> bool:
        """Whether some server lets a client sign in through the provider's own window."""
        return any(AuthMethod.OAUTH2 in server.auth for server in self.servers)

    def with_address(self, address: Address) -> Account:
        """The same settings for one mailbox."""
        return replace(self, address=address, domain=address.domain)
