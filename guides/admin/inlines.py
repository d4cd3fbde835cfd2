"""The rows that are edited on the page of what they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from guides.admin import preview
from guides.admin.forms import ClassForm, DomainRowForm, PatternForm, ServerForm, SuffixForm, TextForm, VersionForm
from guides.library.compiling import wants_steps
from guides.markup import MESSAGES, MarkupError, compile_text
from guides.models import (
    ArticleClass,
    ClientVersion,
    ErrorPattern,
    ErrorText,
    FormerArticle,
    GuideText,
    Provider,
    ProviderDomain,
    ProviderServer,
    ProviderText,
    SuffixRule,
)

if TYPE_CHECKING:
    StackedInline = admin.StackedInline[Any, Any]
    TabularInline = admin.TabularInline[Any, Any]
    InlineFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    StackedInline, TabularInline, InlineFormSet = admin.StackedInline, admin.TabularInline, BaseInlineFormSet

SERVER_FIELDS: list[Any] = [
    "position", "protocol", "host", "port", "security", "username", "username_template", "password_login",
    "oauth2_login",
]  # fmt: skip
PREVIEW_SCRIPTS = ["vendor/htmx-4.0.1.min.js", "js/admin-preview.js"]
TEXT_FIELDS: list[Any] = ["language", "title", "summary", "body", "status", "sources", "checked_on", "seen_version"]


class TextInline(StackedInline):
    """The texts of an entry, one for each language."""

    form = TextForm
    fields = TEXT_FIELDS
    extra = 0
    show_change_link = True
    view_on_site = False  # the page of what the texts belong to has the link, once there is something to read

    class Media:
        js = PREVIEW_SCRIPTS

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The body has its preview below."""
        if db_field.name == "body":
            kwargs["widget"] = preview.widget_for(request, self.model)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class ProviderTextInline(TextInline):
    """What must be done first at a provider."""

    model = ProviderText
    fields = ["language", "password_name", "username_name", *TEXT_FIELDS[1:]]


class GuideTextInline(TextInline):
    """A guide's texts."""

    model = GuideText


class ErrorTextInline(TextInline):
    """An article's texts."""

    model = ErrorText


class DomainInline(TabularInline):
    """A provider's domains."""

    model = ProviderDomain
    form = DomainRowForm
    fields = ["domain"]
    extra = 0


class SuffixRuleInline(TabularInline):
    """A provider's rules for everything below a suffix."""

    model = SuffixRule
    form = SuffixForm
    fields = ["kind", "suffix"]
    extra = 0


class ServerFormSet(InlineFormSet):
    """Tells each server's form of its provider as it will be."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        """With the provider."""
        return {**super().get_form_kwargs(index), "provider": self.instance}


class ServerInline(TabularInline):
    """A provider's servers."""

    model = ProviderServer
    formset = ServerFormSet
    form = ServerForm
    fields = SERVER_FIELDS
    extra = 0


class VersionFormSet(InlineFormSet):
    """One default, and no version taken away that a text of the client's guide speaks of."""

    def clean(self) -> None:
        """Judge the versions as they will be together."""
        super().clean()
        if any(self.errors):
            return
        kept = [form.cleaned_data for form in self._kept()]
        if kept and sum(bool(row.get("is_default")) for row in kept) != 1:
            raise ValidationError(_("Exactly one version is the one shown unless another is chosen."), code="default")
        versions = {row["slug"] for row in kept}
        if versions != set(ClientVersion.objects.filter(client=self.instance.pk).values_list("slug", flat=True)):
            self._judge_texts(versions)

    def save(self, commit: bool = True) -> list[Any]:
        """Take the mark off the old default first: rows are saved one by one, and the database allows one mark."""
        default = [form.instance.pk for form in self._kept() if form.cleaned_data["is_default"]]
        ClientVersion.objects.filter(client=self.instance.pk).exclude(pk__in=default).update(is_default=False)
        return super().save(commit)

    def _kept(self) -> list[Any]:
        return [form for form in self.forms if form.cleaned_data and form not in self.deleted_forms]

    def _judge_texts(self, versions: set[str]) -> None:
        """The client's guide must stay readable with these versions."""
        providers = list(Provider.objects.values_list("slug", flat=True))
        faults = []
        for text in GuideText.objects.filter(guide__client=self.instance.pk):
            try:
                compile_text(text.body, versions=versions, providers=providers, require_steps=wants_steps(text))
            except MarkupError as error:
                for fault in error.faults:
                    words = gettext("With these versions, line %(line)s of “%(text)s” would be wrong: %(what)s")
                    what = gettext(MESSAGES[fault.code]) % fault.params
                    params = {"line": fault.line, "text": str(text), "what": what}
                    faults.append(ValidationError(words, code="text", params=params))
        if faults:
            raise ValidationError(faults)


class VersionInline(TabularInline):
    """A mail client's versions."""

    model = ClientVersion
    formset = VersionFormSet
    form = VersionForm
    fields = ["position", "slug", "name_ja", "name_en", "name_ru", "is_default"]
    extra = 0


class ClassInline(TabularInline):
    """The classes of causes that an article explains."""

    model = ArticleClass
    form = ClassForm
    fields = ["name"]
    extra = 0


class FormerInline(TabularInline):
    """The short names of articles that were merged into this one."""

    model = FormerArticle
    fields = ["slug"]
    extra = 0


class PatternInline(StackedInline):
    """The patterns that lead to an article."""

    model = ErrorPattern
    form = PatternForm
    fields = [
        "name",
        "pattern",
        "example",
        "cause",
        "owner",
        "provider",
        "protocol",
        "stage",
        "priority",
        "source",
        "seen_version",
    ]
    extra = 0
    show_change_link = True
