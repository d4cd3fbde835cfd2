"""The canary: a password goes through the portal, faults are forced everywhere, and then
everything that the process wrote is searched for it.

What is searched: answers, standard output and error, error mails, the database's files, the cache. What is searched
for: any eight characters of the password, in clear, in Base64 at any alignment, as hexadecimal digits; and what
is left of it when it is written as Python, JSON, HTML or a URL writes it.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from django.test.client import encode_multipart

from guides.mail.accounts import Protocol, Security
from helpdesk.settings import MIDDLEWARE
from tests.canary_faults import TELL
from tests.lab import Lab
from tests.lab.hosts import CLOSED, ECHO, MAIL, Host
from tests.lab.people import PEOPLE
from tests.portal import ROOT, LivePortal

pytestmark = pytest.mark.lab

WINDOW = 8


LONELY = next(person.password for person in PEOPLE if person.name == "canary")


class Canary:
    """A password that is nowhere else, and the search for it."""

    def __init__(self, password: str = LONELY) -> None:
        self.password = password
        self.needles = {needle.encode() for needle in self._needles(password[:12] + password[-12:])}

    def _needles(self, letters: str) -> Iterator[str]:
        raw = self.password.encode()
        for core in (letters[:12], letters[12:]):
            yield from windows(core, WINDOW)
            yield from windows(core.encode().hex(), 2 * WINDOW)
        for blob in (raw, b"\0canary@lab.test\0" + raw):
            for shift in range(3):
                # The first group holds what stands before; the last may hold what stands behind.
                encoded = base64.b64encode(b"x" * shift + blob).decode()[4:-4]
                yield from windows(encoded, 16)
                yield from windows(encoded.replace("+", "-").replace("/", "_"), 16)
        # The middle, as different writers write it.
        middle = self.password[12:-12]
        yield from (middle, repr(middle)[1:-1], json.dumps(middle)[1:-1], html.escape(middle), quote(middle))
        yield quote_plus(middle)

    def found_in(self, place: str, data: bytes) -> list[str]:
        """Where the password was found."""
        return [f"{place}: {needle!r}" for needle in self.needles if needle in data]


def windows(text: str, size: int) -> Iterator[str]:
    for start in range(len(text) - size + 1):
        yield text[start : start + size]


def test_the_search_finds_what_it_should() -> None:
    canary = Canary()
    raw = canary.password.encode()
    writers = {
        "clear": raw,
        "first half": raw[:WINDOW],
        "last part": raw[-WINDOW:],
        "base64": base64.b64encode(raw),
        "SASL": base64.b64encode(b"\0canary@lab.test\0" + raw),
        "SASL of somebody": base64.b64encode(b"\0b@lab.test\0" + raw),
        "form": urlencode({"password": canary.password}).encode(),
        "HTML": html.escape(canary.password).encode(),
        "JSON": json.dumps(canary.password).encode(),
        "repr": repr(raw).encode(),
        "hexadecimal": raw.hex().encode(),
    }
    for name, written in writers.items():
        assert canary.found_in(name, b"before " + written + b" after"), name
    assert canary.found_in("nothing", b"<Secret> [password] canary@lab.test") == []


# --- the portal as a process -----------------------------------------------------------------------------

# Where a fault is forced: "" is none; the rest is a function that raises.
FAULTS = {
    "none": "",
    "the form": "guides.forms:ConnectionForm.is_valid",
    "the servers": "guides.forms:ServersForm.servers_by_hand",
    "the provider": "guides.views.visitor:VisitorContext.load",
    "the plan": "guides.mail.connection.plan:TestPlan.__post_init__",
    "the slot": "guides.limits.test_slot:TestSlot.check",
    "rate limits": "guides.views.connection_test:acquire_test",
    "articles": "guides.services.articles:load",
    "the page": "guides.views.result_page:TestPage.prepare",
    "a fragment": "guides.views.result_page:TestPage.fill_in",
    "rendering": "guides.views.result_page:TestPage._html",
    "the egress": "guides.runtime:egress",
    "the loop": "guides.mail.connection.loop:BackgroundLoop.stream",
    "the test": "guides.views.result_stream:run_test",
    "redacting prepared": "guides.mail.connection.redact:Redactor.__init__",
    "looking for what to redact": "guides.mail.connection.redact:_Forms.found_in",
    "the password's spellings": "guides.mail.connection.redact:_spellings",
    "the password's forms": "guides.mail.connection.redact:_Forms.__init__",
    "a leg": "guides.mail.connection.legs:LegRun.run",
    "input": "guides.mail.connection.legs:check_input",
    "dns": "guides.mail.network:Egress.resolve",
    "connect": "guides.mail.network:Egress.connect",
    "tls": "guides.mail.connection.channel:Channel.start_tls",
    "greeting": "guides.mail.connection.imap:ImapSession.greet",
    "capabilities": "guides.mail.connection.imap:ImapSession.learn",
    "login": "guides.mail.connection.imap:ImapSession.log_in",
    "the encoder": "guides.mail.connection.sasl:Exchange.next_answer",
    "the encoder's beginning": "guides.mail.connection.sasl:Exchange.__init__",
    "scram": "guides.mail.connection.scram:Scram.final",
    "opening the secret": "guides.mail.secret:Secret.utf8",
    "writing": "guides.mail.connection.channel:Channel.write",
    "reading": "guides.mail.connection.channel:Channel.read_line",
    "identity": "guides.mail.connection.imap_mailbox:identify",
    "quota": "guides.mail.connection.imap_mailbox:check_quota",
    "folders": "guides.mail.connection.imap_mailbox:check_folders",
    "mailbox": "guides.mail.connection.imap:ImapSession.open",
    "envelope": "guides.mail.connection.smtp:SmtpSession.open",
    "goodbye": "guides.mail.connection.imap:ImapSession._goodbye",
    "verdict": "guides.mail.connection.test:verdict",
}
# Where a fault is forced when a server has refused the login.
FAULTS_IN_REFUSALS = {
    "judging": "guides.mail.diagnosis.patterns:PatternSet.matches",
    "redacting": "guides.mail.connection.redact:Redactor.evidence",
}
REFUSAL = "guides.views.error_pages:render_to_string"  # the page for a form that cannot be read
FAILURES = 6  # after that many, a server that answers nobody is known to
# Where a fault is forced when other tests have found a failure of each server, and whether it stops the test.
FAULTS_IN_KNOWN_FAILURES = {
    "known failures": ("guides.limits.circuit_breaker:known_failures", 500),
    "replaying": ("guides.mail.connection.probes:ProbeResult.replayed", 200),
    "input before replaying": ("guides.mail.connection.legs:check_input", 200),
    "its verdict": ("guides.mail.connection.test:verdict", 200),
}
# These stop what comes behind them, so that no page is made at all.
BREAK_THE_PAGE = frozenset(
    {
        "the form", "the servers", "the provider", "the plan", "the slot", "rate limits", "articles", "the page",
        "the loop",
    }
)  # fmt: skip

# What is called while the form is read, and around the view, in middleware: no page is made, either.
FAULTS_AROUND_THE_VIEW = {
    "reading the body": "django.http.request:HttpRequest.read",
    "reading the form": "django.http.request:QueryDict.__init__",
    "its fields": "django.http.request:parse_qsl",
    "copying it": "django.http.request:QueryDict.copy",
    "taking the password": "django.http.request:QueryDict.pop",
    "wrapping it": "guides.taken_form:_wrapped",
    "making a secret": "guides.mail.secret:Secret.__init__",
    "the visitor's address": "helpdesk.proxies:_address",
    "mail clients' hosts": "guides.services.publishing:split_client_host",
    "the site's security": "django.middleware.security:SecurityMiddleware.process_request",
    "static files": "whitenoise.middleware:WhiteNoiseMiddleware.__call__",
    "staff's sessions": "helpdesk.middleware:_ForStaff.__call__",
    "the language": "django.middleware.locale:LocaleMiddleware.process_request",
    "the host": "django.middleware.common:CommonMiddleware.process_request",
    "the origin": "helpdesk.middleware:_is_cross_site",
    "csrf": "django.middleware.csrf:CsrfViewMiddleware.process_request",
    "second factors": "django_otp.middleware:OTPMiddleware.__call__",
    "htmx": "django_htmx.middleware:HtmxDetails.__init__",
    "the routes": "django.core.handlers.base:BaseHandler.resolve_request",
    "the view": "guides.views.connection_test:_run",
    "what was taken": "guides.views.connection_test:taken_form",
    "its answer": "guides.views.connection_test:_answer",
    "frames, on the way out": "django.middleware.clickjacking:XFrameOptionsMiddleware.process_response",
    "the host, on the way out": "django.middleware.common:CommonMiddleware.process_response",
    "the language, on the way out": "django.middleware.locale:LocaleMiddleware.process_response",
    "the site's security, on the way out": "django.middleware.security:SecurityMiddleware.process_response",
} | {
    f"{when} {name.rpartition('.')[2]}": f"{when} {name.rpartition('.')[2]}"
    for name in MIDDLEWARE
    for when in ("before", "after")
}
# The same for a form in parts.
FAULTS_IN_PARTS = {
    "reading parts": "django.http.multipartparser:MultiPartParser.parse",
    "the beginning of a part": "django.http.multipartparser:parse_boundary_stream",
    "taking the password from parts": "django.http.request:QueryDict.pop",
}
FORCED = {
    *FAULTS.values(),
    *FAULTS_IN_REFUSALS.values(),
    *FAULTS_AROUND_THE_VIEW.values(),
    *FAULTS_IN_PARTS.values(),
    *(fault for fault, _status in FAULTS_IN_KNOWN_FAILURES.values()),
    REFUSAL,
} - {""}

# These stop the test itself, so that there is no result; a stream ends with words of regret.
BREAK_THE_TEST = frozenset(
    {
        "a fragment", "the egress", "the test", "verdict", "opening the secret", "redacting prepared", "a leg",
        "the password's spellings", "the password's forms",
    }
)  # fmt: skip


class CanaryPortal(LivePortal):
    """A portal that writes down all it can, and the search through it."""

    def __init__(self, folder: Path, lab: Lab, *, debug: bool) -> None:
        unlimited = {
            f"LIMIT_{name}": "100000"
            for name in (
                "VISITOR_HOUR", "VISITOR_DAY", "ACCOUNT_10_MINUTES", "ACCOUNT_HOUR", "ACCOUNT_DAY", "HOST_10_MINUTES",
            )
        }  # fmt: skip
        # Each place for a test is a key of the cache, here a file, that each test looks up: 100,000 took it 2.7 s.
        unlimited["LIMIT_VISITOR_AT_ONCE"] = "200"
        super().__init__(
            folder,
            lab.environment()
            | unlimited
            | {
                "DJANGO_SETTINGS_MODULE": "tests.canary_settings",
                "PYTHONPATH": str(ROOT),
                "DEBUG": "1" if debug else "0",
                "LOG_LEVEL": "DEBUG",
            },
        )
        self.lab = lab
        self.debug = debug
        self.canary = Canary()
        self.answers: dict[str, bytes] = {}

    def post(
        self,
        title: str,
        *,
        fault: str = "",
        htmx: bool = False,
        host: Host = MAIL,
        in_parts: bool = False,
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> int:
        """Run the test with the canary as password; returns the answer's status."""
        form = {"address": "canary@lab.test", "password": self.canary.password}
        for protocol in (Protocol.IMAP, Protocol.SMTP):
            server = self.lab.server(protocol, Security.TLS, host)
            form |= {
                f"{protocol}_host": server.host,
                f"{protocol}_port": str(server.port),
                f"{protocol}_security": str(server.security),
            }
        body = encode_multipart("parts", form | fields) if in_parts else urlencode(form | fields).encode()
        sent = {
            "Content-Type": "multipart/form-data; boundary=parts" if in_parts else "application/x-www-form-urlencoded",
            "Origin": self.url,
            "X-Fault": fault,
            "Connection": "close",
        }
        sent |= {"HX-Request": "true", "Accept": "text/event-stream, text/html"} if htmx else {}
        sent |= headers or {}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/en/test/", body, sent)
            response: HTTPResponse = connection.getresponse()
            head = str(response.headers).encode()
            try:
                answer = response.read()
            except (OSError, HTTPException) as error:  # an answer that broke off
                answer = repr(error).encode()
        finally:
            connection.close()
        self.answers[f"answer of {title}{' (htmx)' if htmx else ''}"] = head + answer
        return response.status

    def written(self) -> dict[str, bytes]:
        """Everything that the process has written: place -> bytes."""
        files = {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }
        return self.answers | files | {f"{name} in mails": text.encode() for name, text in self.mails().items()}

    def mails(self) -> dict[str, str]:
        """The parts of all error mails, decoded: the text of those without HTML, of those with it, and their HTML."""
        texts = {"text": "", "text beside HTML": "", "HTML": ""}
        for path in (self.data / "mail").glob("*.log"):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            html_part, text_part = mail.get_body(("html",)), mail.get_body(("plain",))
            assert text_part is not None
            texts["text beside HTML" if html_part else "text"] += text_part.get_content()
            texts["HTML"] += html_part.get_content() if html_part else ""
        return texts

    def found(self) -> list[str]:
        return [found for place, data in self.written().items() for found in self.canary.found_in(place, data)]


