"""The connection test's page: delivery, tokens, doubts before sending, what is explained instead, and further tests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from django.test import Client

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.password_format import example_password, matches_format
from guides.mail.connection.test import TestPlan
from guides.mail.outcomes import Alternative, Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from guides.views import result_stream
from tests.factories import make_article, make_notice, make_provider

pytestmark = pytest.mark.django_db
PASSWORD = "abcd efgh ijkl mnop"
PATTERN = "^[a-z]{4} ?[a-z]{4} ?[a-z]{4} ?[a-z]{4}$"
TYPED = Server(Protocol.IMAP, "mail.example.org", 143, Security.STARTTLS)


class Script:
    """Stands in for the network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.plans: list[TestPlan] = []
        self.secrets: list[bytes] = []
        self.results: list[StageResult] = []
        self.verdict = Verdict(Outcome.OK, {Leg.IMAP: Outcome.OK}, milliseconds=1)
        monkeypatch.setattr(result_stream, "run_test", self.run)

    async def run(self, plan: TestPlan, secret: Secret, *_shared: object, **_more: object) -> AsyncIterator[object]:
        self.plans.append(plan)
        self.secrets.append(secret.utf8())
        for result in self.results:
            yield result
        yield self.verdict


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(monkeypatch)


def submit(client: Client, language: str = "en", **fields: str) -> tuple[int, str]:
    data = {"address": "anna@example.net", "password": PASSWORD} | fields
    response = client.post(f"/{language}/test/", data)
    return response.status_code, response.content.decode()


# --- delivery and tokens -----------------------------------------------------------------------------------


def test_a_message_is_sent_only_when_it_is_asked_for(client: Client, script: Script) -> None:
    make_provider()
    submit(client)
    submit(client, deliver="on")
    assert [plan.deliver for plan in script.plans] == [False, True]


@pytest.mark.parametrize("username", ["boss@example.net", "boss"])
def test_a_delivery_to_somebody_elses_mailbox_is_refused_in_words(
    client: Client, script: Script, username: str
) -> None:
    make_provider()
    status, html = submit(client, deliver="on", username=username)
    assert status == 422
    assert "only to the mailbox of this user name" in html
    assert script.plans == []


@pytest.mark.parametrize(
    ("username", "dropped", "query", "offered"),
    [
        ("address", (), "", True),
        ("address", ("pop3",), "", True),
        ("address", ("imap",), "", False),
        ("address", ("smtp",), "", False),
        ("address", ("imap", "pop3", "smtp"), "", True),  # servers are typed in
        ("address", ("imap",), "&imap_host=imap.example.net", True),
        ("other", (), "", False),  # never the address
    ],
)
def test_a_delivery_that_would_be_refused_is_not_offered(
    client: Client, username: str, dropped: tuple[str, ...], query: str, offered: bool
) -> None:
    provider = make_provider(username=username)
    provider.servers.filter(protocol__in=dropped).delete()
    html = client.get(f"/en/test/?at=example.net{query}").content.decode()
    assert ('id="id_deliver"' in html) is offered


@pytest.mark.usefixtures("script")
def test_a_delivery_that_was_refused_can_be_taken_back(client: Client) -> None:
    make_provider(username="other")
    status, html = submit(client, deliver="on", username="4711")
    assert status == 422
    assert 'id="id_deliver_error"' in html
    assert 'id="id_deliver"' in html


def test_the_delivery_is_a_leg_of_the_page(client: Client, script: Script) -> None:
    make_provider()
    details = {"seconds": "2.5", "folder": "Junk", "deleted": "no"}
    script.results = [
        StageResult(Leg.DELIVERY, Stage.DELIVERY, Outcome.WARN, "deliver.in_spam", Owner.VISITOR, details=details)
    ]
    _status, html = submit(client, deliver="on")
    assert 'id="leg-delivery"' in html
    assert 'class="stage stage-warn"' in html
    for words in ("2.5", "Junk", "no, please delete it yourself"):
        assert words in html


def test_a_delivery_needs_both_sides(client: Client, script: Script) -> None:
    status, html = submit(client, deliver="on", imap_host="imap.example.net")
    assert status == 422
    assert "This needs an IMAP and an SMTP server." in html
    assert script.plans == []


def test_a_token_stands_in_the_place_of_the_password(client: Client, script: Script) -> None:
    make_provider(password="oauth2")
    token = "eyJ" + "x" * 3000
    assert submit(client, password=f" {token}\t", is_token="on")[0] == 200
    assert script.plans[0].token
    assert script.secrets == [token.encode()]
    status, html = submit(client, password="x" * 7000, is_token="on")
    assert status == 422
    assert "x" * 100 not in html
    assert submit(client, password="x" * 3000)[0] == 422  # a password is shorter


# --- before the password -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cause", "words", "has_form"),
    [
        ("oauth2", "input.oauth_only", "opens the provider&#x27;s own window", True),
        ("bridge", "input.bridge", "through its bridge program", False),
        ("none", "auth.plan", "cannot be used in a mail program", False),
    ],
)
def test_what_no_password_opens_is_explained(client: Client, kind: str, cause: str, words: str, has_form: bool) -> None:
    make_provider(password=kind)
    make_article("why-not", classes=(cause,))
    html = client.get("/en/test/?at=example.net").content.decode()
    assert words in html
    assert "/en/errors/why-not/?at=example.net" in html
    assert ('id="test-form"' in html) is has_form
    if has_form:  # only for those who have a token, and folded
        assert html.index("<summary>I have an access token (OAuth 2.0)</summary>") < html.index('id="test-form"')
        assert re.search(r'name="is_token"[^>]*checked', html)


