"""Discovery against the lab's own mail servers: its domain publishes SRV records, and the test follows them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.django_db]


def test_the_labs_domain_is_found_by_its_services(portal_at_lab: Lab) -> None:
    out = io.StringIO()
    call_command("discover", portal_at_lab.domain, "--json", stdout=out)
    record = json.loads(out.getvalue())
    assert [source["name"] for source in record["sources"] if source["found"]] == ["srv"]
    ports = portal_at_lab.ports
    assert [(server["host"], server["port"], server["security"]) for server in record["servers"]] == [
        ("imap.lab.test", ports.imaps, "tls"),
        ("imap.lab.test", ports.imap, "starttls"),
        ("pop.lab.test", ports.pop3s, "tls"),
        ("pop.lab.test", ports.pop3, "starttls"),
        ("smtp.lab.test", ports.submissions, "tls"),
        ("smtp.lab.test", ports.submission, "starttls"),
    ]


def test_the_connection_test_needs_no_servers_named(
    portal_at_lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anna = portal_at_lab.people["anna"]
    secret = tmp_path / "password"
    secret.write_text(anna.password, encoding="utf-8")
    call_command("testmail", f"anna@{portal_at_lab.domain}", "--password-file", str(secret), "--json")
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])["verdict"]
    assert verdict["legs"] == {"imap": "ok", "pop3": "ok", "smtp": "ok"}
