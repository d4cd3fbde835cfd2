"""What staff type, checked at the field: nothing is overwritten unseen, no text is saved that cannot be shown."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from guides.library.checks import finds_example, password_pattern_fault
from guides.library.compiling import compile_into
from guides.library.dumping import as_yaml
from guides.library.entries import as_file
from guides.library.rows import entry_of
from guides.mail.accounts import BRIDGE_HOST, AddressError, PasswordKind, domain_to_ascii
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.patterns import PatternFault, check_pattern
from guides.mail.discovery.names import is_public_suffix
from guides.markup import MESSAGES, MarkupError
from guides.models import ErrorArticle, ErrorPattern, MailClient, Provider, SuffixRule
from guides.models.texts import Text
from guides.models.versioned import Versioned

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm

WITH_PARTS = (Provider, MailClient, ErrorArticle)  # their page also saves rows that have no version of their own


class LinesTextarea(AdminTextareaWidget):
    """A text area whose lines end as they do in files; browsers send CRLF, which would make every text look changed."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """What was typed, with plain line ends."""
        value = super().value_from_datadict(data, files, name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class SourceTextarea(LinesTextarea):
    """A large text area with letters of one width, for Markdown and patterns."""

    def __init__(self, rows: int = 30) -> None:
        super().__init__(attrs={"class": "vLargeTextField source", "rows": rows, "spellcheck": "true"})


class VersionedForm(ModelForm):
    """Refuses to overwrite what somebody else saved since the page was opened, and shows both (optimistic lock).

    The admin's change view runs in one transaction, which on SQLite holds the write lock and on PostgreSQL the row's,
    so nobody can save between this check and the save.
    """

    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen_version"] = self.instance.version

    def clean(self) -> dict[str, Any] | None:
        """Compare the version that the page showed with the one that is stored."""
        cleaned = super().clean()
        model: type[Versioned] = type(self.instance)
        if self.instance.pk:
            rows = model._default_manager.select_for_update().filter(pk=self.instance.pk)
            version = rows.values_list("version", flat=True).first()
            if version is None:
                self.add_error(None, ValidationError(_("Somebody else deleted this."), code="deleted"))
            elif version != self.cleaned_data.get("seen_version"):
                self._show_both(version)
            else:
                self.instance.version = version + 1
        return cleaned

    def _show_both(self, version: int) -> None:
        """Put what is stored beside what was typed; saving again then is a decision."""
        differing = [name for name in self.changed_data if name != "seen_version" and name in self.fields]
        for name in differing:
            words = gettext("Somebody else saved this after you opened it. Yours is in the field, theirs is here:")
            self.add_error(name, _with_words(words, self._stored(name)))
        if isinstance(self.instance, WITH_PARTS):
            words = gettext(
                "Somebody else saved this entry after you opened it. It now says (save again to replace it):"
            )
            stored = type(self.instance)._default_manager.get(pk=self.instance.pk)
            self.add_error(None, _with_words(words, as_yaml(as_file(entry_of(stored)))))
        data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        data[self.add_prefix("seen_version")] = str(version)
        self.data = data

    def _stored(self, name: str) -> str:
        value = self.initial.get(name)
        choices = dict(getattr(self.fields[name], "choices", []))
        return str(choices.get(value, value if value not in (None, "") else "—"))


def _with_words(words: str, stored: str) -> ValidationError:
    return ValidationError(format_html('{} <pre class="theirs">{}</pre>', words, stored), code="conflict")


class TextForm(VersionedForm):
    """A text is compiled when it is saved; a fault stands at the body with its line."""

    class Meta:
        widgets = {"body": SourceTextarea(), "sources": LinesTextarea(attrs={"rows": 3})}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # fills the instance
        text: Text = self.instance
        if self.errors.keys() - {"body", "title", "summary", "sources", "checked_on"}:
            return  # without its parent or language it cannot be judged
        try:
            compile_into(text)
        except MarkupError as error:
            for fault in error.faults:
                what = gettext(MESSAGES[fault.code]) % fault.params
                message = gettext("Line %(line)s: %(what)s") % {"line": fault.line, "what": what}
                self.add_error("body", ValidationError(message, code=fault.code))


class DomainRowForm(ModelForm):
    """A row whose name is a domain or a host: kept in the one form in which the portal compares them."""

    def clean(self) -> dict[str, Any] | None:
        """Write the name in A-labels and lower case."""
        cleaned = super().clean()
        for field in ("domain", "suffix", "host"):
            if self.cleaned_data.get(field) and not self.is_no_name(self.cleaned_data[field]):
                try:
                    self.cleaned_data[field] = domain_to_ascii(self.cleaned_data[field])
                except AddressError:
                    self.add_error(field, ValidationError(_("This is no domain name."), code="domain"))
        return cleaned

    def is_no_name(self, _typed: str) -> bool:
        """Whether what was typed is right although it is no domain name."""
        return False


class SuffixForm(DomainRowForm):
    """A rule for all names below a suffix, which therefore must have one owner."""

    def clean(self) -> dict[str, Any] | None:
        """Refuse a public suffix for exchangers, such as `co.jp`."""
        cleaned = super().clean()
        suffix = self.cleaned_data.get("suffix")
        if suffix and self.cleaned_data.get("kind") == SuffixRule.Kind.MX and is_public_suffix(suffix):
            words = _("Names below this suffix have different owners, so a rule about it would be wrong for most.")
            self.add_error("suffix", ValidationError(words, code="public_suffix"))
        return cleaned


class ServerForm(DomainRowForm):
    """A provider's server; a bridge program answers on the visitor's own machine."""

    def __init__(self, *args: Any, provider: Provider, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider = provider  # as it is typed on the same page

    def is_no_name(self, typed: str) -> bool:
        """Only where the provider's password is the bridge's."""
        return typed == BRIDGE_HOST and self.provider.password == PasswordKind.BRIDGE


class ProviderForm(VersionedForm):
    """A provider's own fields."""

    class Meta:
        widgets = {
            "password_pattern": forms.TextInput(attrs={"class": "vTextField source"}),
            "sources": LinesTextarea(attrs={"rows": 6}),
            "doubts": LinesTextarea(attrs={"rows": 4}),
        }

    def clean_password_pattern(self) -> str:
        """RE2 must be able to read it."""
        pattern: str = self.cleaned_data["password_pattern"]
        if why := password_pattern_fault(pattern):
            raise ValidationError(_("RE2 cannot read this pattern: %(why)s"), code="pattern", params={"why": why})
        return pattern


