"""The admin's pages, one class for each model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from guides.admin import inlines, preview
from guides.admin.forms import ClientForm, ProviderForm, TextForm, VersionedForm
from guides.admin.history import HistoryAdmin
from guides.admin.pattern_notes import tell
from guides.library_cache import raise_version
from guides.models import (
    ErrorArticle,
    ErrorPattern,
    ErrorText,
    Guide,
    GuideText,
    LoadedEntry,
    MailClient,
    Provider,
    ProviderText,
)
from guides.models.texts import TextStatus
from guides.search import index
from guides.services import unexplained

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class EntryAdmin(HistoryAdmin):
    """What all entries share: their short name is their address and their file's name, so it never changes."""

    form = VersionedForm
    save_on_top = True

    class Media:
        css = {"all": ["css/admin.css"]}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """A provider with a hundred domains is put into the search index once, not once for each of them."""
        with index.gathered():
            super().save_related(request, form, formsets, change)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The short name can be chosen once."""
        fixed = ["slug"] if obj is not None and hasattr(obj, "slug") else []
        return [*super().get_readonly_fields(request, obj), *fixed]


class WithTexts(EntryAdmin):
    """An entry with texts and a page of its own."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With its texts, for the column of languages."""
        return super().get_queryset(request).prefetch_related("texts")

    @admin.display(description=_("published in"))
    def languages(self, entry: Any) -> str:
        """The languages that visitors can read it in."""
        return " ".join(text.language for text in entry.texts.all() if text.status == TextStatus.PUBLISHED) or "—"

    def view_on_site(self, entry: Any) -> str | None:
        """Its page, once there is something to read."""
        published = entry.texts.filter(status=TextStatus.PUBLISHED).exists()
        return entry.get_absolute_url() if published else None


