"""Servers that a visitor typed in by hand, as a URL carries them from the settings to the guide and the test."""

from __future__ import annotations

from django.http import HttpRequest

from guides.forms import ServersForm
from guides.mail.accounts import Server


def form_of(request: HttpRequest) -> ServersForm | None:
    """The form with what the URL holds; None when it holds no servers."""
    named = ServersForm.named_in(request.GET)
    return ServersForm(named) if named else None


def servers_of(form: ServersForm | None) -> tuple[Server, ...]:
    """The servers, when there are some and all are right."""
    return form.servers_by_hand() if form is not None and form.is_valid() else ()
