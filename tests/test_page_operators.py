"""The operators' page: a domain with nothing, with part and with all of its records, and one that contradicts itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from dnslib import CNAME, MX, SRV, TXT
from pytest_django.fixtures import Settings

from guides.limits.rate_limits import lookup_permit
from guides.mail.accounts import Protocol
from guides.mail.publish.publication_check import Family, Location, PublicationCheck, Published, State
from guides.models import Provider
from guides.views import look_words, operators
from tests import discovery_world
from tests.factories import make_provider
from tests.internet import Internet, Page

pytestmark = pytest.mark.django_db

PORTAL = "help.portal.test"
SERVICES = ("_imaps", "_imap", "_pop3s", "_pop3", "_submissions", "_submission")


def pox(domain: str) -> bytes:
    """What the portal itself answers."""
    make_provider("for-pox", domains=(domain,))
    response = Client().post(
        "/autodiscover/autodiscover.xml",
        '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
        f"<EMailAddress>settings@{domain}</EMailAddress><AcceptableResponseSchema>"
        "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>"
        "</Request></Autodiscover>",
        content_type="text/xml",
    )
    Provider.objects.filter(slug="for-pox").delete()
    return response.content


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    made = Internet()
    # nothing but mail
    made.records("nothing.test", MX("in.nothing.test", 10))
    # part of it, with faults
    made.page(
        discovery_world.autoconfig_url("part.test"),
        Page(discovery_world.client_config("imap.part.test", "smtp.part.test"), media_type="text/plain"),
    )
    made.page(
        discovery_world.well_known_url("part.test"),
        discovery_world.client_config("imap.elsewhere.test", "smtp.part.test"),
    )
    made.records("_imaps._tcp.part.test", SRV(5, 7, 993, "imap.part.test"))
    made.page(
        discovery_world.pacc_url("part.test"),
        Page(discovery_world.pacc_file("imap.part.test", "smtp.part.test"), media_type="application/json"),
    )
    made.records("_ua-auto-config.part.test", discovery_world.digest_record(b"another file"))
    # a file with one wrong server
    bad = discovery_world.client_config("imap.strict.test", "smtp.strict.test").replace(
        b"<outgoingServer", b'<incomingServer type="imap"><hostname>a b</hostname></incomingServer><outgoingServer', 1
    )
    made.page(discovery_world.autoconfig_url("strict.test"), bad)
    # filled in by the test that needs all of them
    for name in ("autoconfig", "autodiscover", "ua-auto-config"):
        made.host(f"{name}.all.test")
    made.host(PORTAL)
    made.host("expired.test")
    made.uncertified.add("autoconfig.expired.test")
    made.page(
        discovery_world.autoconfig_url("expired.test"),
        discovery_world.client_config("imap.expired.test", "smtp.expired.test"),
    )
    with made:
        yield made


@pytest.fixture(autouse=True)
def portal_in_world(world: Internet, settings: Settings) -> None:
    discovery_world.lead_to(world, settings)
    settings.BASE_URL, settings.ALLOWED_HOSTS = f"https://{PORTAL}", [PORTAL, "testserver"]


@pytest.fixture
def look(client: Client) -> Any:
    """The page's look at a domain."""

    def at(domain: str) -> tuple[PublicationCheck, str]:
        response = client.get(f"/en/operators/{domain}/")
        assert response.status_code == 200
        return response.context["look"], response.content.decode()

    return at


def states(look: PublicationCheck, family: Family) -> dict[Location, tuple[State, str]]:
    steps = next(each for each in look.families if each.family is family).steps
    return {step.location: (step.state, step.error) for step in steps}


def test_a_domain_with_nothing(look: Any) -> None:
    found, html = look("nothing.test")
    assert [family.family for family in found.families] == list(Family)
    assert all(family.answer is None for family in found.families)
    assert states(found, Family.THUNDERBIRD) == {
        Location.AUTOCONFIG: (State.MISSING, "dns.nxdomain"),
        Location.WELL_KNOWN: (State.MISSING, "dns.no_address"),
        Location.ISPDB: (State.NOT_LOOKED, ""),
        Location.MX: (State.MISSING, "own_host"),
    }
    assert found.records == ()
    assert html.count("Finds nothing.") == 5
    assert "manage.py own_domain nothing.test" in html


