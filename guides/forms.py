"""The public forms. Faults are told at the field, in words that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from guides.mail.accounts import Address, AddressError, Protocol, Security, Server, UsernameForm
from guides.mail.secret import Secret
from guides.mail.vetting import HostForbidden, check_host

LONGEST_ADDRESS = 254
LONGEST_USERNAME = 256
LONGEST_HOST = 253

USUAL_PORTS: dict[tuple[Protocol, Security], int] = {
    (Protocol.IMAP, Security.TLS): 993,
    (Protocol.IMAP, Security.STARTTLS): 143,
    (Protocol.POP3, Security.TLS): 995,
    (Protocol.POP3, Security.STARTTLS): 110,
    (Protocol.SMTP, Security.TLS): 465,
    (Protocol.SMTP, Security.STARTTLS): 587,
}
MAIL_PORTS = frozenset(USUAL_PORTS.values())

ADDRESS_FAULTS = {
    "empty": _("Enter your mail address."),
    "no_at": _("There is no @ in it. A mail address looks like anna@example.com."),
    "two_at": _("There is more than one @ in it. Enter one mail address, like anna@example.com."),
    "space": _("There is a space in it. Mail addresses have none; take the space out."),
    "control": _("There is an invisible character in it. Type the address by hand instead of pasting it."),
    "too_long": _("This is too long for a mail address. Enter only the address, like anna@example.com."),
    "local_part": _("Something is wrong before the @. Check it for missing or extra characters."),
    "ip_literal": _("After the @ there is a number instead of a name. Enter an address like anna@example.com."),
    "domain": _("Something is wrong after the @. It must be a name with a dot, like example.com."),
}

HOST_FAULTS = {
    "empty": _("Enter the server's name, like imap.example.com."),
    "syntax": _("This is not a server's name. It looks like imap.example.com, without https:// and without spaces."),
    "ip_literal": _("This is a number, not a name. Enter the server's name, like imap.example.com."),
    "single_label": _("A part is missing: a server's name has a dot in it, like imap.example.com."),
    "suffix": _("This name belongs to a private network, which the portal cannot and may not reach."),
}


class AddressField(forms.CharField):
    """A mail address; its value is an `Address`."""

    widget = forms.EmailInput

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=True, error_messages={"required": ADDRESS_FAULTS["empty"]}, **options)

    def clean(self, value: Any) -> Address:
        """Parse what was typed; each fault has words of its own."""
        text = self.to_python(value)
        self.validate(text)
        try:
            return Address.parse(text or "")
        except AddressError as error:
            raise forms.ValidationError(ADDRESS_FAULTS[error.fault], code=error.fault) from None


class _Unchanging(dict[str, forms.Field]):
    """Fields that no form changes: each form has a dictionary of its own, and the fields are everybody's.

    Django copies every field for every form, which takes longer than checking them.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, forms.Field]:
        return dict(self)


class PortalForm(forms.Form):
    """What the public forms share."""

    use_required_attribute = False  # a browser's own bubble is in the browser's language and hides our words

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, label_suffix="", **options)


class AddressForm(PortalForm):
    """The home page's one field."""

    address = AddressField(
        label=_("Your mail address"),
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "inputmode": "email",
                "autocapitalize": "none",
                "spellcheck": "false",
                "placeholder": "anna@example.com",
            }
        ),
    )


PASTE_BYTES = 1_000_000
TOO_LARGE = _(
    "This is too long: at most 1 MB can be explained. Paste only the error itself, or the first part of the message."
)
NOT_TEXT = {
    "archive": _(
        "This is an archive, a picture or a document, not a text. Save the message as .eml, or copy its text."
    ),
    "binary": _("This is not a text. Save the message as .eml, or copy its text."),
}


