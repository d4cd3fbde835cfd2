"""Providers: who runs a mailbox, which domains are theirs, and which servers reach it."""

from __future__ import annotations

from functools import cached_property

from django.db import connections, models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from guides.mail.accounts import Account, AuthMethod, PasswordKind, Security, Server
from guides.models import labels
from guides.models.clients import https_only
from guides.models.servers import ServerRow, server_constraints
from guides.models.texts import Text, TextManager, text_constraints
from guides.models.versioned import Versioned


class ProviderQuerySet(models.QuerySet["Provider"]):
    """How providers are found."""

    def for_domain(self, domain: str) -> ProviderQuerySet:
        """The provider of a mail domain (A-labels, lower case): by exact domain, else by its longest suffix rule."""
        provider_id = self.id_for(domain)
        return self.none() if provider_id is None else self.filter(pk=provider_id)

    def find(self, domain: str) -> Provider | None:
        """The same, with everything `Provider.account` reads."""
        provider_id = self.id_for(domain)
        return None if provider_id is None else self.with_settings().get(pk=provider_id)

    def id_for(self, domain: str) -> int | None:
        """The provider's key alone, in one query."""
        parts = domain.split(".")
        suffixes = [".".join(parts[start:]) for start in range(1, len(parts))] or [""]
        # Written out, for every page and every test asks this: the database needs 20 microseconds for it, and Django a
        # millisecond to write the two queries.
        domains, rules = (connections[self.db].ops.quote_name(m._meta.db_table) for m in (ProviderDomain, SuffixRule))
        question = (
            f"SELECT provider_id, 1000 AS length FROM {domains} WHERE domain = %s UNION ALL "  # noqa: S608
            f"SELECT provider_id, LENGTH(suffix) FROM {rules} WHERE kind = %s AND suffix IN "
            f"({', '.join(['%s'] * len(suffixes))}) ORDER BY 2 DESC LIMIT 1"
        )
        with connections[self.db].cursor() as cursor:
            cursor.execute(question, [domain, SuffixRule.Kind.DOMAIN.value, *suffixes])
            row = cursor.fetchone()
        return row[0] if row else None

    def published(self) -> ProviderQuerySet:
        """Those whose settings mail clients are given: see `Provider.is_published`."""
        return self.exclude(confidence=Provider.Confidence.LOW, is_own=False)

    def own(self) -> ProviderQuerySet:
        """The operator's own: the ones that mail clients are served on host names of their domains."""
        return self.filter(is_own=True)

    def with_settings(self) -> ProviderQuerySet:
        """Everything `Provider.account` reads, in a constant number of queries."""
        return self.prefetch_related("servers")