@pytest.fixture(params=[False, True], ids=["production", "DEBUG"])
def portal(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[CanaryPortal]:
    with CanaryPortal(tmp_path / "portal", lab, debug=request.param) as running:
        yield running


def test_no_fault_gives_the_password_away(portal: CanaryPortal) -> None:
    for title, fault in FAULTS.items():
        status = portal.post(title, fault=fault)
        assert status == (500 if title in BREAK_THE_PAGE else 200), title
        if title not in BREAK_THE_PAGE:
            regrets = b"Something broke on our side" in portal.answers[f"answer of {title}"]
            assert regrets == (title in BREAK_THE_TEST), title
        portal.post(title, fault=fault, htmx=True)
    for title, fault in ({"a server that repeats": ""} | FAULTS_IN_REFUSALS).items():
        assert portal.post(title, fault=fault, host=ECHO) == 200
        assert portal.post(title, fault=fault, host=ECHO, htmx=True) == 200
    for title, fault in FAULTS_AROUND_THE_VIEW.items():
        assert portal.post(title, fault=fault) == 500, title
        assert portal.post(title, fault=fault, htmx=True) == 500, title
    assert portal.post("parts", in_parts=True) == 200
    for title, fault in FAULTS_IN_PARTS.items():
        assert portal.post(title, fault=fault, in_parts=True) == 500, title
    damaged = {"Content-Type": "multipart/form-data"}
    assert portal.post("a damaged form", headers=damaged) == 400
    assert portal.post("refusing a damaged form", fault=REFUSAL, headers=damaged) == 500
    assert portal.post("a host that is not served", headers={"Host": "stranger.example"}) == 400
    assert portal.post("too many fields", **{f"field{number}": "x" for number in range(3000)}) == 400
    assert portal.post("too large", username="x" * 1_150_000) == (400 if portal.debug else 413)
    control = "\r\n"
    assert portal.post("line ends", password=portal.canary.password + control) == 422
    assert portal.post("a lone NUL", password=portal.canary.password + "\0") == 422
    assert portal.post("too long", password=portal.canary.password * 200) == 422
    assert portal.post("no address", address="anna") == 422
    for number in range(FAILURES):
        assert portal.post(f"failure {number}", host=CLOSED) == 200
    for title, (fault, status) in FAULTS_IN_KNOWN_FAILURES.items():
        assert portal.post(title, fault=fault, host=CLOSED) == status, title
        assert portal.post(title, fault=fault, host=CLOSED, htmx=True) == status, title
    portal.stop()
    log = portal.log.read_text()
    assert [fault for fault in FORCED if f"forced fault at {fault}\n" not in log] == []  # each was reached
    for kind, text in portal.mails().items():
        for name in MIDDLEWARE:
            for when in ("before", "after"):
                assert f"{when} {name.rpartition('.')[2]}" in text, f"no {kind} of a mail"
    assert portal.found() == []


def test_the_search_would_notice(portal: CanaryPortal) -> None:
    """The same portal, made to tell: the search finds it in what the process wrote."""
    portal.post("a portal that tells", fault=TELL)
    portal.stop()
    assert any("portal.log" in place for place in portal.found())
