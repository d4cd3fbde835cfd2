"""A pasted error text or bounce, explained: who can fix it first, then what it is, then what to do."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from guides.forms import NOT_TEXT, PASTE_BYTES, TOO_LARGE, PasteForm
from guides.limits.counters import RateLimited
from guides.limits.explanation_semaphore import explaining
from guides.mail.accounts import AddressError, domain_to_ascii
from guides.mail.diagnosis.explain import Explanation, NotTextError
from guides.mail.diagnosis.judging import GUESS_BELOW, HIGH, Cause
from guides.mail.diagnosis.shown import Segment, shown
from guides.mail.outcomes import Owner
from guides.models import ErrorArticle, ErrorText, ProviderDomain
from guides.models.texts import ListedText
from guides.search.guessing import guesses
from guides.services import unexplained
from guides.services.explaining import explained
from guides.services.guide_page import filled
from guides.views import labels
from guides.views.error_pages import read_past
from guides.views.errors import index_context
from guides.views.refusals import status_of, with_retry_after, words_of
from guides.views.visitor import VisitorContext, language

# What a form's own packaging may add to a megabyte.
_PACKAGING = 20_000
# Causes that the connection test can look into.
_TESTABLE = frozenset(
    {"input", "dns", "tcp", "tls", "greet", "cap", "auth", "mbox", "net", "generic", "cross", "unknown"}
)
_TESTABLE_CLASSES = frozenset(
    {"smtp.auth_required", "smtp.starttls_first", "smtp.relay_denied", "smtp.sender_not_owned"}
)
_STEP = '<li class="step"'
_MOST_STEPS = 3
_HOST_FIELDS = (("imap", "imap_host"), ("pop", "pop3_host"), ("smtp", "smtp_host"))


@dataclass(frozen=True, slots=True)
class CausePart:
    """One cause as the page shows it."""

    owner: str | Promise
    title: str
    summary: str
    url: str
    segments: tuple[Segment, ...]
    how_sure: str | Promise
    whys: tuple[str | Promise, ...]
    code: str
    sure: bool
    harmless: bool
    other_owner: bool  # somebody else is told to act than in the first cause


@dataclass(frozen=True, slots=True)
class RecipientPart:
    """One recipient of a bounce."""

    address: str
    title: str


@csrf_exempt  # guarded by helpdesk.middleware.same_origin_posts: readers get no cookie
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def find(request: HttpRequest) -> HttpResponse:
    """Explain what was pasted. Nothing of it is stored, logged or put into a URL.

    What finds nothing is counted by its shape, without addresses, hosts, ids and numbers.
    """
    if request.method != "POST":
        return redirect("errors")
    request.page_path = reverse("errors")  # type: ignore[attr-defined]
    form = _form_of(request)
    if not form.is_valid():
        return _refused(request, form)
    try:
        with explaining():
            found = explained(form.cleaned_data["source"])
            context = _context(found)
            if not found.causes:
                unexplained.note_pasted(form.cleaned_data["source"])
                context["guesses"] = guesses(form.cleaned_data["source"], language())
    except NotTextError as fault:
        form.add_error(form.cleaned_data["field"], NOT_TEXT[str(fault)])
        return _refused(request, form)
    except RateLimited as refusal:
        form.add_error(form.cleaned_data["field"], words_of(refusal))
        return with_retry_after(_refused(request, form, status_of(refusal)), refusal)
    response = render(request, "explained.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _form_of(request: HttpRequest) -> PasteForm:
    """The form that was sent; what is far too large is read past and not kept."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > PASTE_BYTES + _PACKAGING:
        read_past(request)
        return _too_large()
    return PasteForm(request.POST, files=request.FILES)


def _too_large() -> PasteForm:
    form = PasteForm({})
    form.full_clean()
    form.errors.clear()
    form.add_error("text", TOO_LARGE)
    return form


def _refused(request: HttpRequest, form: PasteForm, status: int = 422) -> HttpResponse:
    """The page again with what is wrong, and without what was pasted: it may hold a password."""
    form.data = {}
    response = render(request, "errors.html", index_context(form), status=status)
    response["Cache-Control"] = "no-store"
    return response


