"""What is known of a page's visitor: the domain they named, its provider, and the texts in their language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast
from urllib.parse import urlencode

from django.utils.safestring import SafeString
from django.utils.translation import get_language

from guides.library_cache import library_cached
from guides.mail.accounts import (
    Account,
    Address,
    AddressError,
    PasswordKind,
    Protocol,
    Server,
    UsernameForm,
    as_meant,
    display_domain,
    domain_to_ascii,
)
from guides.mail.discovery.findings import Discovery
from guides.markup import Situation
from guides.models import Provider, ProviderText
from guides.services import discovering
from guides.services.guide_page import filled


def language() -> str:
    """The visitor's language; pages always have one."""
    return get_language() or "en"


@dataclass(frozen=True)
class VisitorContext:
    """What is known of a visitor: their domain, perhaps their address, and the settings behind it."""

    domain: str = ""  # A-labels; "" when nobody has said anything
    address: Address | None = None
    provider: Provider | None = None
    notice: ProviderText | None = None
    discovery: Discovery | None = None  # where the table does not know the domain
    confirmed: str = ""  # the foreign domain that the visitor says holds the mailbox
    by_hand: tuple[Server, ...] = ()

    @classmethod
    def load(
        cls,
        domain: str,
        address: Address | None = None,
        *,
        discovery: Discovery | None = None,
        confirmed: str = "",
        by_hand: tuple[Server, ...] = (),
    ) -> VisitorContext:
        """Look the domain up in the table, with its servers and its notice, else in the cache. Never on the network."""
        if not domain:
            return cls()
        provider = _provider_of(domain)
        if provider is None:
            discovery = discovery or discovering.kept(domain)
            slug = discovery.account.provider if discovery else None
            provider = Provider.objects.filter(slug=slug).with_settings().first() if slug else None
        else:
            discovery = None
        notice = None
        if provider is not None:
            notice = _notice_of(provider)
        return cls(domain, address, provider, notice, discovery, confirmed, by_hand)

    @property
    def is_from_library(self) -> bool:
        """Whether all that is shown stands in the library and the URL: neither found nor still unknown."""
        return not self.domain or (self.provider is not None and self.discovery is None and self.address is None)

    @cached_property
    def account(self) -> Account:
        """The settings, with the address when it is known. None that wait for a confirmation."""
        account = self._account()
        return account.with_address(self.address) if self.address else account

    def _account(self) -> Account:
        if self.by_hand:
            return Account(domain=self.domain, servers=self.by_hand)
        if self.needs_confirmation:
            return Account(domain=self.domain)
        if self.discovery is not None:
            return self.discovery.account
        return self.provider.account(self.domain) if self.provider else Account(domain=self.domain)

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to look up: the table knows the domain, or it was looked up lately."""
        return self.provider is not None or self.discovery is not None

    @cached_property
    def known(self) -> bool:
        """Whether there are settings to show."""
        account = self.account
        return bool(account.servers) or account.provider is not None

    @cached_property
    def needs_confirmation(self) -> bool:
        """Whether nothing but names points to a foreign domain, and the visitor has not said that it is right."""
        foreign = self.discovery.confirm if self.discovery else None
        return foreign is not None and foreign != self.confirmed

    @property
    def query(self) -> str:
        """What the links of this visitor carry on: never an address."""
        return urlencode({"at": self.domain} | self.carried) if self.domain else ""

    @property
    def carried(self) -> dict[str, str]:
        """What a link carries on besides the domain: a confirmation, and servers by hand."""
        foreign = self.discovery.confirm if self.discovery else None
        carried = {"confirmed": foreign} if foreign and foreign == self.confirmed else {}
        for server in self.by_hand:
            name = server.protocol.value
            carried |= {f"{name}_host": server.host, f"{name}_port": str(server.port)}
            carried[f"{name}_security"] = server.security.value
            if server.username is not UsernameForm.ADDRESS:
                carried["username_form"] = server.username.value
        return carried

    @property
    def shown_domain(self) -> str:
        """The domain as people read it."""
        return display_domain(self.domain)

    @property
    def password_name(self) -> str:
        """What the provider calls the password for mail programs, or ""."""
        return self.notice.password_name if self.notice else ""

    @property
    def username_name(self) -> str:
        """What the provider calls a user name that is no part of the address, or ""."""
        return self.notice.username_name if self.notice else ""

    @property
    def wants_username(self) -> bool:
        """Whether a user name is needed that nobody can tell from the address."""
        return any(server.asks_for_username for server in self.account.servers)

    @property
    def signs_in_elsewhere(self) -> bool:
        """Whether no password typed into a mail program or into the portal can work."""
        kinds = (PasswordKind.OAUTH2, PasswordKind.BRIDGE, PasswordKind.NONE)
        return not self.by_hand and self.account.password in kinds

    @property
    def makes_password_first(self) -> bool:
        """Whether the visitor must have made a password for mail programs at the provider."""
        kinds = (PasswordKind.APP_PASSWORD, PasswordKind.AUTH_CODE, PasswordKind.MAIL_PASSWORD)
        return not self.by_hand and self.account.password in kinds

    @property
    def lets_no_client_in(self) -> bool:
        """Whether no mail program can open the mailbox."""
        return self.provider is not None and self.provider.password == PasswordKind.NONE

    def situation(self, protocol: Protocol = Protocol.IMAP, version: str = "") -> Situation:
        """The case that a text is filled for."""
        return Situation(
            account=self.account,
            protocol=protocol,
            version=version,
            address=self.address,
            password_name=self.password_name,
            username_name=self.username_name,
            app_name=self.provider.app_name if self.provider else "",
        )

    def notice_html(self, protocol: Protocol = Protocol.IMAP) -> SafeString:
        """What must be done first at the provider."""
        return filled(self.notice, self.situation(protocol)) if self.notice else SafeString()


def _provider_of(domain: str) -> Provider | None:
    """The provider of a domain in the table, with its servers."""
    key = Provider.objects.id_for(domain)
    if key is None:
        return None
    return library_cached(f"provider:{key}", lambda: Provider.objects.with_settings().get(pk=key))


def _notice_of(provider: Provider) -> ProviderText | None:
    """What must be done first there, in the visitor's language or the best instead."""

    def read() -> ProviderText | None:
        texts = ProviderText.objects.filter(provider=provider).published().in_reading_order(language())
        return cast("ProviderText | None", texts.defer("body").first())

    return library_cached(f"notice:{provider.pk}:{language()}", read)


@dataclass(frozen=True)
class DomainField:
    """What a visitor typed as `at`: a domain."""

    typed: str = ""
    domain: str = ""
    fault: str = ""

    @classmethod
    def read(cls, text: str) -> DomainField:
        """Never raises; `fault` names what is wrong."""
        if not text.strip():
            return cls()
        typed = as_meant(text)
        try:
            domain = domain_to_ascii(typed.rpartition("@")[2])
        except AddressError as error:
            return cls(typed[:255].rpartition("@")[2], fault=error.fault)
        return cls(display_domain(domain), domain)
