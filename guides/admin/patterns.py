"""Error patterns, and the work list that they are made from: the shapes of texts that found nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from guides.admin.entries import EntryAdmin
from guides.admin.forms import PatternForm
from guides.admin.pattern_notes import in_way, tell
from guides.library.pattern_conflicts import matched_words, shadows_of
from guides.mail.diagnosis.patterns import MAX_EXPRESSION
from guides.models import ErrorPattern, UnexplainedText
from guides.services import unexplained

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

_LEFT_OUT = re.compile(r"<[a-z ]+>|#")  # what a shape has in the place of an address, a host, an id, a number
_SPECIAL = re.compile(r"[\\.^$*+?()\[\]{}|]")


@admin.register(ErrorPattern)
class ErrorPatternAdmin(EntryAdmin):
    """Patterns, each with what it finds in its test text and what is in its way."""

    form = PatternForm
    list_display = ["name", "article", "cause", "provider", "protocol", "stage", "priority"]
    list_select_related = ["article", "provider"]
    list_filter = ["protocol", "stage", "provider"]
    search_fields = ["name", "pattern", "example", "cause", "article__slug", "provider__name"]
    autocomplete_fields = ["article", "provider"]
    readonly_fields = ["finds", "collides"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new pattern for a text that found nothing: the text is the test text, and its first line the pattern."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        text = _made_from(request)
        return initial | ({"example": text.shape, "pattern": suggested(text.shape)} if text else {})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Say what it finds, and take what it explains from the work list."""
        super().save_model(request, obj, form, change)
        tell(request, obj)
        text = _made_from(request)
        if text is not None and not change:
            text.delete()
        unexplained.forget_found(obj.pattern)

    @admin.display(description=_("finds"))
    def finds(self, row: ErrorPattern) -> str:
        """The words of the test text that the stored pattern finds."""
        return format_html("<mark>{}</mark>", matched_words(row)) if row.pk else "—"

    @admin.display(description=_("in its way"))
    def collides(self, row: ErrorPattern) -> str:
        """Patterns that shadow the stored one, or are shadowed by it."""
        notes = in_way(row, shadows_of(row)) if row.pk else []
        return format_html_join(" ", "{}", ((note,) for note in notes)) or "—"


def _made_from(request: HttpRequest) -> UnexplainedText | None:
    """The text of the work list that the page was opened for."""
    key = request.GET.get("unexplained", "")
    return UnexplainedText.objects.filter(pk=key).first() if key.isascii() and key.isdigit() and len(key) < 19 else None


def suggested(shape: str) -> str:
    """A pattern that finds a shape: its first line that says something, with anything where something was left out."""
    lines = [line.strip() for line in shape.splitlines()]
    line = max(lines[:5], key=lambda each: sum(map(str.isalpha, _LEFT_OUT.sub("", each))), default="")
    words = [part.strip() for part in _LEFT_OUT.split(line)]
    expression = "(?i)" + ".*".join(_SPECIAL.sub(r"\\\g<0>", part) for part in words if part)
    return expression[:MAX_EXPRESSION].rstrip("\\")


@admin.register(UnexplainedText)
class UnexplainedTextAdmin(ModelAdmin):
    """Texts that found nothing, the most frequent first. The portal writes them; staff make patterns of them."""

    list_display = ["shape_start", "make_pattern", "count", "first_seen", "last_seen"]
    search_fields = ["shape"]
    readonly_fields = ["shape", "count", "first_seen", "last_seen", "make_pattern"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without what is kept no longer."""
        unexplained.forget()
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows

    @admin.display(description=_("text, without what is personal"))
    def shape_start(self, row: UnexplainedText) -> str:
        """The first words."""
        return f"{row.shape[:120]}…" if len(row.shape) > 120 else row.shape

    @admin.display(description="")
    def make_pattern(self, row: UnexplainedText) -> str:
        """A link to a new pattern with everything filled in that is known."""
        url = f"{reverse('admin:guides_errorpattern_add')}?unexplained={row.pk}"
        return format_html('<a class="addlink" href="{}">{}</a>', url, _("Make a pattern"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only the portal writes here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only the portal writes here."""
        return False