def _context(found: Explanation) -> dict[str, object]:
    domain, provider_domain = _visitors_domain(found)
    shown_causes = _with_articles_once(found.causes)
    slugs = {cause.article for cause in found.causes}
    named = ErrorArticle.objects.published().filter(slug__in=slugs)
    texts = {text.slug: text for text in ErrorText.objects.for_list(language(), named)}
    titles = {cause.name: texts[cause.article].title for cause in found.causes if cause.article in texts}
    bounce = found.bounce
    return {
        "parts": [_part(cause, texts.get(cause.article), domain, shown_causes[0].owner) for cause in shown_causes],
        "steps": _first_steps(shown_causes[0].article, domain) if shown_causes else (),
        "kind": labels.KINDS[bounce.kind] if bounce else "",
        "recipients": [RecipientPart(r.address, titles.get(r.cause, "")) for r in bounce.recipients] if bounce else [],
        "domain": domain,
        "provider_domain": provider_domain,
        "test_url": _test_url(found, domain),
        "form": PasteForm(),
    }


def _first_steps(slug: str, domain: str) -> tuple[SafeString, ...]:
    """The first steps of an article, at most three and never the last, for the visitor's provider where it is known."""
    text = ErrorText.objects.filter(article__slug=slug).published().in_reading_order(language()).first()
    if text is None or text.language != language():
        return ()
    pieces = str(filled(text, VisitorContext.load(domain).situation())).split(_STEP)[1:-1][:_MOST_STEPS]
    return tuple(mark_safe(f"{_STEP}{piece}") for piece in pieces)  # noqa: S308  # whole items of a safe list


def _with_articles_once(causes: tuple[Cause, ...]) -> list[Cause]:
    """The causes without those whose article a likelier one names already: they would tell people the same twice."""
    first: dict[str, Cause] = {}
    for cause in causes:
        first.setdefault(cause.article or cause.name, cause)
    return list(first.values())


def _part(cause: Cause, text: ListedText | None, domain: str, first_owner: Owner) -> CausePart:
    harmless = cause.name.startswith("auto.") and cause.owner is Owner.NOBODY
    url = ""
    if text is not None:
        url = reverse("error", args=[text.slug]) + (f"?{urlencode({'at': domain})}" if domain else "")
    sure = cause.confidence >= HIGH
    return CausePart(
        owner=labels.NOTHING_TO_DO if harmless else labels.OWNERS[cause.owner],
        title=text.title if text else "",
        summary=text.summary if text else "",
        url=url,
        segments=shown(cause),
        how_sure=labels.SURE if sure else labels.LIKELY if cause.confidence >= GUESS_BELOW else labels.A_GUESS,
        whys=tuple(labels.WHYS[why] for why in cause.why),
        code=cause.code,
        sure=sure,
        harmless=harmless,
        other_owner=cause.owner is not first_owner,
    )


def _visitors_domain(found: Explanation) -> tuple[str, str]:
    """The visitor's own domain as far as it was recognised, and the same when its provider's settings are known."""
    try:
        domain = domain_to_ascii(found.domain) if found.domain else ""
    except AddressError:
        domain = ""
    known = ProviderDomain.objects.filter(domain=domain).exists() if domain else False
    if not known and found.provider and not found.bounce:
        own = ProviderDomain.objects.filter(provider__slug=found.provider).order_by("pk").first()
        if own is not None:
            return own.domain, own.domain
    return domain, domain if known else ""


def _test_url(found: Explanation, domain: str) -> str:
    """The connection test with what was recognised filled in; "" when it could not help."""
    names = [cause.name for cause in found.causes]
    if names and not any(name.partition(".")[0] in _TESTABLE or name in _TESTABLE_CLASSES for name in names):
        return ""
    query = {"at": domain} if domain else {}
    if not found.bounce:
        for start, field in _HOST_FIELDS:
            host = next((host for host in found.hosts if host.startswith(start)), "")
            if host:
                query[field] = host
    return reverse("test") + (f"?{urlencode(query)}" if query else "")
