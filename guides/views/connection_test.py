"""The connection test: the form, the stream of stages, and one whole page where there is no JavaScript."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from guides.forms import ConnectionForm
from guides.library_cache import pinned_version
from guides.limits import proof_of_work
from guides.limits.counters import RateLimited
from guides.limits.rate_limits import RateLimitHold, acquire_test, count_lookup, visitor_name
from guides.limits.shared_cache import Refused
from guides.limits.test_slot import TestSlot, working
from guides.mail.accounts import Address, PasswordKind, Protocol, Server, UsernameForm
from guides.mail.connection.password_format import example_password, matches_format
from guides.mail.connection.test import TestPlan
from guides.mail.secret import Secret
from guides.services import articles, discovering
from guides.taken_form import taken_form
from guides.views import labels, retries
from guides.views.host_ownership import hidden_hosts, must_look_up, stated_hosts
from guides.views.refusals import status_of, with_retry_after, words_of
from guides.views.result_page import TestPage
from guides.views.result_stream import EVENT_STREAM, EventStream, GrowingPage, RunningTest
from guides.views.visitor import DomainField, VisitorContext, language
from guides.views.warnings import server_warnings

# Providers whose mailboxes no password opens from here -> the class that says why.
EXPLAINED = {
    PasswordKind.OAUTH2: "input.oauth_only",
    PasswordKind.BRIDGE: "input.bridge",
    PasswordKind.NONE: "auth.plan",
}

_GAP = "\ue000result\ue001"  # private characters, which no template has

# The limits beyond which a proof of work leads; the others protect mailboxes and servers from the portal itself.
PROVABLE = ("visitor_hour", "visitor_day")


@csrf_exempt  # guarded by helpdesk.middleware.same_origin_posts: readers get no cookie
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """The test's form; a POST runs the test."""
    request.page_path = reverse("test")  # type: ignore[attr-defined]
    if request.method == "POST":
        with pinned_version():
            return _run(request)
    at = DomainField.read(request.GET.get("at", ""))
    confirmed = request.GET.get("confirmed", "")
    visitor = VisitorContext.load(at.domain, confirmed=confirmed)
    is_token = visitor.account.password is PasswordKind.OAUTH2
    form = ConnectionForm(initial=ConnectionForm.named_in(request.GET) | {"confirmed": confirmed, "is_token": is_token})
    warnings = server_warnings(_usual_servers(visitor, wants_pop3=False))
    return render(request, "test.html", _context(form, visitor) | {"warnings": warnings})


@sensitive_variables()
def _run(request: HttpRequest) -> HttpResponseBase:
    taken = taken_form(request)
    secret = taken.secret
    with working():
        form = ConnectionForm(taken.fields, secret=secret, password_fault=taken.password_fault)
        valid = form.is_valid()
        address = form.cleaned_data.get("address")
        confirmed = form.cleaned_data.get("confirmed", "")
        visitor = VisitorContext.load(address.domain, address, confirmed=confirmed) if address else VisitorContext()
    if not valid or secret is None:
        return _with_form(request, form, visitor)
    by_hand = form.servers_by_hand()
    if not by_hand and not visitor.is_settled:
        try:
            visitor = _looked_up(request, form.cleaned_data["address"], confirmed)
        except Refused as refusal:
            return _over_limit(request, form, visitor, refusal)
    if by_hand and must_look_up(visitor, by_hand):
        with suppress(Refused):  # then they stay hidden
            visitor = _looked_up(request, form.cleaned_data["address"], confirmed, tells_address=False)
    by_hand = tuple(map(visitor.account.with_rules, by_hand))
    servers = by_hand or _usual_servers(visitor, wants_pop3=form.cleaned_data["pop3"])
    if not servers and visitor.needs_confirmation:
        form.add_error("confirmed", _("First confirm below where your mailbox is."))
        return _with_form(request, form, visitor)
    if not servers:
        form.add_error(*_nothing_to_test(visitor))
        return _with_form(request, form, visitor)
    if any(server.asks_for_username for server in servers) and not form.cleaned_data["username"]:
        form.add_error(
            "username", _("It is not in the address. Enter this one: %(name)s.") % {"name": _name_of(visitor)}
        )
        return _with_form(request, form, visitor)
    provider = visitor.provider
    plan = TestPlan(
        address=form.cleaned_data["address"],
        servers=servers,
        username=form.cleaned_data["username"] or None,
        password=visitor.account.password,
        provider=provider.slug if provider else None,
        password_pattern=provider.password_pattern if provider else "",
        hidden_hosts=hidden_hosts(visitor, by_hand),
        known_servers=visitor.account.servers,
        stated_hosts=stated_hosts(visitor),
        token=form.cleaned_data["is_token"],
    )
    if form.cleaned_data["deliver"]:
        if not plan.can_deliver:
            form.add_error("deliver", _("This needs an IMAP and an SMTP server."))
            return _with_form(request, form, visitor)
        if not plan.signs_in_as_address:
            words = _("The message can go only to the mailbox of this user name. The user name is not this address.")
            form.add_error("deliver", words)
            return _with_form(request, form, visitor)
        plan = replace(plan, deliver=True)
    if not (plan.token or form.cleaned_data["anyway"] or matches_format(plan.password_pattern, secret)):
        form.doubt(labels.doubt(visitor))
        return _with_form(request, form, visitor)
    return _acquire_and_answer(request, plan, secret, visitor, form)