def test_an_app_password_is_shown_before_it_is_typed(client: Client) -> None:
    provider = make_provider(
        password="app_password", password_pattern=PATTERN, password_url="https://example.net/app-passwords"
    )
    make_notice(provider, password_name="special password")
    html = client.get("/en/test/?at=example.net").content.decode()
    assert "<code>abcd efgh ijkl mnop</code>" in html
    assert 'href="https://example.net/app-passwords"' in html
    assert "special password" in html


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_a_doubt_is_said_before_anything_is_sent(client: Client, script: Script, language: str) -> None:
    provider = make_provider(password="app_password", password_pattern=PATTERN)
    make_notice(provider, password_name="special password")
    status, html = submit(client, language, password="Summer2024!")
    assert status == 422
    assert script.plans == []
    assert "special password" in html
    assert 'name="anyway"' in html
    assert "Summer2024!" not in html
    if language == "en":
        assert "It has not been sent anywhere." in html
        assert 'name="anyway"' not in submit(client)[1]
    assert submit(client, language, password="Summer2024!", anyway="on")[0] == 200
    assert script.secrets[-1] == b"Summer2024!"


def test_the_right_shape_raises_no_doubt(client: Client, script: Script) -> None:
    make_provider(password="app_password", password_pattern=PATTERN)
    assert submit(client)[0] == 200
    assert submit(client, password=PASSWORD.replace(" ", ""))[0] == 200
    assert submit(client, password="a.token", is_token="on")[0] == 200
    assert len(script.plans) == 3


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        (PATTERN, "abcd efgh ijkl mnop"),
        ("^[a-z]{4}-[a-z]{4}-[a-z]{4}-[a-z]{4}$", "abcd-efgh-ijkl-mnop"),
        ("[A-Z0-9]{8}", ""),
        ("[a-z0-9]{16}", "abcdefghijklmnop"),
        ("[0-9]{12}", "123456789012"),
        ("[a-z]", "a"),
        ("", ""),
        (r"\w+", ""),
        ("(a|b)", ""),
        ("[a-z]{4,8}", ""),
    ],
)
def test_examples_are_made_only_of_what_is_understood(pattern: str, example: str) -> None:
    assert example_password(pattern) == example
    assert not example or matches_format(pattern, Secret(example))


# --- further tests -------------------------------------------------------------------------------------------


def retry_form(html: str, ident: str) -> str:
    assert f'<form id="again-{ident}"' in html
    form = next(part for part in html.split('<div class="retry"')[1:] if f'id="{ident}-password"' in part)
    assert set(re.findall(r'form="([^"]+)"', form)) == {f"again-{ident}"}
    return form.partition("</button>")[0]


def fields_of(form: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_other_settings_are_one_button_away(client: Client, script: Script) -> None:
    right = Server(Protocol.IMAP, "mail.example.org", 993, Security.TLS)
    script.results = [StageResult(Leg.IMAP, Stage.CONNECT, Outcome.FAIL, "tcp.refused", Owner.VISITOR)]

    async def run(plan: TestPlan, *rest: object, **_more: object) -> AsyncIterator[object]:
        found = () if len(script.plans) else (Alternative(Leg.IMAP, plan.servers[0], right),)
        script.verdict = Verdict(
            Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, "tcp.refused", Owner.VISITOR, 9, leg=Leg.IMAP, alternatives=found
        )
        async for one in Script.run(script, plan, *rest):  # type: ignore[arg-type]
            yield one

    result_stream.run_test = run  # type: ignore[assignment]
    _status, html = submit(
        client,
        address="anna@example.org",
        imap_host=TYPED.host,
        imap_port="143",
        imap_security="starttls",
        smtp_host="smtp.example.org",
    )
    form = retry_form(html, "instead-imap")
    assert "Port: not <s>143</s>, but <strong>993</strong>" in form
    assert "Encryption: not <s>STARTTLS</s>, but <strong>SSL/TLS</strong>" in form
    assert "Server:" not in form
    assert "This is what the portal sees from its own network." in html
    assert PASSWORD not in html
    fields = fields_of(form)
    assert fields == {
        "address": "anna@example.org",
        "imap_host": "mail.example.org", "imap_port": "993", "imap_security": "tls",
        "smtp_host": "smtp.example.org", "smtp_port": "465", "smtp_security": "tls",
    }  # fmt: skip
    assert submit(client, **fields)[0] == 200
    assert script.plans[-1].servers[0] == right


def refused(client: Client, script: Script, **fields: str) -> str:
    script.results = [StageResult(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, "auth.rejected", Owner.VISITOR)]
    script.verdict = Verdict(Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, "auth.rejected", Owner.VISITOR, 9, leg=Leg.IMAP)
    return submit(client, **fields)[1]


def test_the_local_part_is_a_second_test_that_the_visitor_asks_for(client: Client, script: Script) -> None:
    html = refused(client, script, imap_host="imap.example.net")
    form = retry_form(html, "local-part")
    assert "User name: not <s>anna@example.net</s>, but <strong>anna</strong>" in form
    fields = fields_of(form)
    assert fields["username"] == "anna"
    submit(client, **fields)
    assert [plan.username for plan in script.plans] == [None, "anna"]
    assert 'id="local-part-password"' not in refused(client, script, **fields)  # it has been tried


def test_where_the_form_of_the_user_name_is_known_none_is_offered(client: Client, script: Script) -> None:
    make_provider()
    assert 'id="local-part-password"' not in refused(client, script)


def test_what_works_here_and_not_at_home(client: Client, script: Script) -> None:
    make_provider()
    make_article("in-between", classes=("cross.visitor_side",))
    _status, html = submit(client)
    assert "something between your device and the server is in the way" in html
    assert "/en/errors/in-between/?at=example.net" in html
