"""What staff see of imported autoconfig files, and how they put a wrong one right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from guides.admin.entries import ModelAdmin
from guides.admin.forms import DomainRowForm, VersionedForm
from guides.admin.inlines import SERVER_FIELDS
from guides.library_cache import raise_version
from guides.mail.accounts import AddressError, domain_to_ascii
from guides.mail.discovery.autoconfig import DOMAIN_PLACEHOLDER
from guides.models import IspdbDomain, IspdbEntry, IspdbServer

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline


class IspdbServerForm(DomainRowForm):
    """A server of an autoconfig file: its host may hold the domain's placeholder."""

    def is_no_name(self, typed: str) -> bool:
        """Whether it becomes a host name with a domain filled in."""
        filled = typed.replace(DOMAIN_PLACEHOLDER, "example.com")
        try:
            return filled != typed and domain_to_ascii(filled) == filled
        except AddressError:
            return False


class IspdbDomainInline(TabularInline):
    """The domains that an entry is about."""

    model = IspdbDomain
    form = DomainRowForm
    fields = ["domain"]
    extra = 0


class IspdbServerInline(TabularInline):
    """The servers that an entry names."""

    model = IspdbServer
    form = IspdbServerForm
    fields = SERVER_FIELDS
    extra = 0


@admin.register(IspdbEntry)
class IspdbEntryAdmin(ModelAdmin):
    """Imported entries. What staff change stays, whatever the next import brings."""

    form = VersionedForm
    save_on_top = True
    fields = [
        "source", "name", "is_used", "is_kept", "is_doubtful", "must_enable", "enable_url", "help_url", "sources",
        "doubts", "seen_version",
    ]  # fmt: skip
    list_display = ["source", "name", "domain_count", "is_shipped", "is_doubtful", "is_used", "is_kept"]
    list_filter = ["is_shipped", "is_doubtful", "is_used", "is_kept"]
    search_fields = ["source", "name", "domains__domain", "servers__host"]
    inlines = [IspdbServerInline, IspdbDomainInline]

    class Media:
        css = {"all": ["css/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the number of domains."""
        rows: QuerySet[Any] = super().get_queryset(request).annotate(domain_total=Count("domains", distinct=True))
        return rows

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The file that an entry stands for never changes."""
        return ["source"] if obj else []

    @admin.display(description=_("domains"), ordering="domain_total")
    def domain_count(self, entry: Any) -> int:
        """How many domains it is about."""
        return int(entry.domain_total)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Mark what staff changed, unless they have just said themselves whether it is to be kept."""
        super().save_related(request, form, formsets, change)
        if "is_kept" in form.changed_data:
            return
        if not change or form.changed_data or any(formset.has_changed() for formset in formsets):
            IspdbEntry.objects.filter(pk=form.instance.pk).update(is_kept=True)
            raise_version()