class PasteForm(PortalForm):
    """An error text or a whole message, pasted or as a file. It is never shown again: it may hold a secret."""

    text = forms.CharField(
        label=_("Paste the error text or the returned message"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 4, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "dir": "auto"}
        ),
    )
    file = forms.FileField(
        label=_("File"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".eml,.txt,.log,.msg.txt,message/rfc822,text/plain,text/html"}),
    )

    def clean(self) -> dict[str, Any]:
        """One of the two, and not too much of it."""
        text, file = self.cleaned_data.get("text") or "", self.cleaned_data.get("file")
        field = "file" if file else "text"
        if file and file.size > PASTE_BYTES:
            self.add_error("file", TOO_LARGE)
            return self.cleaned_data
        source = file.read(PASTE_BYTES) if file else text.encode("utf-8", "replace")
        if not source.strip():
            self.add_error(field, _("Paste the error text, or choose a file with the returned message."))
        elif len(source) > PASTE_BYTES:
            self.add_error("text", TOO_LARGE)
        self.cleaned_data["source"] = source
        self.cleaned_data["field"] = field
        return self.cleaned_data


class HostField(forms.CharField):
    """A server's name; its value is in A-labels. The syntax is judged before anything is resolved."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, strip=True, **options)

    def clean(self, value: Any) -> str:
        """Refuse everything that is not a public host name."""
        text = super().clean(value)
        if not text:
            return ""
        try:
            return check_host(text, settings.ALLOWED_SUFFIXES)
        except HostForbidden as error:
            raise forms.ValidationError(HOST_FAULTS[error.fault], code=error.fault) from None


class PortField(forms.IntegerField):
    """A mail port; empty means the usual one."""

    def __init__(self, **options: Any) -> None:
        words = _("A port is a number from 1 to 65535, like 993. Leave the field empty if you do not know it.")
        super().__init__(
            required=False,
            min_value=1,
            max_value=65535,
            error_messages={"invalid": words, "min_value": words, "max_value": words},
            **{"widget": forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})} | options,
        )

    def clean(self, value: Any) -> int | None:
        """Only ports of mail servers: the portal is no port scanner."""
        port: int | None = super().clean(value)
        if port is not None and port not in MAIL_PORTS and port not in settings.ALLOWED_PORTS:
            raise forms.ValidationError(
                _("The portal tests mail ports only: 993 or 143 for IMAP, 995 or 110 for POP3, 465 or 587 for SMTP."),
                code="not_a_mail_port",
            )
        return port


SECURITY_CHOICES = [("", _("usual")), (Security.TLS.value, "SSL/TLS"), (Security.STARTTLS.value, "STARTTLS")]


class SecurityField(forms.ChoiceField):
    """How a connection is encrypted; empty means the usual way."""

    def __init__(self, **options: Any) -> None:
        words = _("Choose SSL/TLS or STARTTLS. The portal sends no password in the clear.")
        super().__init__(label=_("Encryption"), required=False, error_messages={"invalid_choice": words}, **options)


NAME_FORM = "username_form"  # how the user name is made from the address


def _holds_control(text: str) -> bool:
    return any(ord(char) < 32 or ord(char) == 127 for char in text)


def _server_fields() -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {}
    for protocol in Protocol:
        name = protocol.value
        fields[f"{name}_host"] = HostField(
            label=_("Server"),
            widget=forms.TextInput(
                attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "inputmode": "url"}
            ),
        )
        fields[f"{name}_port"] = PortField(label=_("Port"))
        fields[f"{name}_security"] = SecurityField(choices=SECURITY_CHOICES)
    return fields


_SERVER_FIELDS = _server_fields()


class ServersForm(PortalForm):
    """Servers by hand, for any of the three protocols. They may stand in a URL: they are nobody's secret."""

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields |= _SERVER_FIELDS

    @staticmethod
    def named_in(data: Mapping[str, str]) -> dict[str, str]:
        """Those of `data` that are about servers by hand, with something in them."""
        prefixes = (NAME_FORM, *(f"{protocol.value}_" for protocol in Protocol))
        return {name: value for name, value in data.items() if name.startswith(prefixes) and value.strip()}

    def clean(self) -> dict[str, Any]:
        """A port without a server."""
        for protocol in Protocol:
            name = protocol.value
            has_more = self.cleaned_data.get(f"{name}_port") or self.cleaned_data.get(f"{name}_security")
            if has_more and not self.cleaned_data.get(f"{name}_host") and f"{name}_host" not in self.errors:
                self.add_error(f"{name}_host", HOST_FAULTS["empty"])
        return self.cleaned_data

    def servers_by_hand(self) -> tuple[Server, ...]:
        """The servers that were typed in, with what is usual where something was left out."""
        servers = []
        name_form = self.cleaned_data.get(NAME_FORM) or UsernameForm.ADDRESS
        username = UsernameForm.OTHER if self.cleaned_data.get("username") else UsernameForm(name_form)
        for protocol in Protocol:
            name = protocol.value
            host = self.cleaned_data.get(f"{name}_host")
            if not host:
                continue
            port = self.cleaned_data.get(f"{name}_port")
            chosen = self.cleaned_data.get(f"{name}_security")
            security = Security(chosen) if chosen else _usual_security(protocol, port)
            servers.append(Server(protocol, host, port or USUAL_PORTS[protocol, security], security, username))
        return tuple(servers)

    @property
    def server_rows(self) -> list[tuple[Protocol, list[forms.BoundField]]]:
        """The fields of each protocol, for the page."""
        parts = ("host", "port", "security")
        return [(protocol, [self[f"{protocol.value}_{part}"] for part in parts]) for protocol in Protocol]


