"""Mechanisms, quota, folders, identity and delivery against real Dovecot and Postfix."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from guides import runtime
from guides.mail.accounts import Address, PasswordKind, Protocol, Security
from guides.mail.connection import sasl
from guides.mail.connection.imap import ImapSession
from guides.mail.connection.limits import Limits
from guides.mail.connection.sasl import Mechanism
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.network import Egress
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from tests.lab import Lab, Person

pytestmark = pytest.mark.lab

IMAP, POP3, SMTP = Protocol.IMAP, Protocol.POP3, Protocol.SMTP
ALL = (IMAP, POP3, SMTP)


def run(
    lab: Lab, person: Person, *protocols: Protocol, secret: str = "", **settings: object
) -> tuple[dict[tuple[Leg, Stage], StageResult], Verdict]:
    servers = tuple(lab.server(protocol) for protocol in protocols)
    plan = TestPlan(Address.parse(person.address), servers, username=person.login or None, **settings)  # type: ignore[arg-type]

    async def collect() -> list[StageResult | Verdict]:
        limits = Limits(delivery=10, delivery_poll=0.05)
        egress = Egress(runtime.egress().config, limits)
        return [one async for one in run_test(plan, Secret(secret or person.password), egress, PatternSet(), limits)]

    *stages, verdict = asyncio.run(collect())
    assert isinstance(verdict, Verdict)
    return {(one.leg, one.stage): one for one in stages if isinstance(one, StageResult)}, verdict


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize("mechanism", sasl.BY_PASSWORD)
@pytest.mark.parametrize("name", ["anna", "boris"])
def test_each_mechanism_signs_in(
    portal_at_lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str, mechanism: Mechanism, protocol: Protocol
) -> None:
    lab = portal_at_lab
    monkeypatch.setattr(sasl, "BY_PASSWORD", (mechanism,))
    for module in ("imap", "pop3"):  # so that neither falls back to its own commands
        monkeypatch.setattr(f"guides.mail.connection.{module}.SCRAM", (mechanism,))
    for module in ("imap", "pop3", "smtp"):
        monkeypatch.setattr(f"guides.mail.connection.{module}.needs_plain", lambda *_: False)
    # Where both are offered, IMAP's command LOGIN stands before CRAM-MD5.
    monkeypatch.setattr(ImapSession, "_mechanism", lambda *_, **__: mechanism)
    with lab.counting() as attempts:
        stages, verdict = run(lab, lab.people[name], protocol)
    login = stages[Leg(protocol), Stage.LOGIN]
    assert login.outcome is Outcome.OK
    assert login.details["mechanism"] == mechanism
    assert attempts == {str(protocol): 1}
    with lab.counting() as attempts:
        stages, verdict = run(lab, lab.people[name], protocol, secret="wrong")
    assert verdict.cause == "auth.rejected"
    assert attempts == {str(protocol): 1}


@pytest.mark.parametrize(("name", "mechanism"), [("anna", "SCRAM-SHA-256"), ("boris", "PLAIN")])
def test_the_strongest_is_chosen(portal_at_lab: Lab, name: str, mechanism: str) -> None:
    """Boris has a sign in his password that SCRAM's rules for texts do not know."""
    stages, _ = run(portal_at_lab, portal_at_lab.people[name], *ALL)
    assert {stages[leg, Stage.LOGIN].details["mechanism"] for leg in (Leg.IMAP, Leg.SMTP)} == {mechanism}


@pytest.mark.parametrize("protocol", ALL)
@pytest.mark.parametrize("mechanism", sasl.BY_TOKEN)
def test_a_token_signs_in(
    portal_at_lab: Lab, monkeypatch: pytest.MonkeyPatch, mechanism: Mechanism, protocol: Protocol
) -> None:
    lab = portal_at_lab
    monkeypatch.setattr(sasl, "BY_TOKEN", (mechanism,))
    anna = lab.people["anna"]
    settings = {"token": True, "password": PasswordKind.OAUTH2}
    stages, verdict = run(lab, anna, protocol, secret=lab.token(anna), **settings)
    assert verdict.outcome is Outcome.OK
    assert stages[Leg(protocol), Stage.LOGIN].details["mechanism"] == mechanism
    with lab.counting() as attempts:
        stages, verdict = run(lab, anna, protocol, secret=lab.token(anna, seconds=-60), **settings)
    assert (verdict.outcome, verdict.cause) == ("fail", "auth.oauth_token_expired")
    assert stages[Leg(protocol), Stage.LOGIN].evidence
    assert attempts.total() <= 1


def test_what_stands_behind_the_login(portal_at_lab: Lab) -> None:
    stages, verdict = run(portal_at_lab, portal_at_lab.people["anna"], *ALL)
    assert verdict.outcome is Outcome.OK
    assert stages[Leg.IMAP, Stage.IDENTITY].details == {"software": "Dovecot"}
    assert stages[Leg.IMAP, Stage.QUOTA].details["usage"].endswith("/ 10 MB (0 %)")
    assert stages[Leg.IMAP, Stage.FOLDERS].details == {"marked": "sent junk"}
    assert stages[Leg.POP3, Stage.MAILBOX].outcome is Outcome.OK