class Provider(Versioned):
    """Who runs mailboxes, with what a mail client needs to know about them."""

    class Confidence(models.TextChoices):
        HIGH = "high", _("confirmed by several sources")
        MEDIUM = "medium", _("one good source")
        LOW = "low", _("not confirmed by the provider")

    slug = models.SlugField(_("short name"), unique=True, max_length=60)
    name = models.CharField(_("name"), max_length=100)
    password = models.CharField(
        _("password for mail clients"), max_length=20, choices=labels.PASSWORD_KINDS, default=PasswordKind.PASSWORD
    )
    password_pattern = models.CharField(
        _("shape of that password"),
        max_length=200,
        blank=True,
        help_text=_("A regular expression (RE2) for the whole password; empty when there is no rule."),
    )
    must_enable = models.BooleanField(_("mail clients must be switched on first"), default=False)
    signup_url = models.CharField(_("registration page"), max_length=300, blank=True, validators=[https_only])
    webmail_url = models.CharField(_("web mail"), max_length=300, blank=True, validators=[https_only])
    help_url = models.CharField(_("the provider's own help page"), max_length=500, blank=True, validators=[https_only])
    password_url = models.CharField(
        _("page where the password for mail clients is made"), max_length=300, blank=True, validators=[https_only]
    )
    enable_url = models.CharField(
        _("page where mail clients are switched on"), max_length=300, blank=True, validators=[https_only]
    )
    app_name = models.CharField(_("name of the official app"), max_length=100, blank=True)
    app_ios_url = models.CharField(_("official app, App Store"), max_length=300, blank=True, validators=[https_only])
    app_android_url = models.CharField(
        _("official app, Google Play"), max_length=300, blank=True, validators=[https_only]
    )
    confidence = models.CharField(_("confidence"), max_length=10, choices=Confidence, default=Confidence.MEDIUM)
    sources = models.TextField(_("sources"), blank=True, help_text=_("One address or document a line."))
    doubts = models.TextField(
        _("doubts"), blank=True, help_text=_("What the sources disagree about or do not confirm; one a line.")
    )
    checked_on = models.DateField(_("last checked on"), null=True, blank=True)
    position = models.PositiveIntegerField(_("position in lists"), default=100)
    is_own = models.BooleanField(
        _("the operator's own"),
        default=False,
        help_text=_(
            "Mail clients get these settings on autoconfig, autodiscover and ua-auto-config hosts of the domains."
        ),
    )

    objects = ProviderQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        constraints = [
            models.CheckConstraint(
                condition=Q(password__in=[kind.value for kind in PasswordKind]), name="provider_known_password_kind"
            ),
            models.CheckConstraint(
                condition=Q(confidence__in=["high", "medium", "low"]), name="provider_known_confidence"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def links(self) -> dict[str, str]:
        """The provider's pages that texts may point at, by the names of `guides.markup.vocabulary.LINKS`."""
        pages = {
            "signup": self.signup_url,
            "webmail": self.webmail_url,
            "help": self.help_url,
            "password_page": self.password_url,
            "enable_page": self.enable_url,
            "app_ios": self.app_ios_url,
            "app_android": self.app_android_url,
        }
        return {name: url for name, url in pages.items() if url}

    @property
    def is_published(self) -> bool:
        """Whether mail clients are given the settings: not those that the provider has not confirmed."""
        return self.is_own or self.confidence != self.Confidence.LOW

    @cached_property
    def _server_values(self) -> tuple[Server, ...]:
        return tuple(server.as_server() for server in self.servers.all())

    def account(self, domain: str) -> Account:
        """The settings of a mailbox at `domain`, servers in order of preference."""
        return Account(
            domain=domain,
            provider=self.slug,
            provider_name=self.name,
            password=PasswordKind(self.password),
            servers=self._server_values,
            must_enable=self.must_enable,
            links=self.links,
        )


class ProviderDomain(models.Model):
    """A mail domain; it belongs to one provider."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="domains", verbose_name=_("provider"))
    domain = models.CharField(_("domain"), max_length=253, unique=True)

    class Meta:
        ordering = ["domain"]
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        constraints = [
            # Look-ups compare in lower case; a capital letter would make a row that nobody finds.
            models.CheckConstraint(condition=Q(domain=Lower("domain")) & ~Q(domain=""), name="domain_lower_case")
        ]

    def __str__(self) -> str:
        return self.domain


class SuffixRule(models.Model):
    """All domains, or all mail exchangers, below a suffix belong to a provider."""

    class Kind(models.TextChoices):
        DOMAIN = "domain", _("mail domains below it")
        MX = "mx", _("mail exchangers (MX) below it")

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="suffix_rules", verbose_name=_("provider"))
    kind = models.CharField(_("applies to"), max_length=10, choices=Kind)
    suffix = models.CharField(_("suffix"), max_length=253)

    class Meta:
        ordering = ["kind", "suffix"]
        verbose_name = _("suffix rule")
        verbose_name_plural = _("suffix rules")
        constraints = [
            models.UniqueConstraint(fields=["kind", "suffix"], name="suffix_one_provider"),
            models.CheckConstraint(condition=Q(suffix=Lower("suffix")) & ~Q(suffix=""), name="suffix_lower_case"),
            models.CheckConstraint(condition=Q(kind__in=["domain", "mx"]), name="suffix_known_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} *.{self.suffix}"


class ProviderServer(ServerRow):
    """One server of a provider."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="servers", verbose_name=_("provider"))

    class Meta(ServerRow.Meta):
        constraints = server_constraints("server", "provider", Security)

    def password_method(self) -> AuthMethod:
        """An app password where the provider wants one."""
        wants_app_password = self.provider.password == PasswordKind.APP_PASSWORD
        return AuthMethod.APP_PASSWORD if wants_app_password else AuthMethod.PASSWORD


class ProviderText(Text):
    """What must be done first at a provider, in one language: shown before settings and before every guide."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="texts", verbose_name=_("provider"))
    password_name = models.CharField(
        _("what the provider calls the password for mail clients"),
        max_length=100,
        blank=True,
        help_text=_("As its pages say it in this language, e.g. “app password”."),
    )
    username_name = models.CharField(
        _("what the provider calls the user name"),
        max_length=100,
        blank=True,
        help_text=_("Only where it is neither the address nor a part of it, e.g. “d account ID”."),
    )

    objects = TextManager()

    class Meta:
        ordering = ["provider", "language"]
        verbose_name = _("text about a provider")
        verbose_name_plural = _("texts about providers")
        constraints = text_constraints("provider_text", "provider")
