"""Servers that a visitor typed in by hand, as a URL carries them from the settings to the guide and the test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from guides.forms import NAME_FORM, USUAL_PORTS, PortField, SecurityField, ServersForm
from guides.mail.accounts import Protocol, Security, Server, UsernameForm
from guides.views import labels

UNKNOWN = ("", _("usual, if not known"))


def _usual(text: object) -> Any:
    return format_lazy("{} ({})", text, _("usual"))


class _PortChoice(forms.Select):
    """The two ports of a protocol. A faulty one from a URL stays to be seen beside its error."""

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> list[Any]:
        """The groups of options, Django's way."""
        known = {str(port) for port, _label in self.choices}
        others = [(text, text) for text in value if text not in known]
        return forms.Select(choices=[*self.choices, *others]).optgroups(name, value, attrs)


def _choices() -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {
        NAME_FORM: forms.ChoiceField(
            label=_("User name"),
            required=False,
            choices=[(form.value, labels.USERNAMES[form]) for form in UsernameForm],
        )
    }
    for protocol in Protocol:
        usual, other = USUAL_PORTS[protocol, Security.TLS], USUAL_PORTS[protocol, Security.STARTTLS]
        ports = [UNKNOWN, (usual, _usual(usual)), (other, str(other))]
        securities = [UNKNOWN, (Security.TLS.value, _usual("SSL/TLS")), (Security.STARTTLS.value, "STARTTLS")]
        fields[f"{protocol}_port"] = PortField(label=_("Port"), widget=_PortChoice(choices=ports))
        fields[f"{protocol}_security"] = SecurityField(choices=securities)
    return fields


_CHOICES = _choices()


class ByHandForm(ServersForm):
    """Servers on the settings page: the names of two servers and the form of the user name first.

    The user name itself is not asked: the form's values stand in URLs, which hold no personal data.
    """

    def __init__(self, data: Mapping[str, str] | None = None) -> None:
        super().__init__(data)
        self.fields |= _CHOICES
        for protocol in (Protocol.IMAP, Protocol.SMTP):
            self[f"{protocol}_host"].label = labels.PROTOCOLS[protocol]

    @property
    def first(self) -> list[forms.BoundField]:
        """What everybody fills in."""
        return [self[f"{Protocol.IMAP}_host"], self[f"{Protocol.SMTP}_host"], self[NAME_FORM]]

    @property
    def more(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """What few know or need, by protocol: port and encryption, and POP3."""
        first = self.first
        return [
            (labels.PROTOCOLS[protocol], [field for field in row if field not in first])
            for protocol, row in self.server_rows
        ]

    @property
    def opens_more(self) -> bool:
        """Whether something in the folded part was typed or is wrong."""
        return any(field.errors or field.value() for _title, row in self.more for field in row)


def form_of(request: HttpRequest) -> ByHandForm | None:
    """The form with what the URL holds; None when it holds no servers."""
    named = ServersForm.named_in(request.GET)
    return ByHandForm(named) if named.keys() - {NAME_FORM} else None


def servers_of(form: ServersForm | None) -> tuple[Server, ...]:
    """The servers, when there are some and all are right."""
    return form.servers_by_hand() if form is not None and form.is_valid() else ()