class ClientForm(VersionedForm):
    """A mail client's own fields."""

    def clean_aliases(self) -> str:
        """Names, each once, separated alike."""
        return _names(self.cleaned_data["aliases"])

    def clean_platforms(self) -> str:
        """Names, each once, separated alike."""
        return _names(self.cleaned_data["platforms"])


class VersionForm(ModelForm):
    """A version of a client. Which of them is the default is checked by the formset, which sees all rows."""

    def validate_constraints(self) -> None:
        """Check all constraints but the one on the default: the database still holds the rows as they were.

        Django calls this from version 6.0 on.
        """
        try:
            self.instance.validate_constraints(exclude={"is_default"})
        except ValidationError as error:
            self.add_error(None, error)


def _names(typed: str) -> str:
    names = (name.strip() for name in typed.replace("、", ",").split(","))
    return ", ".join(dict.fromkeys(name for name in names if name))


def cause_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The classes of causes, by family."""
    families = groupby(sorted(CLASSES), key=lambda name: name.partition(".")[0])
    return [(family, [(name, name) for name in names]) for family, names in families]


class ClassForm(ModelForm):
    """A class that an article explains, chosen from the vocabulary."""

    name = forms.ChoiceField(label=_("class"), choices=cause_choices)


class PatternForm(VersionedForm):
    """A pattern must be one that RE2 can search with, and must find its own example."""

    cause = forms.ChoiceField(label=_("class"), choices=cause_choices)

    class Meta:
        model = ErrorPattern
        fields: list[str] | str = "__all__"
        widgets = {"pattern": SourceTextarea(rows=2), "example": SourceTextarea(rows=3)}

    def clean_pattern(self) -> str:
        """RE2 must be able to search with it."""
        pattern: str = self.cleaned_data["pattern"]
        try:
            check_pattern(pattern)
        except PatternFault as error:
            why = {"why": str(error)}
            raise ValidationError(_("This pattern cannot be used: %(why)s"), code="pattern", params=why) from error
        return pattern

    def clean(self) -> dict[str, Any] | None:
        """The pattern must find the example."""
        cleaned = super().clean()
        pattern, example = self.cleaned_data.get("pattern"), self.cleaned_data.get("example")
        if pattern and example and not finds_example(pattern, example):
            self.add_error("example", ValidationError(_("The pattern does not find this text."), code="example"))
        return cleaned
