"""Mail clients and those of their versions whose steps differ."""

from __future__ import annotations

from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from guides.mail.accounts import Protocol
from guides.models.versioned import Versioned

https_only = URLValidator(schemes=["https"])


class MailClient(Versioned):
    """A program that people read mail with."""

    slug = models.SlugField(_("short name"), unique=True, max_length=60)
    name = models.CharField(_("name"), max_length=100)
    aliases = models.CharField(
        _("other names"), max_length=400, blank=True, help_text=_("Separated by commas; search finds them.")
    )
    platforms = models.CharField(_("runs on"), max_length=200, blank=True)
    speaks_imap = models.BooleanField(_("IMAP"), default=True)
    speaks_pop3 = models.BooleanField(_("POP3"), default=True)
    speaks_oauth2 = models.BooleanField(_("signs in with OAuth 2.0"), default=False)
    reads_autoconfig = models.BooleanField(_("reads autoconfig"), default=False)
    reads_autodiscover = models.BooleanField(_("reads Autodiscover"), default=False)
    reads_profile = models.BooleanField(_("reads Apple profiles"), default=False)
    help_url = models.CharField(_("the maker's help page"), max_length=300, blank=True, validators=[https_only])
    retired = models.BooleanField(_("no longer made"), default=False)
    position = models.PositiveIntegerField(_("position in lists"), default=100)

    class Meta:
        ordering = ["position", "name"]
        verbose_name = _("mail client")
        verbose_name_plural = _("mail clients")
        constraints = [
            models.CheckConstraint(condition=Q(speaks_imap=True) | Q(speaks_pop3=True), name="client_some_protocol")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def protocols(self) -> frozenset[Protocol]:
        """The protocols for receiving mail that it speaks."""
        spoken = {Protocol.IMAP: self.speaks_imap, Protocol.POP3: self.speaks_pop3}
        return frozenset(protocol for protocol, speaks in spoken.items() if speaks)


class ClientVersion(models.Model):
    """A version, edition or platform of a client whose steps differ from the others'."""

    client = models.ForeignKey(MailClient, models.CASCADE, related_name="versions", verbose_name=_("mail client"))
    slug = models.SlugField(_("short name"), max_length=40)
    name_ja = models.CharField(_("name (Japanese)"), max_length=100)
    name_en = models.CharField(_("name (English)"), max_length=100)
    name_ru = models.CharField(_("name (Russian)"), max_length=100)
    is_default = models.BooleanField(_("shown unless another is chosen"), default=False)
    position = models.PositiveIntegerField(_("position in lists"), default=0)

    class Meta:
        ordering = ["position", "slug"]
        verbose_name = _("version of a client")
        verbose_name_plural = _("versions of clients")
        constraints = [
            models.UniqueConstraint(fields=["client", "slug"], name="version_once_per_client"),
            models.UniqueConstraint(
                fields=["client"],
                condition=Q(is_default=True),
                name="version_one_default",
                violation_error_message=_("Exactly one version is the one shown unless another is chosen."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client} · {self.name}"

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        names = {"ja": self.name_ja, "ru": self.name_ru}
        return names.get(get_language() or "en", self.name_en)