def test_a_domain_with_part_of_it(look: Any) -> None:
    make_provider("part", domains=("part.test",), is_own=True)
    found, html = look("part.test")
    assert states(found, Family.THUNDERBIRD)[Location.AUTOCONFIG] == (State.BROKEN, "media_type")
    assert states(found, Family.THUNDERBIRD)[Location.WELL_KNOWN] == (State.DIFFERS, "")
    assert states(found, Family.PACC)[Location.PACC] == (State.BROKEN, "wrong_digest")
    assert states(found, Family.OUTLOOK)[Location.POX] == (State.MISSING, "dns.nxdomain")
    assert states(found, Family.SRV)[Location.SRV] == (State.FOUND, "half")
    thunderbird = found.families[0]
    assert thunderbird.answer is not None
    assert [server.host for server in thunderbird.answer.differing] == ["imap.elsewhere.test"]
    assert [(each.protocol, each.one, each.other) for each in found.contradictions] == [
        (Protocol.IMAP, Location.WELL_KNOWN, Location.SRV)
    ]
    published = {each.record.name: (each.published, each.instead) for each in found.records}
    assert published["_imaps._tcp.part.test"] == (Published.YES, "")  # priority and weight are the operator's to choose
    assert published["_submissions._tcp.part.test"] == (Published.NO, "")
    assert published["autoconfig.part.test"] == (Published.NO, "")  # it has an address of its own
    state, instead = published["_ua-auto-config.part.test"]
    assert state is Published.OTHER
    assert "UAAC1" in instead
    for words in ("The domain contradicts itself", "the portal has something else", "is not sent as text/xml"):
        assert words in html


def test_a_domain_with_all_of_it(look: Any, world: Internet, capsys: pytest.CaptureFixture[str]) -> None:
    answer = pox("all.test")
    make_provider("all", domains=("all.test",), is_own=True)
    client = Client()
    host = {"headers": {"host": PORTAL}}
    config = client.get("/v1.1/all.test", **host).content  # type: ignore[arg-type]
    file = client.get("/.well-known/user-agent-configuration.json", headers={"host": "ua-auto-config.all.test"}).content
    world.page(discovery_world.autoconfig_url("all.test"), config)
    world.page(discovery_world.well_known_url("all.test"), config)
    world.page(discovery_world.pox_url("all.test"), answer)
    world.page(f"https://{PORTAL}/autodiscover/autodiscover.xml", answer)
    world.page(discovery_world.pacc_url("all.test"), Page(file, media_type="application/json"))
    digest = base64.b64encode(hashlib.sha256(file).digest()).decode()
    call_command("dns_records", "all.test")
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(";")]
    for line in lines:
        name, _ttl, _in, kind, value = line.split(" ", 4)
        match kind:
            case "CNAME":
                continue  # here these names have the web server's address
            case "TXT":
                data: Any = TXT(value.strip('"'))
            case _:
                priority, weight, port, target = value.split(" ")
                data = SRV(int(priority), int(weight), int(port), target)
        world.records(name.rstrip("."), data)
    found, html = look("all.test")
    assert digest in html
    for family in found.families:
        if family.family is not Family.APPLE:
            assert family.answer is not None, family
            assert family.answer.state is State.FOUND, family
    assert states(found, Family.THUNDERBIRD)[Location.AUTOCONFIG] == (State.FOUND, "")
    assert states(found, Family.OUTLOOK) == {Location.POX: (State.FOUND, ""), Location.POX_SRV: (State.FOUND, "")}
    assert found.contradictions == ()
    assert {each.published for each in found.records if each.record.kind != "CNAME"} == {Published.YES}
    assert "Finds nothing." not in html


def test_cname_records_are_compared(look: Any, world: Internet) -> None:
    make_provider("named", domains=("named.test",), is_own=True)
    world.host("elsewhere.test")
    world.records("autoconfig.named.test", CNAME(f"{PORTAL}."))
    world.records("autodiscover.named.test", CNAME("elsewhere.test."))
    found, _html = look("named.test")
    published = {each.record.name: (each.published, each.instead) for each in found.records}
    assert published["autoconfig.named.test"] == (Published.YES, "")
    assert published["autodiscover.named.test"] == (Published.OTHER, "elsewhere.test.")


def test_a_record_that_leads_to_no_answer(look: Any, world: Internet) -> None:
    world.records("_autodiscover._tcp.deaf.test", SRV(0, 1, 443, "autoconfig.strict.test"))
    found, _html = look("deaf.test")
    assert states(found, Family.OUTLOOK)[Location.POX_SRV] == (State.BROKEN, "not_there")


def test_records_that_lead_to_a_number_are_not_named(client: Client, settings: Settings) -> None:
    settings.BASE_URL, settings.ALLOWED_HOSTS = "", ["127.0.0.1"]
    make_provider("part", domains=("part.test",), is_own=True)
    html = client.get("/en/operators/part.test/", headers={"host": "127.0.0.1"}).content.decode()
    assert "CNAME</strong>" not in html
    assert "_submissions._tcp.part.test" in html
    assert "the records that lead to it are left out" in html