class ConnectionForm(ServersForm):
    """The connection test: address, password, and optionally a user name and servers by hand.

    The password is not a field: the first middleware wraps it (guides/taken_form.py), so no form, widget or error
    holds it.
    `confirmed` is the foreign domain that the visitor has confirmed to hold the mailbox.
    """

    address = AddressField(
        label=_("Mail address"),
        widget=forms.EmailInput(
            attrs={"autocomplete": "username", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    username = forms.CharField(
        label=_("User name, if it is not the address"),
        required=False,
        max_length=LONGEST_USERNAME,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"max_length": _("This is too long for a user name.")},
    )
    username_form = forms.ChoiceField(
        required=False, choices=[(form.value, form.value) for form in UsernameForm], widget=forms.HiddenInput
    )
    deliver = forms.BooleanField(
        label=_("Send one message to myself, and see whether it arrives"),
        required=False,
        help_text=_("It is deleted again. Tick this only if you need it: some providers dislike such messages."),
    )
    is_token = forms.BooleanField(
        label=_("What I typed as password is an access token (OAuth 2.0)"),
        required=False,
        help_text=_("For people who know what that is. A token is a long text that a program got from the provider."),
    )
    anyway = forms.BooleanField(label=_("Test it anyway"), required=False)
    pop3 = forms.BooleanField(label=_("Test receiving by POP3 too"), required=False)
    confirmed = forms.CharField(required=False, max_length=LONGEST_HOST, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, secret: Secret | None = None, password_fault: str | Promise = "", **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.secret = secret
        self.password_fault = password_fault
        self.has_doubt = False

    def doubt(self, words: str) -> None:
        """Say a doubt about the password before it is sent anywhere. It is typed again, or another one in its place."""
        self.has_doubt = True
        self.password_fault = words

    def clean_username(self) -> str:
        """A user name goes onto the wire: no line ends, no NUL."""
        username: str = self.cleaned_data["username"]
        if _holds_control(username):
            raise forms.ValidationError(_("There is an invisible character in it. Type the user name by hand."))
        return username

    def is_valid(self) -> bool:
        """Whether everything, the password included, can be used."""
        return super().is_valid() and not self.password_fault and self.secret is not None

    @property
    def opens_by_hand(self) -> bool:
        """Whether the folded part must be open: something in it was typed or is wrong."""
        names = [field.name for _protocol, row in self.server_rows for field in row] + ["username", "is_token"]
        return any(self[name].errors or self[name].value() for name in names)


ConnectionForm.base_fields = _Unchanging(ConnectionForm.base_fields)


def _usual_security(protocol: Protocol, port: int | None) -> Security:
    return Security.STARTTLS if port == USUAL_PORTS[protocol, Security.STARTTLS] else Security.TLS
