"""The page for pasted errors and bounces."""

import subprocess
import sys
import time
import zipfile
from contextlib import ExitStack
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from guides.limits import explanation_semaphore
from guides.limits.counters import RateLimited
from guides.mail.diagnosis import explain
from guides.models import ErrorPattern
from tests.bounces.shapes import RECIPIENT, fields, report
from tests.factories import make_article, make_provider

pytestmark = pytest.mark.django_db

URL = "/en/errors/find/"


def paste(client: Client, text: str, **headers: str) -> str:
    response = client.post(URL, {"text": text}, **headers)  # type: ignore[arg-type]
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    return response.content.decode()


def test_it_works(client: Client) -> None:
    make_article("mailbox-full", owner="recipient", classes=("rcpt.full",))
    html = paste(client, "552 5.2.2 <b@example.com>: user is over quota")
    assert "The recipient can fix this." in html
    assert '<a class="button" href="/en/errors/mailbox-full/"' in html
    assert "<mark>user is over quota</mark>" in html
    assert "We are quite sure." in html
    assert "552 5.2.2" in html
    assert html.index("The recipient can fix this.") < html.index("<mark>")


def test_the_field_is_on_the_page_of_errors(client: Client) -> None:
    html = client.get("/en/errors/").content.decode()
    assert f'action="{URL}" enctype="multipart/form-data"' in html
    assert '<textarea name="text"' in html
    assert 'type="file" name="file"' in html


def test_the_own_page_is_the_list(client: Client) -> None:
    assert client.get(URL)["Location"] == "/en/errors/"


def test_a_fragment_for_htmx(client: Client) -> None:
    headers = {"HTTP_HX_REQUEST": "true", "HTTP_HX_REQUEST_TYPE": "partial"}
    html = paste(client, "552 5.2.2 over quota", **headers)
    assert "<html" not in html
    assert '<h1 tabindex="-1" autofocus>' in html


def test_a_file_is_explained(client: Client) -> None:
    make_article("no-such-recipient", classes=("rcpt.unknown",))
    bounce = report("Undelivered Mail", "See below.", fields("550 5.1.1 User unknown", status="5.1.1"))
    html = client.post(URL, {"text": "", "file": SimpleUploadedFile("bounce.eml", bounce)}).content.decode()
    assert "A mail server writes that a message could not be delivered." in html
    assert f"<bdi>{RECIPIENT}</bdi>" in html
    assert "<mark>User unknown</mark>" in html
    assert 'href="/en/errors/no-such-recipient/?at=sender.example"' in html


def test_the_way_on_to_the_test_carries_what_was_recognised(client: Client) -> None:
    make_provider(domains=("example.net",))
    html = paste(client, "Login to server imap.example.net with username anna@example.net failed.")
    assert "/en/test/?at=example.net&amp;imap_host=imap.example.net" in html
    assert "/en/settings/example.net/" in html


def test_a_recipients_fault_needs_no_test_of_the_connection(client: Client) -> None:
    assert 'href="/en/test/?' not in paste(client, "550 5.1.1 User unknown")


def test_staffs_patterns_and_owners_count(client: Client) -> None:
    article = make_article("special", owner="admin")
    ErrorPattern.objects.create(
        name="special",
        article=article,
        pattern="Frobnication limit",
        example="Frobnication limit",
        cause="auth.policy",
        owner="provider",
    )
    html = paste(client, "NO Frobnication limit reached")
    assert "Your mail provider can fix this." in html
    assert "/en/errors/special/" in html
    assert "<mark>Frobnication limit</mark>" in html


def test_at_most_three_causes(client: Client) -> None:
    html = paste(
        client, "550 mailbox full, user unknown, message is spam, relay denied, virus found, timed out, greylisted"
    )
    assert 1 <= html.count('class="verdict') <= 3
    assert "It could also be" in html


def test_what_is_not_known_is_said_so(client: Client) -> None:
    html = paste(client, "Frobnicator 17 is out of flux")
    assert "We do not know this error" in html
    assert "Never send a password." in html
    assert 'class="verdict' not in html
    assert 'href="/en/test/"' in html


def _steps(text: str) -> str:
    return f"::: steps\n::: step {{#do}} Do this\n{text}\n::: end\n::: end"


def test_what_is_not_known_gets_a_guess_by_its_words(client: Client) -> None:
    make_article("flux", body=_steps("The frobnicator needs fresh flux."))
    make_article("other", body=_steps("Nothing of the kind."))
    html = paste(client, "My frobnicator 17 has no more flux, says anna@example.net")
    guess = html.index('href="/en/errors/flux/"')
    assert html.index("We do not know this error") < html.index("only a guess") < guess < html.index("Ask your mail")
    assert 'href="/en/errors/other/"' not in html
    assert 'class="verdict' not in html


