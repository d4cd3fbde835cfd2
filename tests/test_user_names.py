"""Which user name goes to which server, and when the part before the @ is offered as a second test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from guides.mail.accounts import Account, Protocol, Security, Server, UsernameForm
from guides.mail.connection.test import TestPlan
from guides.mail.discovery.findings import ConfigSource, Finding, Trust
from guides.mail.outcomes import Alternative, Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.services import discovering
from guides.views import result_stream
from tests.factories import make_provider

pytestmark = pytest.mark.django_db
IMAP = Server(Protocol.IMAP, "imap.own.net", 993, Security.TLS)
SMTP = Server(Protocol.SMTP, "smtp.own.net", 465, Security.TLS)


class Script:
    """A test that ends as it is told; notes what it was to do."""

    def __init__(self) -> None:
        self.plans: list[TestPlan] = []
        self.cause = "auth.rejected"
        self.alternatives: tuple[Alternative, ...] = ()

    async def run(self, plan: TestPlan, *_shared: object, **_more: object) -> AsyncIterator[object]:
        self.plans.append(plan)
        yield StageResult(Leg.IMAP, Stage.LOGIN, Outcome.FAIL, self.cause, Owner.VISITOR)
        yield Verdict(
            Outcome.FAIL, {Leg.IMAP: Outcome.FAIL}, self.cause, Owner.VISITOR, 9, leg=Leg.IMAP,
            alternatives=self.alternatives,
        )  # fmt: skip

    def names(self) -> dict[str, str | None]:
        """The user name for each server of the last test."""
        plan = self.plans[-1]
        return {server.host: plan.username_on(server) for server in plan.servers}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    script = Script()
    monkeypatch.setattr(result_stream, "run_test", script.run)
    yield script
    cache.clear()


def submit(client: Client, **fields: str) -> str:
    data = {"address": "anna@own.net", "password": "x"} | fields
    return client.post("/en/test/", data).content.decode()


def offers_local_part(html: str) -> bool:
    return 'id="local-part-password"' in html


@pytest.mark.parametrize(
    ("source", "offered"),
    [
        (ConfigSource.PACC, True),
        (ConfigSource.AUTOCONFIG, False),
        (ConfigSource.WELL_KNOWN, False),
        (ConfigSource.ISPDB, False),
        (ConfigSource.MX, False),  # its settings come from the table, a file or the ISPDB
        (ConfigSource.SRV, True),
        (ConfigSource.AUTODISCOVER, True),
        (ConfigSource.GUESS, True),
    ],
)
def test_it_is_offered_where_nobody_says_which_form_is_wanted(
    client: Client, script: Script, source: ConfigSource, offered: bool
) -> None:
    finding = Finding(source, Account("own.net", servers=(IMAP, SMTP)), Trust.MEDIUM)
    discovering._Kept("own.net").keep([finding])
    assert offers_local_part(submit(client)) is offered
    assert [server.host for server in script.plans[0].servers] == ["imap.own.net", "smtp.own.net"]


def test_a_source_that_says_it_counts_beside_one_that_does_not(client: Client, script: Script) -> None:
    named = Account("own.net", servers=(IMAP, SMTP))
    discovering._Kept("own.net").keep([Finding(ConfigSource.SRV, named), Finding(ConfigSource.ISPDB, named)])
    assert not offers_local_part(submit(client))


def test_a_host_that_the_table_does_not_list_may_want_another(client: Client, script: Script) -> None:
    make_provider(domains=("own.net",))
    assert not offers_local_part(submit(client))
    assert not offers_local_part(submit(client, imap_host="imap.own.net"))
    cache.clear()  # three refusals use up the account's budget
    assert offers_local_part(submit(client, imap_host="other.own.net"))


def test_an_unclear_refusal_may_be_one_of_the_name(client: Client, script: Script) -> None:
    script.cause = "auth.user_or_disabled_ambiguous"
    assert offers_local_part(submit(client, imap_host="imap.own.net"))


@pytest.fixture
def two_forms() -> None:
    """A provider that wants the part before the @ for receiving, and the whole address for sending."""
    provider = make_provider(domains=("own.net",), username="local_part")
    provider.servers.filter(protocol="smtp").update(username="address")


RIGHT = {"imap.own.net": "anna", "smtp.own.net": "anna@own.net"}


def test_servers_by_hand_get_the_names_that_the_table_knows(client: Client, script: Script, two_forms: None) -> None:
    submit(client, imap_host="imap.own.net", smtp_host="smtp.own.net")
    assert script.names() == RIGHT
    submit(client, imap_host="imap.own.net", smtp_host="smtp.own.net", username="anna-7")
    assert set(script.names().values()) == {"anna-7"}
    cache.clear()
    submit(client, imap_host="elsewhere.net", smtp_host="smtp.own.net")
    assert script.names()["elsewhere.net"] == "anna@own.net"


def test_the_form_that_was_chosen_by_hand_is_used(client: Client, script: Script) -> None:
    html = submit(client, imap_host="other.own.net", username_form="other")
    assert "It is not in the address." in html
    assert not script.plans
    submit(client, imap_host="other.own.net", username_form="local_part")
    assert script.names() == {"other.own.net": "anna"}


def test_another_test_with_other_settings_sends_each_server_its_own(
    client: Client, script: Script, two_forms: None
) -> None:
    wrong = Server(Protocol.IMAP, "imap.own.net", 143, Security.STARTTLS, UsernameForm.LOCAL_PART)
    right = Server(Protocol.IMAP, "imap.own.net", 993, Security.TLS, UsernameForm.LOCAL_PART)
    script.alternatives = (Alternative(Leg.IMAP, wrong, right),)
    typed = {"imap_host": "imap.own.net", "imap_port": "143", "smtp_host": "smtp.own.net"}
    html = submit(client, **typed)
    form = html.partition('<div class="retry"')[2].partition("</button>")[0]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert (fields["imap_port"], fields["smtp_host"]) == ("993", "smtp.own.net")
    submit(client, **fields)
    assert script.plans[-1].servers[0] == right
    assert script.names() == RIGHT


def test_a_name_that_only_the_provider_gives_is_asked_for(client: Client, script: Script) -> None:
    make_provider(domains=("own.net",), username="other")
    html = submit(client, imap_host="imap.own.net")
    assert 'id="id_username_error"' in html
    assert script.plans == []
    submit(client, imap_host="imap.own.net", username="u4711")
    assert script.names() == {"imap.own.net": "u4711"}
