"""The connection test: the form, the stream of stages, and one whole page where there is no JavaScript."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from guides import budgets, runtime
from guides.content import articles
from guides.forms import ConnectionForm, take_password
from guides.mail.accounts import PasswordKind, Protocol, Server
from guides.mail.connection.shape import example_of, has_shape
from guides.mail.connection.test import TestPlan
from guides.mail.secret import Secret
from guides.models import ProviderServer
from guides.views import labels, retries
from guides.views.readers import DomainField, Reader, language
from guides.views.running import RunningTest, TestPage

# Providers whose mailboxes no password opens from here -> the class that says why.
EXPLAINED = {
    PasswordKind.OAUTH2: "input.oauth_only",
    PasswordKind.BRIDGE: "input.bridge",
    PasswordKind.NONE: "auth.plan",
}

logger = logging.getLogger(__name__)


@csrf_exempt  # guarded by helpdesk.middleware.same_origin_posts: readers get no cookie
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """The test's form; a POST runs the test."""
    request.page_path = reverse("test")  # type: ignore[attr-defined]
    if request.method == "POST":
        return _run(request)
    at = DomainField.read(request.GET.get("at", ""))
    reader = Reader.of(at.domain)
    known = {name: value for name, value in request.GET.items() if name.startswith(("imap_", "pop3_", "smtp_"))}
    form = ConnectionForm(initial=known | {"is_token": reader.account.password is PasswordKind.OAUTH2})
    return render(request, "test.html", _context(form, reader))


@sensitive_variables()
def _run(request: HttpRequest) -> HttpResponseBase:
    secret, password_fault = take_password(request)
    form = ConnectionForm(request.POST, secret=secret, password_fault=password_fault)
    valid = form.is_valid()
    address = form.cleaned_data.get("address")
    reader = Reader.of(address.domain, address) if address else Reader()
    if not valid or secret is None:
        return _refused(request, form, reader, status=422)
    by_hand = form.servers_by_hand()
    servers = by_hand or _usual_servers(reader, wants_pop3=form.cleaned_data["pop3"])
    if not servers:
        form.add_error("imap_host", _("We do not know the servers of this domain. Enter them here to test them."))
        return _refused(request, form, reader, status=422)
    provider = reader.provider
    plan = TestPlan(
        address=form.cleaned_data["address"],
        servers=servers,
        username=form.cleaned_data["username"] or None,
        password=reader.account.password,
        provider=provider.slug if provider else None,
        password_pattern=provider.password_pattern if provider else "",
        hidden_hosts=_hidden_hosts(reader, by_hand),
        known_servers=reader.account.servers,
        token=form.cleaned_data["is_token"],
    )
    if form.cleaned_data["deliver"]:
        if not plan.can_deliver:
            form.add_error("deliver", _("This needs an IMAP and an SMTP server."))
            return _refused(request, form, reader, status=422)
        plan = replace(plan, deliver=True)
    if not (plan.token or form.cleaned_data["anyway"] or has_shape(plan.password_pattern, secret)):
        form.doubt(labels.doubt(reader))
        return _refused(request, form, reader, status=422)
    try:
        hosts = [server.host for server in servers]
        admission = budgets.admit(request.META["REMOTE_ADDR"], plan.address, hosts, plan.usernames())
    except budgets.Refused as refusal:
        return _over_budget(request, form, reader, refusal)
    return _answer(request, plan, secret, admission, reader, form)


def _usual_servers(reader: Reader, *, wants_pop3: bool) -> tuple[Server, ...]:
    """The provider's best server of each protocol. POP3 only on request or where nothing else is: it is often off."""
    account = reader.account
    wanted = [Protocol.IMAP, Protocol.SMTP]
    if wants_pop3 or account.best(Protocol.IMAP) is None:
        wanted.append(Protocol.POP3)
    return tuple(server for protocol in wanted if (server := account.best(protocol)))


