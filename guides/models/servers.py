"""The abstract model of a mail server's row: fields, constraints, and conversion from and to `Server`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from guides.mail.accounts import AuthMethod, Protocol, Security, Server, UsernameForm
from guides.models import labels

_PLAIN_COLUMNS = ("protocol", "host", "port", "security", "username", "username_template")


class ServerRow(models.Model):
    """One way to reach one mail server."""

    protocol = models.CharField(_("protocol"), max_length=5, choices=labels.PROTOCOLS)
    host = models.CharField(_("host name"), max_length=253)
    port = models.PositiveIntegerField(_("port"), validators=[MinValueValidator(1), MaxValueValidator(65535)])
    security = models.CharField(_("security"), max_length=10, choices=labels.SECURITIES)
    username = models.CharField(
        _("user name"), max_length=12, choices=labels.USERNAME_FORMS, default=UsernameForm.ADDRESS
    )
    username_template = models.CharField(
        _("pattern of another user name"),
        max_length=100,
        blank=True,
        help_text=_("With %EMAILADDRESS%, %EMAILLOCALPART% or %EMAILDOMAIN%, e.g. %EMAILLOCALPART%.%EMAILDOMAIN%"),
    )
    password_login = models.BooleanField(_("accepts a password"), default=True)
    oauth2_login = models.BooleanField(_("accepts OAuth 2.0"), default=False)
    position = models.PositiveIntegerField(_("order of preference"), default=0)

    class Meta:
        abstract = True
        ordering = ["position", "pk"]
        verbose_name = _("server")
        verbose_name_plural = _("servers")

    def __str__(self) -> str:
        return f"{self.protocol} {self.host}:{self.port}"

    def as_server(self) -> Server:
        """The row as a value object."""
        auth = [AuthMethod.OAUTH2] if self.oauth2_login else []
        if self.password_login:
            auth.append(self.password_method())
        return Server(
            protocol=Protocol(self.protocol),
            host=self.host,
            port=self.port,
            security=Security(self.security),
            username=UsernameForm(self.username),
            auth=tuple(auth),
            username_template=self.username_template,
        )

    @staticmethod
    def columns_of(server: Server) -> dict[str, Any]:
        """A value object as columns; of its ways to sign in, a row keeps OAuth 2.0 and whether there is another."""
        plain = {name: getattr(server, name) for name in _PLAIN_COLUMNS}
        with_password = any(method is not AuthMethod.OAUTH2 for method in server.auth)
        return {**plain, "password_login": with_password, "oauth2_login": AuthMethod.OAUTH2 in server.auth}

    def password_method(self) -> AuthMethod:
        """Which kind of password it accepts."""
        return AuthMethod.PASSWORD


def server_constraints(name: str, owner: str, securities: Iterable[Security]) -> list[models.BaseConstraint]:
    """The invariants of a table of servers; `securities` are those that its rows may have."""
    return [
        models.CheckConstraint(condition=Q(port__gte=1, port__lte=65535), name=f"{name}_port_in_range"),
        models.CheckConstraint(condition=Q(protocol__in=[p.value for p in Protocol]), name=f"{name}_known_protocol"),
        models.CheckConstraint(condition=Q(security__in=[s.value for s in securities]), name=f"{name}_known_security"),
        models.CheckConstraint(
            condition=Q(username__in=[f.value for f in UsernameForm]), name=f"{name}_known_username_form"
        ),
        models.CheckConstraint(
            condition=Q(username_template="") | Q(username=UsernameForm.OTHER),
            name=f"{name}_template_of_other_username",
        ),
        models.CheckConstraint(
            condition=Q(password_login=True) | Q(oauth2_login=True), name=f"{name}_some_authentication"
        ),
        models.UniqueConstraint(fields=[owner, "protocol", "host", "port"], name=f"{name}_once"),
    ]
