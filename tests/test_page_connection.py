"""The connection test's page: its form, its refusals, its stream. The test itself is scripted here; the lab runs it for real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from django.core.cache import cache
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import translation

from guides.mail.connection.probes import SharedState
from guides.mail.connection.test import TestPlan
from guides.mail.outcomes import Evidence, Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from guides.taken_form import take_test_form
from guides.views import connection_test, result_page, result_stream
from tests.factories import make_article, make_notice, make_provider

pytestmark = pytest.mark.django_db
PASSWORD = "s3cret pässword-канарейка"


class Script:
    """Stands in for the network: notes what it was asked, and says what a server would."""

    def __init__(self) -> None:
        self.plans: list[TestPlan] = []
        self.secrets: list[bytes] = []
        self.login = Outcome.OK
        self.closed = 0

    async def run(
        self, plan: TestPlan, secret: Secret, egress: object, patterns: object, *, shared: SharedState
    ) -> AsyncIterator[object]:
        self.plans.append(plan)
        self.secrets.append(secret.utf8())
        try:
            yield StageResult(Leg.IMAP, Stage.INPUT, Outcome.OK)
            if self.login is Outcome.OK:
                yield StageResult(Leg.IMAP, Stage.DNS, Outcome.OK, milliseconds=7)
                yield Verdict(Outcome.OK, {Leg.IMAP: Outcome.OK}, milliseconds=1234)
                return
            assert shared.login_limit is not None
            async with shared.login_limit(str(plan.address), "imap.example.net", "192.0.2.1") as attempt:
                assert attempt is not None  # it is refused
            evidence = (Evidence("NO <script>alert(1)</script>"),)
            yield StageResult(
                Leg.IMAP,
                Stage.LOGIN,
                Outcome.FAIL,
                "auth.rejected",
                Owner.VISITOR,
                host="imap.example.net",
                evidence=evidence,
            )
            yield Verdict(Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, "auth.rejected", Owner.VISITOR, 900, leg=Leg.IMAP)
        finally:
            self.closed += 1


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    script = Script()
    monkeypatch.setattr(result_stream, "run_test", script.run)
    yield script
    cache.clear()


def submit(client: Client, headers: dict[str, str] | None = None, **fields: str) -> tuple[int, str]:
    data = {"address": "anna@example.net", "password": PASSWORD} | fields
    response = client.post("/en/test/", data, headers=headers or {})
    html = b"".join(response) if response.streaming else response.content
    response.close()
    return response.status_code, html.decode()


def test_it_works(client: Client, script: Script) -> None:
    make_provider()
    assert client.get("/en/test/").status_code == 200
    status, html = submit(client)
    assert status == 200
    assert "It works" in html
    assert "1.2 seconds" in html
    assert script.secrets == [PASSWORD.encode()]
    assert [server.protocol.value for server in script.plans[0].servers] == ["imap", "smtp"]


def test_the_stream_says_one_stage_at_a_time(client: Client, script: Script) -> None:
    make_provider()
    response = client.post(
        "/en/test/",
        {"address": "anna@example.net", "password": PASSWORD},
        headers={"hx-request": "true", "hx-request-type": "partial"},
    )
    assert response["Content-Type"] == "text/event-stream; charset=utf-8"
    assert "no-store" in response["Cache-Control"]
    events = [event for event in b"".join(response).decode().split("\n\n") if event and not event.startswith(":")]
    response.close()
    assert "stage-imap-0" in events[0]
    assert "stage-waiting" in events[0]
    assert 'id="stage-imap-0"' in events[1]
    assert 'hx-swap-oob="true"' in events[1]
    assert 'id="verdict"' in events[-1]
    assert "autofocus" in events[-1]
    assert script.closed == 1


def test_a_failure_names_owner_article_and_words_in_this_order(client: Client, script: Script) -> None:
    make_provider()
    make_article("wrong-password", classes=("auth.rejected",))
    script.login = Outcome.FAIL
    _status, html = submit(client)
    verdict = html.split('id="verdict"')[1]
    owner, article = (
        verdict.index("You can fix this yourself."),
        verdict.index("/en/errors/wrong-password/?at=example.net"),
    )
    words = verdict.index("NO &lt;script&gt;alert(1)&lt;/script&gt;")
    assert owner < article < words
    assert "<script>alert" not in html


def test_the_password_never_comes_back(client: Client, script: Script) -> None:
    make_provider()
    for fields in ({}, {"imap_port": "imap"}, {"address": "anna"}):
        _status, html = submit(client, **fields)
        assert PASSWORD not in html
        assert "s3cret" not in html


def test_get_answers_are_not_stored_and_set_no_cookie(client: Client) -> None:
    response = client.get("/en/test/")
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"address": ""}, "Enter your mail address."),
        ({"address": "anna"}, "There is no @ in it."),
        ({"address": "anna@unknown.net"}, "We do not know the servers of this domain."),
        ({"password": ""}, "Enter the password."),
        ({"password": "a\r\nb"}, "line end or an invisible character"),
        ({"password": "a\0b"}, "line end or an invisible character"),
        ({"password": "x" * 2000}, "This is too long for a password."),
        ({"username": "a\rb"}, "invisible character"),
        ({"username": "x" * 300}, "This is too long for a user name."),
        ({"imap_host": "imap.example.net", "imap_port": "0"}, "A port is a number from 1 to 65535"),
        ({"imap_host": "imap.example.net", "imap_port": "70000"}, "A port is a number from 1 to 65535"),
        ({"imap_host": "imap.example.net", "imap_port": "imap"}, "A port is a number from 1 to 65535"),
        ({"imap_host": "imap.example.net", "imap_port": "-1"}, "A port is a number from 1 to 65535"),
        ({"imap_host": "imap.example.net", "imap_port": "22"}, "The portal tests mail ports only"),
        ({"imap_host": "imap.example.net", "imap_security": "none"}, "no password in the clear"),
        ({"imap_port": "993"}, "Enter the server"),
        ({"imap_host": "127.0.0.1"}, "This is a number, not a name."),
        ({"imap_host": "①②⑦.⓪.⓪.①"}, "This is a number, not a name."),
        ({"imap_host": "[::1]"}, "This is a number, not a name."),
        ({"imap_host": "https://imap.example.net"}, "This is not a server"),
        ({"imap_host": "imap.example.net:993"}, "This is not a server"),
        ({"imap_host": "user@imap.example.net"}, "This is not a server"),
        ({"imap_host": "imap..net"}, "This is not a server"),
        ({"imap_host": "mailserver"}, "A part is missing"),
        ({"imap_host": "imap.localhost"}, "private network"),
        ({"imap_host": "mail.internal"}, "private network"),
        ({"smtp_host": "smtp.lan"}, "private network"),
        ({"pop3_host": "../../etc/passwd"}, "This is not a server"),
        ({"pop3_host": "x" * 400}, "This is not a server"),
    ],
)
def test_bad_input_is_told_and_nothing_is_tested(
    client: Client, script: Script, fields: dict[str, str], words: str
) -> None:
    make_provider()
    status, html = submit(client, **fields)
    assert status == 422
    assert words in html
    assert 'class="error-summary"' in html
    assert "<title>Error: " in html
    assert script.plans == []


def test_what_was_typed_is_kept_and_its_part_is_open(client: Client, script: Script) -> None:
    _status, html = submit(client, imap_host="imap.example.net", imap_port="imap", username="anna-7")
    assert 'value="anna@example.net"' in html
    assert 'value="imap.example.net"' in html
    assert 'value="imap"' in html
    assert 'value="anna-7"' in html
    assert '<details id="by-hand" class="by-hand" open>' in html


@pytest.mark.parametrize(
    "password", ["  blanks at both ends  ", '"quoted"', "back\\slash", "Umläute", "Пароль", "é" * 256, "%s{x}<b>&amp;"]
)
def test_every_printable_password_goes_out_unchanged(client: Client, script: Script, password: str) -> None:
    make_provider()
    assert submit(client, password=password)[0] == 200
    assert script.secrets == [password.encode()]


def test_servers_by_hand_take_what_is_usual(client: Client, script: Script) -> None:
    submit(client, imap_host="imap.example.net", smtp_host="smtp.example.net", smtp_port="587", username="anna-7")
    plan = script.plans[0]
    assert [(s.protocol.value, s.host, s.port, s.security.value) for s in plan.servers] == [
        ("imap", "imap.example.net", 993, "tls"),
        ("smtp", "smtp.example.net", 587, "starttls"),
    ]
    assert plan.username == "anna-7"
    assert plan.hidden_hosts == frozenset()


def test_strangers_hosts_are_hidden_and_known_ones_are_not(client: Client, script: Script) -> None:
    make_provider()
    submit(client, address="anna@elsewhere.net", imap_host="10.intranet.example.org", smtp_host="smtp.example.net")
    assert script.plans[0].hidden_hosts == frozenset({"10.intranet.example.org"})


def test_pop3_is_tested_on_request_only(client: Client, script: Script) -> None:
    make_provider()
    submit(client, pop3="on")
    assert {server.protocol.value for server in script.plans[0].servers} == {"imap", "pop3", "smtp"}


@override_settings(LIMIT_VISITOR_HOUR=2)
def test_over_budget_is_said_kindly_with_a_time(client: Client, script: Script) -> None:
    make_provider()
    assert [submit(client)[0] for _ in range(2)] == [200, 200]
    response = client.post("/en/test/", {"address": "anna@example.net", "password": PASSWORD})
    html = response.content.decode()
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "many tests within the last hour" in html
    assert 'value="anna@example.net"' in html
    assert len(script.plans) == 2


@override_settings(LIMIT_ACCOUNT_10_MINUTES=2)
def test_failed_logins_of_an_account_pause_it_for_everybody(client: Client, script: Script) -> None:
    make_provider()
    script.login = Outcome.FAIL
    assert [submit(client)[0] for _ in range(3)] == [200, 200, 429]
    other = Client(REMOTE_ADDR="192.0.2.77")
    assert other.post("/en/test/", {"address": "anna@example.net", "password": "x"}).status_code == 429
    assert other.post("/en/test/", {"address": "bert@example.net", "password": "x"}).status_code == 200


@override_settings(LIMIT_TESTS_PER_PROCESS=1)
def test_a_full_process_answers_503(client: Client, script: Script) -> None:
    make_provider()
    headers = {"hx-request": "true", "hx-request-type": "partial"}
    held = client.post("/en/test/", {"address": "anna@example.net", "password": "x"}, headers=headers)
    response = Client(REMOTE_ADDR="192.0.2.9").post("/en/test/", {"address": "b@example.net", "password": "x"})
    assert response.status_code == 503
    assert "Retry-After" in response
    held.close()  # nobody has read a single event; the place is free all the same
    response = Client(REMOTE_ADDR="192.0.2.9").post("/en/test/", {"address": "b@example.net", "password": "x"})
    assert response.status_code == 200


def test_an_htmx_refusal_takes_the_whole_content(client: Client, script: Script) -> None:
    response = client.post(
        "/en/test/", {"address": "anna"}, headers={"hx-request": "true", "hx-request-type": "partial"}
    )
    assert response.status_code == 422
    assert response["HX-Retarget"] == "#main"


def test_the_provider_of_the_page_says_which_password(client: Client) -> None:
    make_notice(make_provider(password="app_password"), password_name="special password")
    html = client.get("/en/test/?at=example.net").content.decode()
    assert "special password" in html
    assert html.index("Before you start") < html.index('id="test-form"')


def test_a_fault_of_our_own_ends_the_stream_kindly_and_tells_nothing(
    client: Client, script: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_provider()

    def broken(*_arguments: object) -> str:
        raise RuntimeError(PASSWORD)

    monkeypatch.setattr(result_page.TestPage, "add", broken)
    _status, html = submit(client, headers={"hx-request": "true", "hx-request-type": "partial"})
    assert "Something broke on our side" in html
    assert "RuntimeError" in caplog.text
    assert PASSWORD not in html + caplog.text


def test_the_view_closes_its_database_before_a_stream(
    client: Client, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_provider()
    closed: list[bool] = []
    monkeypatch.setattr(connection_test, "close_old_connections", lambda: closed.append(True))
    submit(client, headers={"hx-request": "true", "hx-request-type": "partial"})
    assert closed


def growing(script: Script, rf: RequestFactory) -> StreamingHttpResponse:
    """The answer to a browser without JavaScript, as the server gets it."""
    request = rf.post("/en/test/", {"address": "anna@example.net", "password": PASSWORD})
    request.htmx = False  # type: ignore[attr-defined]
    with translation.override("en"):
        response = take_test_form(connection_test.page)(request)
    assert isinstance(response, StreamingHttpResponse)
    return response


def test_without_javascript_the_page_grows(script: Script, rf: RequestFactory) -> None:
    make_provider()
    response = growing(script, rf)
    before, *beats, result, after = [bytes(piece).decode() for piece in response]  # type: ignore[arg-type]
    response.close()
    assert before.startswith("<!doctype html>")
    assert "The test is running" in before
    assert before.rstrip().endswith("</p></div>")
    assert set(beats) == {"\n"}
    assert "It works" in result
    assert after.rstrip().endswith("</html>")
    assert result_stream.HEARTBEAT_SECONDS < 0.5  # writing fails at the second one when the visitor has left


def test_a_visitor_without_javascript_who_leaves_ends_the_test(
    script: Script, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_provider()

    async def silent(*_: object, **__: object) -> AsyncIterator[object]:
        try:
            await asyncio.sleep(60)
            yield None
        finally:
            script.closed += 1

    monkeypatch.setattr(result_stream, "run_test", silent)
    monkeypatch.setattr(result_stream, "HEARTBEAT_SECONDS", 0.02)
    response = growing(script, rf)
    pieces = iter(response)
    assert next(pieces)
    assert [next(pieces) for _ in range(3)] == [b"\n"] * 3
    began = time.monotonic()
    response.close()
    assert time.monotonic() - began < 5
    assert script.closed == 1


def test_a_fault_of_our_own_ends_the_page_kindly(
    client: Client, script: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_provider()

    def broken(*_arguments: object) -> str:
        raise RuntimeError(PASSWORD)

    monkeypatch.setattr(result_page.TestPage, "fill_in", broken)
    _status, html = submit(client)
    assert "Something broke on our side" in html
    assert html.rstrip().endswith("</html>")
    assert "RuntimeError" in caplog.text
    assert PASSWORD not in html + caplog.text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_event_keeps_its_lines(end: str) -> None:
    assert result_stream.event(f"<p>{end}a{end}</p>\n") == b"data: <p>\ndata: a\ndata: </p>\n\n"


def test_a_page_that_cannot_be_made_starts_no_test(
    client: Client, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_provider()

    def broken(*_arguments: object) -> str:
        raise RuntimeError

    monkeypatch.setattr(connection_test, "render_to_string", broken)
    with pytest.raises(RuntimeError):
        submit(client)
    time.sleep(0.05)  # the loop would have begun it by now
    assert script.plans == []