def test_there_are_three_guesses_at_most_the_fullest_first(client: Client) -> None:
    for number in range(4):
        make_article(f"flux-{number}", body=_steps("The frobnicator needs fresh flux."))
    make_article("zinc", body=_steps("The frobnicator needs fresh flux and zinc."))
    html = paste(client, "frobnicator out of flux and zinc")
    assert html.count('href="/en/errors/flux-') == 2
    assert html.index('href="/en/errors/zinc/"') < html.index('href="/en/errors/flux-0/"')


def test_one_common_word_is_no_guess(client: Client) -> None:
    make_article("flux", body=_steps("The frobnicator needs fresh flux."))
    assert "only a guess" not in paste(client, "frobnicator")
    assert "only a guess" not in paste(client, "frobnicator one two three four five six seven eight nine ten")


def test_a_guess_in_another_language_says_so(client: Client) -> None:
    make_article("flux", body=_steps("The frobnicator needs fresh flux."), languages=("en",))
    html = client.post("/ja/errors/find/", {"text": "the frobnicator is out of flux"}).content.decode()
    assert '<a href="/ja/errors/flux/" lang="en">' in html


def test_what_is_known_gets_no_guess(client: Client) -> None:
    make_article("mailbox-full", classes=("rcpt.full",))
    assert "only a guess" not in paste(client, "552 5.2.2 user is over quota")


def test_a_returned_message_that_says_nothing_known_gets_a_guess_too(client: Client) -> None:
    make_article("flux", body=_steps("The frobnicator needs fresh flux."))
    html = paste(client, "From: MAILER-DAEMON@example.net\nSubject: failure notice\n\nThe frobnicator has no flux.\n")
    assert 'href="/en/errors/flux/"' in html


@pytest.mark.parametrize("language", ["ja", "ru"])
def test_the_page_speaks_the_readers_language(client: Client, language: str) -> None:
    html = client.post(f"/{language}/errors/find/", {"text": "552 5.2.2 over quota"}).content.decode()
    for english in ("can fix this", "quite sure", "What this error means", "step by step", "Explain"):
        assert english not in html


SECRET = "Xq7hunter2Zz"
IN_BASE64 = "AGFubmFAZXhhbXBsZS5uZXQAWHE3aHVudGVyMlp6"


@pytest.mark.parametrize(
    "text",
    [
        f"AUTH PLAIN {IN_BASE64}\n535 5.7.8 authentication failed",
        f"535 5.7.8 authentication failed: {IN_BASE64}",
        f"a1 LOGIN anna@example.net {SECRET}\na1 NO [AUTHENTICATIONFAILED] Authentication failed.",
        f"a1 NO LOGIN anna@example.net {SECRET} failed: authentication failure",
        f"PASS {SECRET}\n-ERR [AUTH] Authentication failed.",
        f"my password is {SECRET} and Thunderbird says: login to server imap.example.net failed",
        f"password={SECRET} 535 5.7.8 Error: authentication failed",
        f"-ERR [AUTH] bad password: {SECRET}",
        f"smtp://anna:{SECRET}@smtp.example.net: 535 5.7.8 authentication failed",
        f"{SECRET}\nYour login failed because the password is wrong",
        f"パスワード: {SECRET} 認証に失敗しました",
        f"пароль {SECRET} — ошибка аутентификации",
    ],
)
def test_a_password_in_the_text_is_never_shown_again(client: Client, text: str) -> None:
    html = paste(client, text)
    assert 'class="verdict' in html
    assert SECRET not in html
    assert IN_BASE64 not in html


def test_markup_in_the_text_is_shown_as_text(client: Client) -> None:
    html = paste(client, "550 5.1.1 <script>alert(1)</script>: user unknown")
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("text", ["", "   \n ", "\0"])
def test_nothing_is_refused_at_the_field(client: Client, text: str) -> None:
    response = client.post(URL, {"text": text})
    html = response.content.decode()
    assert response.status_code == 422
    assert "Paste the error text, or choose a file" in html
    assert 'href="#id_text"' in html
    assert "<title>Error:" in html


def zipped() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("bounce.eml", "550 5.1.1 user unknown")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [(zipped(), "This is an archive"), (bytes(range(256)) * 40, "This is not a text"), (b"", "Paste the error text")],
)
def test_a_file_that_is_no_text_is_refused_at_its_field(client: Client, content: bytes, says: str) -> None:
    response = client.post(URL, {"text": "", "file": SimpleUploadedFile("bounce.eml", content)})
    html = response.content.decode()
    assert response.status_code == 422
    assert says in html
    if content:
        assert 'href="#id_file"' in html