def test_a_mailbox_that_is_nearly_full(portal_at_lab: Lab) -> None:
    stages, verdict = run(portal_at_lab, portal_at_lab.people["nearly.full"], IMAP)
    quota = stages[Leg.IMAP, Stage.QUOTA]
    assert (quota.outcome, quota.cause) == ("warn", "mbox.overquota")
    assert stages[Leg.IMAP, Stage.FOLDERS].outcome is Outcome.OK
    assert (verdict.outcome, verdict.cause) == ("warn", "mbox.overquota")


def mail_of(lab: Lab, person: Person) -> set[str]:
    maildir = lab.directory / "mail" / person.name / "Maildir"
    return {str(file) for folder in ("new", "cur") for file in maildir.rglob(f"{folder}/*")}


@pytest.mark.parametrize(
    ("name", "outcome", "cause", "folder"),
    [("anna", "ok", None, "INBOX"), ("spammed", "warn", "deliver.in_spam", "Junk")],
)
def test_delivery_to_oneself(portal_at_lab: Lab, name: str, outcome: str, cause: str | None, folder: str) -> None:
    lab = portal_at_lab
    person = lab.people[name]
    before = mail_of(lab, person)
    with lab.counting() as attempts:
        stages, verdict = run(lab, person, IMAP, SMTP, deliver=True)
    result = stages[Leg.DELIVERY, Stage.DELIVERY]
    assert (result.outcome, result.cause) == (outcome, cause)
    assert result.details["folder"] == folder
    assert result.details["deleted"] == "yes"
    assert float(result.details["seconds"]) < 10
    assert mail_of(lab, person) == before
    assert attempts == {"imap": 1, "smtp": 1}
    assert verdict.legs[Leg.DELIVERY] == outcome


def test_nothing_is_delivered_unasked(portal_at_lab: Lab) -> None:
    lab = portal_at_lab
    log = lab.directory / "postfix.log"
    before = log.read_text().count("status=sent")
    run(lab, lab.people["anna"], IMAP, SMTP)
    assert log.read_text().count("status=sent") == before


def call(*arguments: str) -> int:
    try:
        call_command("testmail", *arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.django_db
def test_the_command_delivers_and_takes_tokens(
    portal_at_lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = portal_at_lab
    anna = lab.people["anna"]
    servers = [f"--{one}={lab.server(one).host}:{lab.server(one).port}:tls" for one in (IMAP, SMTP)]
    secret, token = tmp_path / "secret", tmp_path / "token"
    secret.write_text(anna.password)
    token.write_text(f" {lab.token(anna)} \n")
    assert call(anna.address, *servers, f"--password-file={secret}", "--deliver", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    delivered = [line for line in lines if line.get("leg") == "delivery"]
    assert [(line["stage"], line["outcome"], line["class"]) for line in delivered] == [("delivery", "ok", None)]
    assert lines[-1]["verdict"]["legs"] == {"imap": "ok", "smtp": "ok", "delivery": "ok"}
    assert call(anna.address, *servers, f"--token-file={token}", "--json") == 0
    output = capsys.readouterr().out
    assert '"mechanism": "OAUTHBEARER"' in output
    assert lab.token(anna).split(".")[0] not in output
    assert call(anna.address, servers[0], f"--password-file={secret}", "--deliver") == 2
    assert "--deliver needs an IMAP and an SMTP server" in capsys.readouterr().err
    with pytest.raises(Exception, match="not allowed with argument"):
        call_command("testmail", anna.address, f"--token-file={token}", f"--password-file={secret}")


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ALL)
def test_other_settings_are_found(
    portal_at_lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: Protocol
) -> None:
    """SSL/TLS was chosen for the port that begins in the clear."""
    lab = portal_at_lab
    anna = lab.people["anna"]
    secret = tmp_path / "secret"
    secret.write_text(anna.password)
    right = lab.server(protocol, Security.STARTTLS)
    arguments = [anna.address, f"--{protocol}={right.host}:{right.port}:tls", f"--password-file={secret}"]
    with lab.counting() as attempts:
        assert call(*arguments, "--json") == 1
    verdict = json.loads(capsys.readouterr().out.splitlines()[-1])["verdict"]
    assert verdict["class"] == "tls.not_tls"
    assert verdict["alternatives"] == [
        {
            "leg": protocol,
            "host": right.host,
            "port": right.port,
            "security": "starttls",
            "instead_of": {"host": right.host, "port": right.port, "security": "tls"},
        }
    ]
    assert attempts == {}
    assert call(*arguments) == 1
    assert f"{protocol}: change security tls to starttls" in capsys.readouterr().out
