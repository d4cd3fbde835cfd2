"""The history of an entry in the admin: who changed what and why, the difference to now, and bringing it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from reversion.errors import RevertError
from reversion.models import Version

from guides.admin import revisions

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class HistoryAdmin(ModelAdmin):
    """Makes each save a revision; lists, compares and restores them."""

    change_form_template = "admin/revisions/change_form.html"
    change_list_template = "admin/revisions/change_list.html"
    object_history_template = "admin/revisions/history.html"

    def get_urls(self) -> list[Any]:
        """Django's, with the comparison and what was deleted."""
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("deleted/", view(self.deleted_view), name=f"{name}_deleted"),
            path("deleted/<int:version>/", view(self.deleted_version_view), name=f"{name}_deleted_version"),
            path("<path:object_id>/history/<int:version>/", view(self.version_view), name=f"{name}_version"),
            *super().get_urls(),
        ]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A save is a revision, with the comment that was typed; a page of errors makes none."""
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        object_id = args[0] if args else kwargs.get("object_id")
        if object_id is not None and (row := self.get_object(request, unquote(object_id))) is not None:
            revisions.keep_current(row)
        with revisions.revision(_user(request), request.POST.get("revision_comment", "").strip()):
            return super().changeform_view(request, *args, **kwargs)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Keep it as it stands before."""
        revisions.keep_current(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The action that deletes several."""
        for row in queryset:
            revisions.keep_current(row)
        super().delete_queryset(request, queryset)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the revisions, beside Django's log."""
        row = self.get_object(request, unquote(object_id))
        versions = revisions.versions_of(row)[:200] if row is not None else []
        return super().history_view(request, object_id, {"versions": versions, **(extra_context or {})})

    def version_view(self, request: HttpRequest, object_id: str, version: int) -> HttpResponse:
        """The difference between a revision and now; a POST brings the revision back."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        kept = get_object_or_404(revisions.versions_of(row), pk=version)
        return self._compare(request, kept, row, may_restore=self.has_change_permission(request, row))

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """The deleted rows of this kind that can be brought back."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        context = self._context(request, _("Deleted")) | {"versions": revisions.deleted(self.model)[:200]}
        return TemplateResponse(request, "admin/revisions/deleted.html", context)

    def deleted_version_view(self, request: HttpRequest, version: int) -> HttpResponse:
        """A deleted row; a POST brings it back."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        kept = get_object_or_404(revisions.deleted(self.model), pk=version)
        return self._compare(request, kept, None, may_restore=True)

    def _compare(self, request: HttpRequest, kept: Version, row: Any, *, may_restore: bool) -> HttpResponse:
        if request.method == "POST":
            if not may_restore:
                raise PermissionDenied
            try:
                revisions.restore(kept, _user(request))
            except RevertError:
                self.message_user(
                    request, _("It refers to something that was deleted. Bring that back first."), messages.ERROR
                )
                return HttpResponseRedirect(request.path)
            self.message_user(request, _("Restored. What it replaced stays in the history."), messages.SUCCESS)
            return HttpResponseRedirect(
                reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[kept.object_id])
            )
        context = self._context(request, str(kept.object_repr)) | {
            "version": kept,
            "original": row,
            "differences": revisions.differences(kept, row),
            "may_restore": may_restore,
        }
        return TemplateResponse(request, "admin/revisions/version.html", context)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}


def _user(request: HttpRequest) -> Any:
    return request.user
