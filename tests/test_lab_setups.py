"""The set-ups of `tests.lab_setups` through the page that a visitor sees, with real DNS, web and mail servers on loopback."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from guides.library.ispdb_import import import_folder
from guides.mail.accounts import Address, Protocol
from guides.models import SuffixRule
from guides.views.visitor import VisitorContext
from tests.discovery_world import lead_to
from tests.factories import make_provider
from tests.internet import Internet
from tests.ispdb_folder import config, good
from tests.lab_setups import NOT_FOUND, SET_UPS, SetUp, build_all

pytestmark = [pytest.mark.lab, pytest.mark.django_db]

DOCUMENT = Path(__file__).parent.parent / "docs" / "discovery.md"


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    made = Internet()
    build_all(made)
    with made:
        yield made


@pytest.fixture(autouse=True)
def known_hosters(internet: Internet, settings: Settings, tmp_path: Path) -> None:
    """The portal asks the small internet; one hoster is in the table, one in the operator's ISPDB."""
    lead_to(internet, settings)
    provider = make_provider("workspace", domains=("workspace.example",))
    SuffixRule.objects.create(provider=provider, kind="mx", suffix="google.com")
    (tmp_path / "snapshot.test.xml").write_text(config(*good("snapshot.test"), domains=("snapshot.test",)))
    import_folder(tmp_path)


@pytest.mark.parametrize("set_up", SET_UPS, ids=lambda set_up: set_up.name)
def test_a_visitor_gets_the_servers_or_is_told_why_not(client: Client, set_up: SetUp) -> None:
    address = Address("anna.b", set_up.domain)
    response = client.post("/en/settings/", {"address": str(address)})
    visitor: VisitorContext = response.context["visitor"]
    discovery = visitor.discovery
    assert discovery is not None
    shown = html.unescape(response.content.decode())
    if set_up.source is None:
        assert not discovery.found
        assert set_up.says in shown
        assert response.status_code == 200
        return
    assert discovery.winner is not None
    assert discovery.winner.source is set_up.source
    assert discovery.confirm == set_up.confirm
    host = set_up.host.format(domain=set_up.domain)
    best = discovery.account.best(Protocol.IMAP)
    sending = discovery.account.best(Protocol.SMTP)
    assert best is not None
    assert sending is not None
    assert best.host == host
    assert sending.port in (465, 587)
    for server in (best, sending):
        assert server.username_for(address) == set_up.username.format(domain=set_up.domain)
    if set_up.confirm:  # no server is shown before the visitor has confirmed its owner
        assert host not in shown
        answer = client.post("/en/settings/", {"address": str(address), "confirmed": set_up.confirm})
        shown = html.unescape(answer.content.decode())
    assert host in shown
    assert set_up.username.format(domain=set_up.domain) in shown


def test_the_document_has_the_table_and_says_why_of_each_that_is_not_found() -> None:
    table = re.findall(r"^\| [a-z]+\d* \| .* \| (?:found|told|not found).* \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert table == [set_up.row for set_up in SET_UPS]
    assert all(set_up.why for set_up in SET_UPS if not set_up.source)
    assert sum(set_up.result != NOT_FOUND for set_up in SET_UPS) >= 33