@pytest.mark.parametrize("size", [1_000_001, 10_000_000])
def test_too_much_is_refused_with_words_and_not_shown_again(client: Client, size: int) -> None:
    for form in ({"text": "x" * size}, {"text": "", "file": SimpleUploadedFile("bounce.eml", b"x" * size)}):
        response = client.post(URL, form)
        html = response.content.decode()
        assert response.status_code == 422
        assert "at most 1 MB" in html
        assert "x" * 100 not in html


def test_too_much_without_the_browsers_packaging_is_refused_too(client: Client) -> None:
    response = client.post(URL, "text=" + "x" * 1_010_000, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 422


def test_a_megabyte_is_not_too_much(client: Client) -> None:
    assert client.post(URL, {"text": "552 5.2.2 over quota\n" + "x" * 990_000}).status_code == 200


def test_nothing_of_it_is_stored_or_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    make_article("mailbox-full", classes=("rcpt.full",))
    canary = "canary7f3a9c"
    with caplog.at_level("DEBUG"), CaptureQueriesContext(connection) as queries:
        paste(client, f"552 5.2.2 <{canary}@there.example>: user is over quota\n{canary} {SECRET}")
        client.post(URL, {"text": "", "file": SimpleUploadedFile(f"{canary}.zip", b"PK\x03\x04" + canary.encode())})
    statements = [query["sql"] for query in queries]
    assert statements
    assert all(sql.startswith("SELECT") for sql in statements)
    assert canary not in " ".join(statements)
    logged = [record for record in caplog.records if not record.name.startswith("django.db")]
    assert canary not in caplog.text
    assert all(canary not in str(vars(record)) for record in logged if record.name != "django.request")


def test_the_number_of_queries_does_not_grow(client: Client) -> None:
    for number, name in enumerate(("rcpt.full", "rcpt.unknown", "smtp.spam")):
        make_article(f"article-{number}", classes=(name,))
    with CaptureQueriesContext(connection) as few:
        paste(client, "552 5.2.2 user is over quota")
    with CaptureQueriesContext(connection) as many:
        paste(client, "552 5.2.2 user is over quota\n550 5.1.1 User unknown\n554 message is spam\n" * 30)
    assert len(many) <= len(few) + 2


def test_the_card_of_the_likeliest_cause_has_the_first_steps(client: Client) -> None:
    steps = "".join(f"::: step {{#s{n}}} Do thing {n}\nWith care.\n::: end\n" for n in (1, 2, 3, 4))
    body = f"Intro.\n\n::: steps\n{steps}::: end\n"
    make_article("mailbox-full", owner="recipient", classes=("rcpt.full",), body=body)
    html = paste(client, "552 5.2.2 <b@example.com>: user is over quota")
    assert "Do thing 1" in html
    assert "Do thing 2" in html
    assert "Do thing 3" in html
    assert "Do thing 4" not in html
    assert html.index("Do thing 1") < html.index("What to do, step by step")


def test_only_so_many_texts_are_explained_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation_semaphore, "WAIT_SECONDS", 0.1)
    with ExitStack() as others:
        for _ in range(explanation_semaphore.AT_ONCE):
            others.enter_context(explanation_semaphore.explaining())
        refused = client.post(URL, {"text": "550 5.1.1 user unknown"})
        assert refused.status_code == 503
        assert refused["Retry-After"] == "10"
        assert "Many people are having errors explained" in refused.content.decode()
    paste(client, "550 5.1.1 user unknown")


def test_no_text_waits_in_a_long_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation_semaphore, "ADMITTED", 1)
    with explanation_semaphore.explaining():
        started = time.monotonic()
        with pytest.raises(RateLimited), explanation_semaphore.explaining():
            pass
        assert time.monotonic() - started < explanation_semaphore.WAIT_SECONDS


def test_judging_a_text_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "550 5.1.1 user unknown\n\n552 5.2.2 mailbox full"
    assert len(explain.diagnose(text).causes) == 2
    monkeypatch.setattr(explain, "JUDGING_SECONDS", 0)
    assert [cause.name for cause in explain.diagnose(text).causes] == ["rcpt.unknown"]


def test_the_rules_are_compiled_before_the_first_request() -> None:
    """In a new process: what gunicorn's hook compiles is all that explaining needs."""
    code = (
        "from guides.mail.diagnosis import explain, judging, rulebook\n"
        "judging.compile_rules()\n"
        "before = rulebook.Rules.of.cache_info().misses\n"
        "for text in ('550 5.1.1 user unknown', 'Cannot connect to server: timed out', '550 sorry, quota', "
        "'554 5.7.1 message rejected: spam policy, user unknown'): explain.diagnose(text)\n"
        "assert before and rulebook.Rules.of.cache_info().misses == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
