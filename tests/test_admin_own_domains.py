"""The admin's lists of own domains: what is wanted, what a look finds now on a real DNS and web server, and who may see it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from dnslib import CNAME, SRV
from pytest_django.fixtures import Settings

from guides.limits.rate_limits import lookup_permit
from guides.models import Provider
from guides.views.own_domains import WORDS, Item, ItemState
from tests import discovery_world
from tests.factories import make_provider
from tests.internet import Internet, Page
from tests.test_admin import fields_of, page_of

pytestmark = pytest.mark.django_db

PORTAL = "help.portal.test"
INDEX = "/admin/own-domains/"
OURS = "/admin/own-domains/ours.test/"


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    made = Internet()
    made.host(PORTAL, "autoconfig.ours.test", "elsewhere.test")
    made.page(
        discovery_world.autoconfig_url("ours.test"), discovery_world.client_config("imap.ours.test", "smtp.ours.test")
    )
    made.records("autodiscover.ours.test", CNAME("elsewhere.test."))
    made.records("_imaps._tcp.ours.test", SRV(0, 1, 993, "imap.ours.test"))
    made.records("_submissions._tcp.ours.test", SRV(0, 1, 465, "old.ours.test"))
    made.page(
        discovery_world.well_known_url("ours.test"), discovery_world.client_config("imap.old.test", "smtp.ours.test")
    )
    with made:
        yield made


@pytest.fixture(autouse=True)
def own_domain(world: Internet, settings: Settings) -> None:
    discovery_world.lead_to(world, settings)
    settings.BASE_URL, settings.ALLOWED_HOSTS = f"https://{PORTAL}", [PORTAL, "testserver"]
    make_provider("ours", domains=("ours.test",), is_own=True)
    make_provider("foreign", domains=("foreign.test",))


def signed_in(name: str, *permissions: str, **fields: bool) -> Client:
    user = User.objects.create_user(name, **{"is_staff": True, **fields})
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice() -> Client:
    """Staff who may see providers."""
    return signed_in("alice", "view_provider")


def items_of(client: Client) -> dict[str, Item]:
    """The list after a look."""
    response = client.post(OURS)
    assert response.status_code == 200
    return {item.what: item for item in response.context["items"]}


def test_the_list_and_the_look(alice: Client) -> None:
    page = alice.get(INDEX)
    assert OURS in page.content.decode()
    assert "foreign.test" not in page.content.decode()

    page = alice.get(OURS)
    before = html.unescape(page.content.decode())
    assert {item.state for item in page.context["items"]} == {ItemState.OPEN}
    assert "CNAME autoconfig.ours.test</code>" in before
    assert f'<code class="value">{PORTAL}.</code>' in before
    assert "Look at everything now" in before

    items = items_of(alice)
    states = {what: (item.state, item.instead) for what, item in items.items()}
    assert states["SRV _imaps._tcp.ours.test"] == (ItemState.GOOD, "")
    assert states["SRV _submissions._tcp.ours.test"] == (ItemState.DIFFERS, "0 1 465 old.ours.test.")
    assert states["SRV _submission._tcp.ours.test"] == (ItemState.MISSING, "")
    assert items["SRV _submission._tcp.ours.test"].is_optional  # says that there is none
    assert states["CNAME autodiscover.ours.test"] == (ItemState.DIFFERS, "elsewhere.test.")
    # no alias, but an address of its own, where the portal's settings are
    assert states["CNAME autoconfig.ours.test"] == (ItemState.GOOD, "")
    assert states[discovery_world.autoconfig_url("ours.test")] == (ItemState.GOOD, "")
    assert states[discovery_world.well_known_url("ours.test")] == (ItemState.DIFFERS, "imap.old.test:993 tls")
    assert states[discovery_world.pox_url("ours.test")][0] is not ItemState.GOOD
    assert items[discovery_world.autoconfig_url("ours.test")].wanted == f"https://{PORTAL}/v1.1/ours.test"
    after = html.unescape(alice.post(OURS).content.decode())
    for words in ("as it should be", "differs", "missing", "Found:", "Look again"):
        assert words in after


def test_a_look_is_of_now(alice: Client, world: Internet) -> None:
    what = "SRV _pop3s._tcp.ours.test"
    assert items_of(alice)[what].state is ItemState.MISSING
    world.records("_pop3s._tcp.ours.test", SRV(0, 1, 995, "pop3.ours.test"))
    assert items_of(alice)[what].state is ItemState.GOOD


def test_a_file_that_programs_cannot_use(alice: Client, world: Internet) -> None:
    url = discovery_world.autoconfig_url("ours.test")
    good = world.pages["autoconfig.ours.test", "/mail/config-v1.1.xml"]
    world.page(url, Page(good.body, media_type="text/plain"))
    items = items_of(alice)
    world.page(url, good)
    assert items[url].state is ItemState.DIFFERS
    assert "there, but unusable" in str(items[url].why)
    assert items["CNAME autoconfig.ours.test"].state is ItemState.MISSING


def test_without_base_url_it_is_said_with_the_value_to_set(alice: Client, settings: Settings) -> None:
    assert "BASE_URL" not in alice.get(OURS).content.decode()
    settings.BASE_URL = ""
    for path in (INDEX, OURS):
        page = alice.get(path, headers={"host": PORTAL}).content.decode()
        assert "the setting BASE_URL is missing" in page
        assert f"BASE_URL=http://{PORTAL}" in page
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    page = alice.get(OURS, headers={"host": "127.0.0.1"}).content.decode()
    assert "no record can lead to it" in page
    assert "BASE_URL=https://help.example.org" in page
    assert "CNAME" not in page


def test_saving_an_own_provider_says_that_base_url_is_missing(settings: Settings) -> None:
    erin = signed_in("erin", is_superuser=True)
    changelist = reverse("admin:guides_provider_changelist")
    for slug in ("ours", "foreign"):
        provider = Provider.objects.get(slug=slug)
        page = erin.get(page_of(provider))
        assert (f'<li><a href="{INDEX}"' in page.content.decode()) is provider.is_own
        for base in ("", f"https://{PORTAL}"):
            settings.BASE_URL = base
            data = fields_of(erin.get(page_of(provider)))
            answer = erin.post(page_of(provider), data, follow=True)
            assert ("the setting BASE_URL" in answer.content.decode()) is (provider.is_own and not base)
            data = {"action": "mark_as_own", "_selected_action": str(provider.pk)}
            answer = erin.post(changelist, data, follow=True)
            assert ("the setting BASE_URL" in answer.content.decode()) is (not base)
            Provider.objects.filter(slug="foreign").update(is_own=False)


def test_only_staff_who_may_see_providers(world: Internet) -> None:
    bob, carol = signed_in("bob"), signed_in("carol", "view_provider", is_staff=False)
    dave, erin = signed_in("dave", "change_provider"), signed_in("erin", is_superuser=True)
    world.asked.clear()
    for path in (INDEX, OURS):
        assert bob.get(path).status_code == 403
        assert carol.get(path).status_code == Client().get(path).status_code == 302
        assert dave.get(path).status_code == erin.get(path).status_code == 200
    assert bob.post(OURS).status_code == 403
    assert Client().post(OURS).status_code == 302
    assert world.asked == []
    assert reverse("admin:own_domains") in erin.get("/admin/").content.decode()
    assert reverse("admin:own_domains") not in bob.get("/admin/").content.decode()


def test_a_look_needs_a_token(world: Internet) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("frank"))
    world.asked.clear()
    assert client.post(OURS).status_code == 403
    assert world.asked == []


@pytest.mark.parametrize("domain", ["foreign.test", "nothing.test", "localhost", "%00", "<b>", "a" * 300, "a@b", "%ff"])
def test_what_is_no_own_domain_is_not_found(alice: Client, domain: str) -> None:
    for method in (alice.get, alice.post):
        assert method(f"{INDEX}{domain}/").status_code == 404


def test_other_spellings_lead_to_the_page(alice: Client) -> None:
    assert alice.get(f"{INDEX}OURS.test/")["Location"] == OURS


def test_when_too_many_looks_are_under_way_the_list_stays(alice: Client, settings: Settings) -> None:
    settings.LIMIT_LOOKUPS_PER_PROCESS = 1
    with lookup_permit():
        response = alice.post(OURS)
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "_imaps._tcp.ours.test" in response.content.decode()


def test_an_entry_without_servers_is_told(alice: Client) -> None:
    make_provider("half", domains=("half.test",), is_own=True).servers.filter(protocol="smtp").delete()
    for page in (alice.get(f"{INDEX}half.test/"), alice.post(f"{INDEX}half.test/")):
        assert page.status_code == 200
        assert "lacks a server" in page.content.decode()


@pytest.mark.parametrize(
    ("language", "title"), [("en", "Own domains"), ("ja", "自組織のドメイン"), ("ru", "Свои домены")]
)
def test_pages_in_each_language_without_inline_scripts(alice: Client, language: str, title: str) -> None:
    for page in (alice.get(INDEX, headers={"accept-language": language}), alice.post(OURS)):
        source = page.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", source)
    assert title in alice.get(INDEX, headers={"accept-language": language}).content.decode()


def test_every_state_has_words() -> None:
    assert set(WORDS) == set(ItemState)
