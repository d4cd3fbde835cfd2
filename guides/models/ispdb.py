"""Settings of domains that the provider table does not know: facts of public tables that the portal ships, and an
operator's snapshot of autoconfig files (ISPDB), whose domains win over the shipped ones.

These rows are no providers: they have no texts and no slug, and the provider table and the operator's own entries win
over them.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from guides.mail.accounts import Account, AuthMethod, PasswordKind, Security, Server
from guides.mail.discovery.autoconfig import DOMAIN_PLACEHOLDER
from guides.models import labels
from guides.models.clients import https_only
from guides.models.servers import ServerRow, server_constraints
from guides.models.versioned import Versioned


class IspdbQuerySet(models.QuerySet["IspdbEntry"]):
    """How entries are found."""

    def for_domain(self, domain: str) -> IspdbQuerySet:
        """The entry that names a domain (A-labels, lower case), unless staff switched it off."""
        return self.filter(domains__domain=domain, is_used=True)

    def find(self, domain: str) -> IspdbEntry | None:
        """The same with its servers."""
        return self.for_domain(domain).prefetch_related("servers").first()

    def account_for(self, domain: str, *, mailbox_domain: str = "") -> Account | None:
        """The settings under `domain`; those of a mailbox at `mailbox_domain`, where it was found by its exchanger."""
        entry = self.find(domain)
        return entry.account(mailbox_domain or domain) if entry else None


class IspdbEntry(Versioned):
    """One autoconfig file: the domains it is about and the servers it names."""

    source = models.CharField(_("file"), max_length=255, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    must_enable = models.BooleanField(_("mail clients must be switched on first"), default=False)
    enable_url = models.CharField(
        _("page where mail clients are switched on"), max_length=300, blank=True, validators=[https_only]
    )
    help_url = models.CharField(_("the provider's own help page"), max_length=300, blank=True, validators=[https_only])
    is_shipped = models.BooleanField(
        _("shipped with the portal"), default=False, help_text=_("Facts of public tables, loaded with the library.")
    )
    sources = models.TextField(_("sources"), blank=True)
    doubts = models.TextField(
        _("doubts"), blank=True, help_text=_("What the sources disagree about or do not confirm; one a line.")
    )
    is_doubtful = models.BooleanField(
        _("doubtful"), default=False, help_text=_("Only old tables have it, or newer ones contradict it.")
    )
    is_used = models.BooleanField(_("used"), default=True, help_text=_("Untick it to hide a wrong entry."))
    is_kept = models.BooleanField(
        _("kept as staff wrote it"),
        default=False,
        help_text=_("An import leaves it alone. Saving a change here ticks it."),
    )

    objects = IspdbQuerySet.as_manager()

    class Meta:
        ordering = ["source"]
        verbose_name = _("ISPDB entry")
        verbose_name_plural = _("ISPDB entries")

    def __str__(self) -> str:
        return self.source

    def account(self, domain: str) -> Account:
        """The settings of a mailbox at `domain`, servers in order of preference."""
        servers = tuple(server.for_domain(domain) for server in self.servers.all())
        by_window_only = bool(servers) and all(server.auth == (AuthMethod.OAUTH2,) for server in servers)
        links = {"enable_page": self.enable_url, "help": self.help_url}
        return Account(
            domain=domain,
            provider_name=self.name,
            password=PasswordKind.OAUTH2 if by_window_only else PasswordKind.PASSWORD,
            servers=servers,
            must_enable=self.must_enable,
            links={name: url for name, url in links.items() if url},
        )


class IspdbDomain(models.Model):
    """A domain that an entry is about: of mailboxes, or of a mail exchanger. It belongs to one entry."""

    entry = models.ForeignKey(IspdbEntry, models.CASCADE, related_name="domains", verbose_name=_("entry"))
    domain = models.CharField(_("domain"), max_length=253, unique=True)

    class Meta:
        ordering = ["domain"]
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        constraints = [
            # Look-ups compare in lower case; a capital letter would make a row that nobody finds.
            models.CheckConstraint(condition=Q(domain=Lower("domain")) & ~Q(domain=""), name="ispdb_domain_lower_case")
        ]

    def __str__(self) -> str:
        return self.domain


class IspdbServer(ServerRow):
    """One server of an entry. Its host may hold `%EMAILDOMAIN%`."""

    entry = models.ForeignKey(IspdbEntry, models.CASCADE, related_name="servers", verbose_name=_("entry"))
    security = models.CharField(
        _("security"), max_length=10, choices=[each for each in labels.SECURITIES if each[0] != Security.NONE]
    )

    class Meta(ServerRow.Meta):
        # Settings without encryption are never handed on, whatever their source.
        constraints = server_constraints("ispdb_server", "entry", (Security.TLS, Security.STARTTLS))

    def for_domain(self, domain: str) -> Server:
        """The same with the domain (A-labels) in the place of the placeholder."""
        server = self.as_server()
        return replace(server, host=server.host.replace(DOMAIN_PLACEHOLDER, domain))
