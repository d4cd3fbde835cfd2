"""A domain that only the operator's snapshot of autoconfig files knows, by its own name or by its mail exchanger."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from dnslib import MX
from pytest_django.fixtures import Settings

from guides.library.ispdb_import import import_folder
from guides.models import IspdbEntry, SuffixRule
from helpdesk.env import Env
from tests.factories import make_provider
from tests.internet import Internet
from tests.ispdb_folder import config, server

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    made = Internet()
    made.records("customer.test", MX("mx7.hosting.test", 10))
    made.records("bridged.test", MX("mail.proton.test", 10))
    made.records("closed.test", MX("mx.closed.test.hosts.test", 10))
    with made:
        yield made


@pytest.fixture(autouse=True)
def portal_in_world(world: Internet, settings: Settings, tmp_path: Path) -> None:
    env = Env(world.environment())
    settings.DNS_SERVERS = env.servers("DNS_SERVERS", default_port=53)
    settings.EXTRA_CA_FILE = env.file("EXTRA_CA_FILE")
    settings.ALLOWED_NETWORKS = env.networks("ALLOWED_NETWORKS")
    settings.ALLOWED_SUFFIXES = frozenset(env.items("ALLOWED_SUFFIXES"))
    cache.clear()
    servers = server("imap", "mail.%EMAILDOMAIN%", "993"), server("smtp", "smtp.hosting.test", "465")
    xml = config(*servers, domains=("snapshot.test", "hosting.test"))
    (tmp_path / "hosting.xml").write_text(xml)
    import_folder(tmp_path)


def discover(domain: str) -> dict[str, Any]:
    out = io.StringIO()
    with suppress(SystemExit):  # it ends with 1 where nothing was found
        call_command("discover", domain, "--json", stdout=out, stderr=io.StringIO())
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def hosts(found: dict[str, Any]) -> list[str]:
    return [each["host"] for each in found["servers"]]


def sources(found: dict[str, Any]) -> set[str]:
    return {source["name"] for source in found["sources"] if source["found"]}


def test_by_its_own_name() -> None:
    found = discover("snapshot.test")
    assert hosts(found) == ["mail.snapshot.test", "smtp.hosting.test"]
    assert "ispdb" in sources(found)


def test_by_its_exchanger() -> None:
    found = discover("customer.test")
    assert hosts(found) == ["mail.customer.test", "smtp.hosting.test"]
    assert "mx" in sources(found)


def test_one_that_staff_switched_off() -> None:
    IspdbEntry.objects.update(is_used=False)
    assert hosts(discover("snapshot.test")) == []


def test_the_provider_table_wins() -> None:
    make_provider("known", domains=("snapshot.test",))
    found = discover("snapshot.test")
    assert found["provider"] == "known"
    assert hosts(found) == ["imap.snapshot.test", "pop3.snapshot.test", "smtp.snapshot.test"]


def test_a_business_exchanger_below_a_private_provider_gives_none_of_its_servers() -> None:
    """`mxbiz1.qq.com` is no mailbox at qq.com."""
    make_provider("private", domains=("hosting.test",))
    assert hosts(discover("customer.test")) == []


def test_a_bridge_is_confirmed_by_its_exchanger_and_never_by_an_address() -> None:
    provider = make_provider("proton", domains=("proton-own.test",), password="bridge")
    provider.servers.update(host="127.0.0.1")
    SuffixRule.objects.create(provider=provider, kind="mx", suffix="proton.test")
    found = discover("bridged.test")
    assert (found["provider"], found["confirm"]) == ("proton", "proton.test")


def test_a_provider_that_lets_no_client_in_is_known_by_its_exchanger() -> None:
    provider = make_provider("closed", domains=("closed-own.test",), password="none")
    provider.servers.all().delete()
    SuffixRule.objects.create(provider=provider, kind="mx", suffix="hosts.test")
    found = discover("closed.test")
    assert (found["provider"], found["password"], found["servers"]) == ("closed", "none", [])