def _hidden_hosts(reader: Reader, by_hand: Iterable[Server]) -> frozenset[str]:
    """Hosts typed in that do not belong to the address's domain: for them, closed, filtered and forbidden look alike.

    Otherwise a visitor could scan a network's ports through the portal.
    """
    hosts = {server.host for server in by_hand}
    own = {host for host in hosts if host == reader.domain or host.endswith(f".{reader.domain}")}
    strangers = hosts - own
    return frozenset(strangers - set(ProviderServer.objects.filter(host__in=strangers).values_list("host", flat=True)))


def _answer(
    request: HttpRequest,
    plan: TestPlan,
    secret: Secret,
    admission: budgets.Admission,
    reader: Reader,
    form: ConnectionForm,
) -> HttpResponseBase:
    found = articles.load()
    test_page = TestPage.prepare(plan, found, language())
    running = RunningTest(plan, secret, runtime.door(), found.patterns, runtime.background_loop(), admission)
    if request.htmx:  # type: ignore[attr-defined]
        connection.close()  # a stream may last a minute; it needs the database no more
        response = StreamingHttpResponse(_Stream(test_page, running), content_type="text/event-stream; charset=utf-8")
        response["X-Accel-Buffering"] = "no"
        return response
    with running:
        for item in running:
            if item is not None:
                test_page.take(item)
    return render(request, "test.html", _context(form, reader) | {"result": test_page.whole()})


class _Stream:
    """The events of one test. `close()` ends the test even when nobody has read the first event."""

    def __init__(self, page: TestPage, running: RunningTest) -> None:
        self._running = running
        self._events = self._make(page)

    def _make(self, page: TestPage) -> Iterator[bytes]:
        yield _event(page.skeleton())
        try:
            for item in self._running:
                # A comment tells nobody anything, but writing it fails when the visitor has left.
                yield b":\n\n" if item is None else _event(page.take(item))
        except Exception as error:
            # No message and no traceback: they could hold what the visitor typed.
            logger.error("a connection test broke off: %s", type(error).__name__)
            yield _event(page.broken())

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        """Called by the server when the answer has ended or the visitor has left."""
        self._running.close()


def _event(html: str) -> bytes:
    lines = (f"data: {line}" for line in html.splitlines() if line.strip())
    return ("\n".join(lines) + "\n\n").encode()


def _context(form: ConnectionForm, reader: Reader) -> dict[str, Any]:
    return {
        "form": form,
        "reader": reader,
        "by_hand_rows": [(labels.PROTOCOLS[protocol], row) for protocol, row in form.server_rows],
        "password_example": example_of(reader.provider.password_pattern) if reader.provider else "",
        "explained": _explanation(reader),
        "retry_idents": retries.IDENTS,
        "password_words": labels.PASSWORDS[reader.account.password] if reader.provider else "",
    }


def _explanation(reader: Reader) -> dict[str, Any] | None:
    """What stands in the place of the form for a provider where no password can be tested from here."""
    kind = reader.account.password
    cause = EXPLAINED.get(kind)
    if cause is None:
        return None
    slug = articles.article_for(cause)
    return {"words": labels.EXPLAINED[kind], "article": slug, "takes_token": kind is PasswordKind.OAUTH2}


def _refused(
    request: HttpRequest, form: ConnectionForm, reader: Reader, *, status: int, refusal: object = None
) -> HttpResponse:
    response = render(request, "test.html", _context(form, reader) | {"refusal": refusal}, status=status)
    response["HX-Retarget"] = "#main"
    response["HX-Reswap"] = "innerHTML show:top"
    return response


def _over_budget(request: HttpRequest, form: ConnectionForm, reader: Reader, refusal: budgets.Refused) -> HttpResponse:
    status = 503 if refusal.budget == "busy" else 429
    response = _refused(request, form, reader, status=status, refusal=labels.REFUSALS[refusal.budget])
    response["Retry-After"] = str(refusal.retry_after)
    return response