@admin.register(Provider)
class ProviderAdmin(EntryAdmin):
    """Providers with their domains, servers and notices."""

    form = ProviderForm
    list_display = ["name", "slug", "password", "is_own", "domain_count", "confidence", "checked_on", "position"]
    list_filter = ["is_own", "password", "must_enable", "confidence", "checked_on"]
    actions = ["mark_as_own", "mark_as_foreign"]
    search_fields = ["name", "slug", "domains__domain", "suffix_rules__suffix", "servers__host"]
    inlines = [inlines.ServerInline, inlines.ProviderTextInline, inlines.SuffixRuleInline, inlines.DomainInline]
    fieldsets = [
        (None, {"fields": ["name", "slug", "position", "is_own", "seen_version"]}),
        (_("Password"), {"fields": ["password", "password_pattern", "must_enable"]}),
        (
            _("Pages"),
            {
                "fields": [
                    "signup_url",
                    "webmail_url",
                    "help_url",
                    "password_url",
                    "enable_url",
                    "app_name",
                    "app_ios_url",
                    "app_android_url",
                ]
            },
        ),
        (_("How sure it is"), {"fields": ["confidence", "checked_on", "sources", "doubts"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the number of domains."""
        rows: QuerySet[Any] = super().get_queryset(request).annotate(domain_total=Count("domains", distinct=True))
        return rows

    def view_on_site(self, provider: Any) -> str | None:
        """The settings of one of its domains."""
        domain = provider.domains.first()
        return reverse("settings-domain", args=[domain.domain]) if domain else None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """An own domain needs the portal's public address: say so where it is missing."""
        super().save_model(request, obj, form, change)
        if obj.is_own:
            self._warn_without_address(request)

    def _warn_without_address(self, request: HttpRequest) -> None:
        if not settings.BASE_URL:
            words = _("Mail programs can be led to this portal only when the setting BASE_URL has its public address.")
            self.message_user(request, words, messages.WARNING)

    @admin.action(description=_("Mark as the operator's own"), permissions=["change"])
    def mark_as_own(self, request: HttpRequest, providers: QuerySet[Provider]) -> None:
        """Mail clients are served on the host names of their domains."""
        self._mark(request, providers, own=True)
        self._warn_without_address(request)

    @admin.action(description=_("Mark as not the operator's own"), permissions=["change"])
    def mark_as_foreign(self, request: HttpRequest, providers: QuerySet[Provider]) -> None:
        """The other way."""
        self._mark(request, providers, own=False)

    @transaction.atomic
    def _mark(self, request: HttpRequest, providers: QuerySet[Provider], *, own: bool) -> None:
        for provider in providers.exclude(is_own=own):
            # A save of its own kind: who has the page open must learn of it.
            Provider.objects.filter(pk=provider.pk).update(is_own=own, version=F("version") + 1)
            words = _("Marked as the operator's own.") if own else _("Marked as not the operator's own.")
            self.log_change(request, provider, str(words))
        raise_version()

    @admin.display(description=_("domains"), ordering="domain_total")
    def domain_count(self, provider: Any) -> int:
        """How many domains are theirs."""
        return int(provider.domain_total)


@admin.register(MailClient)
class MailClientAdmin(EntryAdmin):
    """Mail clients with their versions."""

    form = ClientForm
    list_display = ["name", "slug", "platforms", "speaks_imap", "speaks_pop3", "speaks_oauth2", "retired", "position"]
    list_filter = ["speaks_imap", "speaks_pop3", "speaks_oauth2", "retired"]
    search_fields = ["name", "slug", "aliases", "versions__slug", "versions__name_en"]
    inlines = [inlines.VersionInline]


@admin.register(Guide)
class GuideAdmin(WithTexts):
    """Guides with their texts."""

    list_display = ["slug", "kind", "client", "languages", "position"]
    list_select_related = ["client"]
    list_filter = ["kind", "texts__status", "texts__language"]
    search_fields = ["slug", "client__name", "client__aliases", "texts__title"]
    autocomplete_fields = ["client"]
    inlines = [inlines.GuideTextInline]


@admin.register(ErrorArticle)
class ErrorArticleAdmin(WithTexts):
    """Error articles with their classes, patterns and texts."""

    list_display = ["slug", "symptom", "owner", "languages", "position"]
    list_filter = ["symptom", "owner", "texts__status", "texts__language"]
    search_fields = ["slug", "classes__name", "patterns__name", "texts__title"]
    inlines = [inlines.ClassInline, inlines.ErrorTextInline, inlines.PatternInline, inlines.FormerInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Say of each pattern that was saved what it finds and what is in its way."""
        super().save_formset(request, form, formset, change)
        if formset.model is ErrorPattern:
            for pattern in [*formset.new_objects, *(row for row, _fields in formset.changed_objects)]:
                tell(request, pattern)
                unexplained.forget_found(pattern.pattern)


class TextAdmin(EntryAdmin):
    """A text by itself."""

    form = TextForm

    class Media:
        js = inlines.PREVIEW_SCRIPTS

    def get_urls(self) -> list[Any]:
        """With the preview."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        return [path("preview/", self.admin_site.admin_view(self.preview), name=name), *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """A text that is not saved yet, as its page would show it."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return preview.respond(request, self.model)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The body has its preview below."""
        if db_field.name == "body":
            kwargs["widget"] = preview.widget_for(request, self.model)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    readonly_fields = ["version", "updated_at"]
    list_filter = ["status", "language", "checked_on"]

    def view_on_site(self, text: Any) -> str | None:
        """Its page in its own language, where it has one that visitors can read."""
        if text.status != TextStatus.PUBLISHED or not hasattr(text, "get_absolute_url"):
            return None
        return str(text.get_absolute_url())


@admin.register(GuideText)
class GuideTextAdmin(TextAdmin):
    """Texts of guides."""

    list_display = ["title", "guide", "language", "status", "checked_on", "updated_at"]
    list_select_related = ["guide"]
    search_fields = ["title", "summary", "body", "guide__slug"]
    autocomplete_fields = ["guide"]


@admin.register(ErrorText)
class ErrorTextAdmin(TextAdmin):
    """Texts of error articles."""

    list_display = ["title", "article", "language", "status", "checked_on", "updated_at"]
    list_select_related = ["article"]
    search_fields = ["title", "summary", "body", "article__slug"]
    autocomplete_fields = ["article"]


@admin.register(ProviderText)
class ProviderTextAdmin(TextAdmin):
    """Notices about providers."""

    list_display = ["title", "provider", "language", "status", "checked_on", "updated_at"]
    list_select_related = ["provider"]
    search_fields = ["title", "summary", "body", "provider__name", "provider__domains__domain"]
    autocomplete_fields = ["provider"]


@admin.register(LoadedEntry)
class LoadedEntryAdmin(ModelAdmin):
    """What was loaded from files. Removing a row makes the next load bring back what staff deleted."""

    list_display = ["key", "source"]
    list_filter = ["source"]
    search_fields = ["key"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only the loader writes here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only the loader writes here."""
        return False