@sensitive_variables()
def _acquire_and_answer(
    request: HttpRequest, plan: TestPlan, secret: Secret, visitor: VisitorContext, form: ConnectionForm
) -> HttpResponseBase:
    """Pass the limits, and run the test. Where all is known already no server is asked, and nothing counts."""
    slot: TestSlot | None = None
    hold: RateLimitHold | None = None
    try:
        with working():
            slot = TestSlot.check(plan, visitor_name(request.META["REMOTE_ADDR"]))
            if slot.must_connect:
                hold = _acquire_test(request, plan, form)
        if hold is not None:
            slot.acquire()
        if hold is not None and not slot.must_connect:
            hold.refund()
            hold = None
        return _answer(request, plan, secret, hold, slot, visitor, form)
    except Refused as refusal:
        if slot is not None:
            slot.close()
        if hold is not None:
            hold.refund()
        return _over_limit(request, form, visitor, refusal)
    except BaseException:
        if slot is not None:
            slot.close()
        if hold is not None:
            hold.release()
        raise


def _acquire_test(request: HttpRequest, plan: TestPlan, form: ConnectionForm) -> RateLimitHold:
    """Within the visitor's rate limit, or beyond it with a proof of work. Raises Refused."""
    logins = [(plan.username_on(server) or "", server.host) for server in plan.servers]
    visitor_ip = request.META["REMOTE_ADDR"]
    try:
        return acquire_test(visitor_ip, logins)
    except RateLimited as refusal:
        solution = form.data.get("proof", "")
        if refusal.limit not in PROVABLE or not proof_of_work.is_solved(solution, visitor_name(visitor_ip)):
            raise
    request.has_proven = True  # type: ignore[attr-defined]
    return acquire_test(visitor_ip, logins, proven=True)


def _name_of(visitor: VisitorContext) -> str:
    """What to enter where the user name is no part of the address."""
    return visitor.username_name or str(labels.USERNAMES[UsernameForm.OTHER])


def _looked_up(request: HttpRequest, address: Address, confirmed: str, *, tells_address: bool = True) -> VisitorContext:
    """A visitor whose domain was not looked up lately. Raises Refused.

    `tells_address`: the settings are wanted, for which a source may need the address; else who owns the hosts.
    """
    count_lookup(request.META["REMOTE_ADDR"])
    discovery = discovering.look_up(address.domain)
    more = discovering.with_exchangers(discovery) if not tells_address else discovering.with_address(discovery, address)
    return VisitorContext.load(address.domain, address, discovery=more, confirmed=confirmed)


def _nothing_to_test(visitor: VisitorContext) -> tuple[str, str]:
    """The field at which to say why no server is known, and the words."""
    if visitor.lets_no_client_in:
        return "address", _("No mail program can open this mailbox, so there is nothing to test.")
    return "imap_host", _("We do not know the servers of this domain. Enter them here to test them.")