def test_one_wrong_server_is_a_matter_for_strict_readers_alone(look: Any) -> None:
    found, _html = look("strict.test")
    assert states(found, Family.THUNDERBIRD)[Location.AUTOCONFIG] == (State.FOUND, "")
    assert states(found, Family.ANDROID)[Location.AUTOCONFIG] == (State.BROKEN, "one_server")


def test_a_wrong_certificate_is_said(look: Any) -> None:
    found, html = look("expired.test")
    state, error = states(found, Family.THUNDERBIRD)[Location.AUTOCONFIG]
    assert state is State.BROKEN
    assert error.startswith("tls.")
    assert "The certificate or the encryption is not in order" in html


def test_a_foreign_domain_is_not_the_operators(look: Any) -> None:
    make_provider("foreign", domains=("strict.test",))
    _found, html = look("strict.test")
    assert "not marked as the operator" in html


def test_a_look_is_shared_for_a_minute(look: Any, world: Internet) -> None:
    look("nothing.test")
    before = sum(world.dns.queries.values())
    look("nothing.test")
    assert sum(world.dns.queries.values()) == before


def test_the_budget(client: Client, settings: Settings) -> None:
    settings.LIMIT_OPERATOR_LOOKS_HOUR = 2
    make_provider("part", domains=("part.test",))
    for domain, status in (("nothing.test", 200), ("strict.test", 200), ("part.test", 429), ("nothing.test", 200)):
        assert client.get(f"/en/operators/{domain}/").status_code == status
    response = client.get("/en/operators/part.test/")
    assert int(response["Retry-After"]) > 0
    assert "_imaps._tcp.part.test" in response.content.decode()  # the records cost nothing


def test_a_process_looks_at_few_domains_at_a_time(client: Client, settings: Settings) -> None:
    settings.LIMIT_LOOKUPS_PER_PROCESS = 1
    with lookup_permit():
        response = client.get("/en/operators/nothing.test/")
    assert response.status_code == 503
    assert "Many people" in response.content.decode()
    assert client.get("/en/operators/nothing.test/").status_code == 200


class TestForm:
    def test_it_leads_to_the_domains_page(self, client: Client) -> None:
        assert client.get("/en/operators/").status_code == 200
        assert client.get("/en/operators/", {"domain": "Example.ORG"})["Location"] == "/en/operators/example.org/"
        asked = client.get("/en/operators/", {"domain": "anna@example.org"})["Location"]
        assert "anna" not in asked  # the address leaves the URL first
        assert client.get(asked)["Location"] == "/en/operators/example.org/"

    @pytest.mark.parametrize("typed", ["", "localhost", "127.0.0.1", "a b.org", "\0", "x" * 300, "<script>"])
    def test_what_is_no_domain_is_told_at_the_field(self, client: Client, typed: str) -> None:
        response = client.get("/en/operators/", {"domain": typed})
        assert response.status_code == 422
        html = response.content.decode()
        assert 'aria-invalid="true"' in html
        assert "<script>" not in html.replace("<script src", "")

    @pytest.mark.parametrize("domain", ["localhost", "127.0.0.1", "%00", "a" * 300])
    def test_pages_of_what_is_no_domain(self, client: Client, domain: str) -> None:
        assert client.get(f"/en/operators/{domain}/").status_code == 404

    def test_other_spellings(self, client: Client) -> None:
        assert client.get("/en/operators/EXAMPLE.org/")["Location"] == "/en/operators/example.org/"


def test_everything_has_words() -> None:
    assert set(look_words.FAMILIES) == set(look_words.REMARKS) == set(Family)
    assert set(look_words.PLACES) == set(Location)
    assert set(look_words.STATES) == set(operators.MARKS) == set(State)
    assert set(look_words.PUBLISHED) == set(Published)
    for error in (
        "dns.timeout",
        "tcp.refused",
        "tls.expired",
        "http_503",
        "fetch.protocol",
        "net.closed",
        "xml",
        "json",
    ):
        assert look_words.cause_words(error)
    assert look_words.cause_words("") == ""


def test_own_domain_takes_what_discovery_finds(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("own_domain", "strict.test", "--name", "Strict")
    said = capsys.readouterr().out
    assert "Found by: autoconfig (https://autoconfig.strict.test/mail/config-v1.1.xml)" in said
    assert "imap.strict.test:993 tls" in said
    provider = Provider.objects.get(is_own=True)
    assert {row.host for row in provider.servers.all()} == {"imap.strict.test", "smtp.strict.test"}
    with pytest.raises(SystemExit) as stopped:
        call_command("own_domain", "nothing.test")
    assert stopped.value.code == 1
    assert "name them with --imap" in capsys.readouterr().err
