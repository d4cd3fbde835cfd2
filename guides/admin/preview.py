"""The preview of a text while it is written: as its page would show it, or its faults with their lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from guides.admin.forms import SourceTextarea
from guides.library.compiling import compile_into
from guides.mail.accounts import AddressError, Protocol, domain_to_ascii
from guides.markup import MESSAGES, MarkupError, Situation
from guides.models import ErrorArticle, Guide, GuideText, MailClient, Provider, ProviderText
from guides.models.texts import Language, Text, TextStatus
from guides.services.guide_page import filled


class PreviewedTextarea(SourceTextarea):
    """The text area of a text, with its preview below."""

    def __init__(self, url: str, versions: list[tuple[str, str]]) -> None:
        super().__init__()
        self.url = url
        self.versions = versions

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Beside what the preview may be chosen for."""
        context = {
            "name": name,
            "textarea": super().render(name, value, attrs, renderer),
            "url": self.url,
            "versions": self.versions,
            "protocols": [Protocol.IMAP, Protocol.POP3],
        }
        return mark_safe(render_to_string("admin/revisions/source.html", context))  # noqa: S308  # escaped there


def widget_for(request: HttpRequest, model: type[Text]) -> PreviewedTextarea:
    """The widget of `model`'s body on the admin page that is asked for."""
    match = request.resolver_match
    parent = match.kwargs.get("object_id", "") if match and match.url_name and "text" not in match.url_name else ""
    url = reverse(f"admin:guides_{model._meta.model_name}_preview") + f"?parent={parent}"
    text = match.kwargs.get("object_id", "") if match and not parent else ""
    versions = _versions(parent, text) if model is GuideText else []
    return PreviewedTextarea(url, versions)


def _versions(guide: str, text: str) -> list[tuple[str, str]]:
    client = MailClient.objects.filter(guide__pk=guide) if guide.isdigit() else MailClient.objects.none()
    if text.isdigit():
        client = MailClient.objects.filter(guide__texts__pk=text)
    found = client.prefetch_related("versions").first()
    return [(version.slug, version.name) for version in found.versions.all()] if found else []


@dataclass(frozen=True)
class _Typed:
    """What the form says of the text whose preview is wanted; names begin with those of its row."""

    request: HttpRequest
    field: str

    def of_text(self, name: str) -> str:
        return self.request.POST.get(self.field.removesuffix("body") + name, "")

    def chosen(self, name: str) -> str:
        return self.request.POST.get(f"{self.field}_{name}", "")

    def parent(self, name: str) -> str:
        """The key of the entry that the text belongs to: of the page, or of the field on a text's own page."""
        key = self.request.GET.get("parent", "") or self.request.POST.get(name, "")
        return key if key.isdigit() and len(key) < 19 else "0"


def respond(request: HttpRequest, model: type[Text]) -> HttpResponse:
    """A fragment with the text of a POST as its page would show it."""
    typed = _Typed(request, request.GET.get("field", "body"))
    language = typed.of_text("language")
    if language not in Language.values:
        language = Language.ENGLISH
    text = model(
        language=language, title=typed.of_text("title"), summary=typed.of_text("summary"), body=typed.of_text("body"),
        status=TextStatus.DRAFT,
    )  # fmt: skip
    _set_parent(text, typed)
    with translation.override(language):
        situation = _situation(text, typed)
        try:
            compile_into(text)
        except MarkupError as error:
            with translation.override(translation.get_language_from_request(request)):
                faults = [(fault.line, gettext(MESSAGES[fault.code]) % fault.params) for fault in error.faults]
                return render(request, "admin/revisions/preview.html", {"faults": faults})
        body = filled(text, situation)
        page = render(request, "admin/revisions/previewed.html", {"text": text, "body": body}).content.decode()
    return render(request, "admin/revisions/preview.html", {"page": page, "title": gettext("Preview")})


def _set_parent(text: Text, typed: _Typed) -> None:
    if isinstance(text, GuideText):
        client = typed.request.POST.get("client", "")
        new = Guide(client_id=int(client) if client.isdigit() and len(client) < 19 else None)
        text.guide = Guide.objects.filter(pk=typed.parent("guide")).first() or new
    elif isinstance(text, ProviderText):
        text.provider = Provider.objects.with_settings().filter(pk=typed.parent("provider")).first() or Provider()
    else:
        text.article = ErrorArticle.objects.filter(pk=typed.parent("article")).first() or ErrorArticle()  # type: ignore[attr-defined]


def _situation(text: Text, typed: _Typed) -> Situation:
    protocol = Protocol.POP3 if typed.chosen("protocol") == Protocol.POP3 else Protocol.IMAP
    version = typed.chosen("version")
    try:
        domain = domain_to_ascii(typed.chosen("domain").strip().rpartition("@")[2])
    except AddressError:
        domain = ""
    key = Provider.objects.id_for(domain) if domain else None
    provider = Provider.objects.with_settings().filter(pk=key).first() if key else None
    if provider is None and isinstance(text, ProviderText) and text.provider.pk:
        provider = text.provider
        first = provider.domains.first()
        domain = first.domain if first else ""
    if provider is None:
        return Situation.for_unknown(domain, protocol, version)
    return Situation(provider.account(domain), protocol, version, app_name=provider.app_name)