def _usual_servers(visitor: VisitorContext, *, wants_pop3: bool) -> tuple[Server, ...]:
    """The provider's best server of each protocol. POP3 only on request or where nothing else is: it is often off."""
    account = visitor.account
    wanted = [Protocol.IMAP, Protocol.SMTP]
    if wants_pop3 or account.best(Protocol.IMAP) is None:
        wanted.append(Protocol.POP3)
    return tuple(server for protocol in wanted if (server := account.best(protocol)))


def _answer(
    request: HttpRequest,
    plan: TestPlan,
    secret: Secret,
    hold: RateLimitHold | None,
    slot: TestSlot,
    visitor: VisitorContext,
    form: ConnectionForm,
) -> HttpResponseBase:
    """Start the test and stream its stages. Everything that may break is done before it starts."""
    with working():
        found = articles.load()
        test_page = TestPage.prepare(plan, found, language(), frozenset(slot.listed))
        page = ""
        if not request.htmx:  # type: ignore[attr-defined]
            page = render_to_string(
                "test.html", _context(form, visitor) | {"is_running": True, "result": _GAP}, request
            )
    close_old_connections()  # a test may last a minute; a pooled connection is not held meanwhile
    running = RunningTest(plan, secret, found.patterns, hold, slot)
    if request.htmx:  # type: ignore[attr-defined]
        response = StreamingHttpResponse(EventStream(test_page, running), content_type=EVENT_STREAM)
    else:
        before, _gap, after = page.partition(_GAP)
        response = StreamingHttpResponse(GrowingPage(before, after, test_page, running))
    response["X-Accel-Buffering"] = "no"
    request.test_stream = response  # type: ignore[attr-defined]
    return response


def _context(form: ConnectionForm, visitor: VisitorContext) -> dict[str, Any]:
    return {
        "form": form,
        "visitor": visitor,
        "by_hand_rows": [(labels.PROTOCOLS[protocol], row) for protocol, row in form.server_rows],
        "username_words": _name_of(visitor) if visitor.wants_username else "",
        "password_example": example_password(visitor.provider.password_pattern) if visitor.provider else "",
        "offers_delivery": _offers_delivery(form, visitor),
        "explained": _explanation(visitor),
        "retry_idents": retries.IDENTS,
        "password_words": labels.PASSWORDS[visitor.account.password] if visitor.provider else "",
    }


def _offers_delivery(form: ConnectionForm, visitor: VisitorContext) -> bool:
    """Whether a delivery can be ticked: not where the provider's own servers rule it out. A tick can be taken back."""
    servers = [server for server in _usual_servers(visitor, wants_pop3=False) if server.protocol is not Protocol.POP3]
    if form["deliver"].value() or any(form[f"{protocol.value}_host"].value() for protocol in Protocol):
        return True
    if any(server.asks_for_username for server in servers):
        return False
    return len(servers) == 2 or not visitor.account.servers


def _explanation(visitor: VisitorContext) -> dict[str, Any] | None:
    """What stands in the place of the form for a provider where no password can be tested from here."""
    kind = visitor.account.password
    cause = EXPLAINED.get(kind)
    if cause is None:
        return None
    slug = articles.article_for(cause)
    return {"words": labels.EXPLAINED[kind], "article": slug, "takes_token": kind is PasswordKind.OAUTH2}


def _with_form(
    request: HttpRequest,
    form: ConnectionForm,
    visitor: VisitorContext,
    *,
    status: int = 422,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    """The form again, with what was typed (never the password) and why no test was made."""
    response = render(request, "test.html", _context(form, visitor) | (more or {}), status=status)
    response["HX-Retarget"] = "#main"
    response["HX-Reswap"] = "innerHTML show:top"
    return response


def _over_limit(request: HttpRequest, form: ConnectionForm, visitor: VisitorContext, refusal: Refused) -> HttpResponse:
    challenge = None
    if refusal.limit in PROVABLE and settings.LIMIT_PROOF_HOUR and not getattr(request, "has_proven", False):
        challenge = proof_of_work.challenge(visitor_name(request.META["REMOTE_ADDR"]))
    context = {"minutes": -(-refusal.retry_after // 60), "challenge": challenge, "refusal": words_of(refusal)}
    response = _with_form(request, form, visitor, status=status_of(refusal), more=context)
    return with_retry_after(response, refusal)
