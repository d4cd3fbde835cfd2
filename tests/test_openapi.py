"""The OpenAPI description holds for what the portal answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from pytest_django.fixtures import Settings

from guides.library.entries import Library
from guides.library.loading import Origin, load
from guides.library.reading import SHIPPED, read_library
from guides.mail.discovery.findings import ConfigSource
from guides.models import Provider
from tests.discovery_world import NETWORK_SOURCES, lead_to, publish
from tests.factories import make_provider
from tests.internet import Internet

pytestmark = pytest.mark.django_db

PATH = "/{language}/settings/{domain}.json"


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    made = Internet()
    for source in NETWORK_SOURCES:
        publish(made, f"only-{source}.test", source)
    for source in (ConfigSource.AUTOCONFIG, ConfigSource.SRV):
        publish(made, "two.test", source, f"by-{source}")
    with made:
        yield made


@pytest.fixture(autouse=True)
def portal_in_world(world: Internet, settings: Settings) -> None:
    lead_to(world, settings)


@pytest.fixture
def described(client: Client) -> dict[str, Any]:
    response = client.get("/openapi.json")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    return dict(response.json())


def answer_is_as_described(client: Client, described: dict[str, Any], domain: str, status: int = 200) -> dict[str, Any]:
    response = client.get(PATH.format(language="en", domain=domain))
    assert response.status_code == status, domain
    responses = described["paths"][PATH]["get"]["responses"]
    content = responses[str(status)]["content"]["application/json"]["schema"]
    Draft202012Validator({**content, "components": described["components"]}).validate(response.json())
    return dict(response.json())


def test_the_description_itself(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"
    assert list(described["paths"]) == [PATH]
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_it_says_what_it_refuses(client: Client, described: dict[str, Any]) -> None:
    make_provider()
    answer = answer_is_as_described(client, described, "example.net")
    schema = {"$ref": "#/components/schemas/Settings", "components": described["components"]}
    for change in ({"password": "secret"}, {"address": "anna@example.net"}, {"servers": [{"host": "x"}]}):
        with pytest.raises(ValidationError):
            Draft202012Validator(schema).validate(answer | change)


def test_every_provider_of_the_table(client: Client, described: dict[str, Any]) -> None:
    load(Library(providers=read_library(SHIPPED)[0].providers), {}, source=Origin.SHIPPED)
    for provider in Provider.objects.filter(domains__isnull=False).distinct():
        domain = provider.domains.all()[0].domain
        assert answer_is_as_described(client, described, domain)["provider"] == provider.slug


@pytest.mark.parametrize("domain", [*(f"only-{source}.test" for source in NETWORK_SOURCES), "two.test"])
def test_domains_that_are_looked_up(client: Client, described: dict[str, Any], domain: str) -> None:
    assert answer_is_as_described(client, described, domain)["servers"]


def test_nothing_found_and_too_many(client: Client, described: dict[str, Any], settings: Settings) -> None:
    settings.LIMIT_VISITOR_LOOKUPS_HOUR = 1
    assert answer_is_as_described(client, described, "nothing.test", 404)["servers"] == []
    assert answer_is_as_described(client, described, "two.test", 429)["error"]


def test_other_methods_are_refused(client: Client) -> None:
    assert client.post("/openapi.json").status_code == 405
