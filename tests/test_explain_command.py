"""`manage.py explain`."""

import json
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from django.core.management import call_command

from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Owner
from tests.bounces.shapes import RECIPIENT, fields, report
from tests.factories import make_article

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("explain", *arguments, stdout=out, stderr=err)
    except SystemExit as error:
        return int(error.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_it_works(tmp_path: Path) -> None:
    make_article("mailbox-full", classes=("rcpt.full",))
    (tmp_path / "a.txt").write_text("552 5.2.2 user is over quota")
    (tmp_path / "b.eml").write_bytes(
        report("Undelivered Mail", "See below.", fields("550 5.1.1 User unknown", status="5.1.1"))
    )
    code, out, _ = run("--json", str(tmp_path / "a.txt"), str(tmp_path / "b.eml"))
    first, second = map(json.loads, out.splitlines())
    assert code == 0
    assert first["file"] == str(tmp_path / "a.txt")
    assert first["bounce"] is None
    cause = first["causes"][0]
    assert set(cause) == {"class", "article", "confidence", "matched", "who", "code"}
    assert cause["class"] == "rcpt.full"
    assert cause["article"] == "mailbox-full"
    assert cause["matched"] == "user is over quota"
    assert cause["who"] == "recipient"
    assert cause["code"] == "552 5.2.2"
    assert second["bounce"]["kind"] == "failure"
    assert second["bounce"]["recipients"][0]["address"] == RECIPIENT
    assert second["bounce"]["recipients"][0]["class"] == "rcpt.unknown"
    for record in (first, second):
        for cause in record["causes"]:
            assert cause["class"] in CLASSES
            assert cause["who"] in [owner.value for owner in Owner]
            assert 0 < cause["confidence"] <= 1


def test_people_can_read_it_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("552 5.2.2 user is over quota")
    code, out, _ = run(str(tmp_path / "a.txt"))
    assert code == 0
    assert "rcpt.full (recipient can fix it)" in out
    assert "[user is over quota]" in out


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"550 5.1.1 user unknown")))
    code, out, _ = run("--json")
    assert code == 0
    assert json.loads(out)["file"] == "-"
    assert json.loads(out)["causes"][0]["class"] == "rcpt.unknown"


@pytest.mark.parametrize(
    ("data", "fault"),
    [(b"out of flux", None), (b"PK\x03\x04....", "archive"), (b"x" * 1_000_001, "too_large"), (b"", None)],
)
def test_nothing_found_is_said(tmp_path: Path, data: bytes, fault: str | None) -> None:
    (tmp_path / "a").write_bytes(data)
    code, out, _ = run("--json", str(tmp_path / "a"))
    record = json.loads(out)
    assert code == 1
    assert record["causes"] == []
    assert record["bounce"] is None
    assert record.get("error") == fault
    assert run(str(tmp_path / "a"))[0] == 1


def test_a_missing_file_is_a_wrong_call(tmp_path: Path) -> None:
    code, out, err = run(str(tmp_path / "none"))
    assert (code, out) == (2, "")
    assert "none" in err


def test_a_password_in_the_words_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("password is hunter2x 535 5.7.8 authentication failed")
    for arguments in (["--json"], []):
        assert "hunter2x" not in run(*arguments, str(tmp_path / "a"))[1]


def test_what_is_not_known_gets_a_guess(tmp_path: Path) -> None:
    body = "::: steps\n::: step {#do} Do this\nThe frobnicator needs fresh flux.\n::: end\n::: end"
    make_article("flux", body=body)
    (tmp_path / "a.txt").write_text("The frobnicator is out of flux")
    code, out, _ = run(str(tmp_path / "a.txt"))
    assert code == 1
    assert "a guess: article flux" in out
