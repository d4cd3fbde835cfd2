"""Whom a page is for: the domain they named, its provider, and the texts in their language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from guides.mail.accounts import Account, Address, AddressError, PasswordKind, Protocol, display_domain, domain_to_ascii
from guides.markup import Situation, fill
from guides.models import Provider, ProviderText
from guides.models.texts import Text
from guides.views.words import READER_WORDS


def language() -> str:
    """The reader's language; pages always have one."""
    return get_language() or "en"


@dataclass(frozen=True)
class Reader:
    """What is known of a reader: their domain, perhaps their address, and the provider behind it."""

    domain: str = ""  # A-labels; "" when nobody has said anything
    address: Address | None = None
    provider: Provider | None = None
    notice: ProviderText | None = None

    @classmethod
    def of(cls, domain: str, address: Address | None = None) -> Reader:
        """Look the domain's provider up, with its servers and its notice."""
        if not domain:
            return cls()
        provider = Provider.objects.for_domain(domain).with_settings().first()
        notice = None
        if provider is not None:
            texts = ProviderText.objects.filter(provider=provider).published().in_reading_order(language())
            notice = cast("ProviderText | None", texts.first())
        return cls(domain, address, provider, notice)

    @property
    def account(self) -> Account:
        """The settings, with the address when it is known."""
        account = self.provider.account(self.domain) if self.provider else Account(domain=self.domain)
        return account.with_address(self.address) if self.address else account

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
    def signs_in_elsewhere(self) -> bool:
        """Whether no password typed into a mail program or into the portal can work."""
        elsewhere = (PasswordKind.OAUTH2, PasswordKind.BRIDGE, PasswordKind.NONE)
        return self.provider is not None and self.provider.password in elsewhere

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


def filled(text: Text, situation: Situation) -> SafeString:
    """A text's HTML for a situation. `compile_text` made its parts safe when it was saved; `fill` escapes the rest."""
    return mark_safe(fill(text.compiled, situation, READER_WORDS))  # noqa: S308


@dataclass(frozen=True)
class DomainField:
    """What a reader typed as `at`: a domain, or by mistake a whole address."""

    typed: str = ""
    domain: str = ""
    fault: str = ""
    held_address: bool = False  # an address must not stay in a URL: send on to the domain alone

    @classmethod
    def read(cls, text: str) -> DomainField:
        """Never raises; `fault` names what is wrong."""
        typed = text.strip()
        if not typed:
            return cls()
        held_address = "@" in typed.lstrip("@")
        try:
            domain = domain_to_ascii(typed.rpartition("@")[2])
        except AddressError as error:
            return cls(typed[:255].rpartition("@")[2], fault=error.fault, held_address=held_address)
        return cls(display_domain(domain), domain, held_address=held_address)
